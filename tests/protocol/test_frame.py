"""Frames, pieces and opaque data can be written again as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.strategies import frame_bytes, piece_limits
from tests.protocol.wire_events import serialized
from tests.wire.frames import VECTORS, FrameVector
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, Side

TEXT = Frame(0, b"\x81\x05", True, 0, 1, None, 5, b"Hello")


def test_sides() -> None:
    assert Side("client") is Side.CLIENT
    assert Side.CLIENT.other is Side.SERVER
    assert Side.SERVER.other is Side.CLIENT


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_vectors_serialize(vector: FrameVector) -> None:
    assert serialized(vector.frames) + vector.rest == vector.data


@given(st.lists(frame_bytes(), max_size=4).map(b"".join), piece_limits)
def test_what_was_parsed_serializes_to_the_same_bytes(data: bytes, piece_limit: int) -> None:
    decoder = FrameDecoder(piece_limit=piece_limit)
    assert serialized(decoder.receive_data(data)) + decoder.pending == data


def test_a_frame_is_complete_with_all_of_its_payload_data() -> None:
    assert TEXT.complete
    assert not TEXT._replace(length=6).complete
    assert not TEXT._replace(length=None).complete
    assert TEXT._replace(length=None, trailer=b"\xff").complete


def test_masked() -> None:
    assert not TEXT.masked
    assert TEXT._replace(masking_key=bytes(4)).masked


def test_control_frames() -> None:
    assert [TEXT._replace(opcode=opcode).is_control for opcode in (0, 7, 8, 15)] == [False, False, True, True]


def test_pieces_are_masked_from_their_position() -> None:
    key = b"\x01\x02\x03\x04"
    assert FramePiece(0, bytes(6), False, key).serialize() == b"\x01\x02\x03\x04\x01\x02"
    assert FramePiece(6, bytes(6), True, key).serialize() == b"\x03\x04\x01\x02\x03\x04"
    assert FramePiece(6, b"abc", True, trailer=b"\xff").serialize() == b"abc\xff"


def test_opaque_data_is_its_bytes() -> None:
    assert OpaqueData(7, b"\r\n", "no frame").serialize() == b"\r\n"
