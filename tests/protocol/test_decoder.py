"""FrameDecoder: the same frames however the stream was cut, and every byte of it accounted for."""

import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol import by_the_grammar
from tests.protocol.strategies import chunk_sizes, piece_limits, streams
from tests.protocol.wire_events import cut, fed, serialized, whole
from tests.wire.frames import VECTORS, FrameVector
from wsproxy.errors import UsageError
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData
from wsproxy.protocol.grammar import DIALECTS, HIXIE76, LEN32, RFC6455, build_frame
from wsproxy.protocol.header import MAX_HEADER_SIZE

each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
complete_vectors = [vector for vector in VECTORS if not vector.rest]
dialects = st.sampled_from(list(DIALECTS.values()))


def check(vector: FrameVector, decoder: FrameDecoder, chunks: Iterable[bytes]) -> None:
    events = whole(fed(decoder, chunks))
    known = len(vector.frames)
    assert tuple(events[:known]) == vector.frames
    assert serialized(events[known:]) + decoder.pending == vector.rest
    assert decoder.opaque == bool(vector.reason)
    assert all(vector.reason in event.reason for event in events if isinstance(event, OpaqueData))
    assert decoder.offset == len(vector.data)
    assert decoder.at_boundary == (not vector.rest)


@each_vector
def test_vector_whole(vector: FrameVector) -> None:
    check(vector, FrameDecoder(DIALECTS[vector.dialect]), [vector.data])


@each_vector
@pytest.mark.parametrize("piece_limit", [1, 7, 65536])
def test_vector_byte_by_byte(vector: FrameVector, piece_limit: int) -> None:
    decoder = FrameDecoder(DIALECTS[vector.dialect], piece_limit=piece_limit)
    check(vector, decoder, cut(vector.data, [1]))


@pytest.mark.parametrize("vector", complete_vectors, ids=lambda vector: vector.name)
def test_vector_between_other_frames(vector: FrameVector) -> None:
    dialect = DIALECTS[vector.dialect]
    other = b"\x00ping\xff" if dialect is HIXIE76 else b"\x89\x04ping"
    decoder = FrameDecoder(dialect)
    first, *frames, last = decoder.receive_data(other + vector.data + other + other[:-1])
    assert first.payload == last.payload == b"ping"
    assert frames == [each._replace(offset=each.offset + len(other)) for each in vector.frames]
    assert decoder.pending == other[:-1]


@given(dialects, streams, chunk_sizes, piece_limits)
def test_decodes_what_the_grammar_says(
    dialect: Dialect, data: bytes, sizes: list[int], piece_limit: int
) -> None:
    decoder = FrameDecoder(dialect, piece_limit=piece_limit)
    events = whole(fed(decoder, cut(data, sizes)))
    frames = [event for event in events if isinstance(event, Frame) and event.complete]
    expected = by_the_grammar.read(dialect, data)
    assert frames == expected.frames
    assert serialized(events[len(frames) :]) + decoder.pending == expected.rest
    assert decoder.opaque == expected.opaque


@given(dialects, streams, chunk_sizes, piece_limits)
def test_cutting_changes_nothing(dialect: Dialect, data: bytes, sizes: list[int], piece_limit: int) -> None:
    one, other = (FrameDecoder(dialect, piece_limit=piece_limit) for _ in range(2))
    assert whole(fed(one, [data])) == whole(fed(other, cut(data, sizes)))
    for attribute in ("pending", "offset", "at_boundary", "opaque"):
        assert getattr(one, attribute) == getattr(other, attribute)


@given(dialects, st.lists(st.one_of(st.binary(max_size=200), streams), max_size=6), piece_limits)
def test_no_input_raises_or_is_lost(dialect: Dialect, chunks: list[bytes], piece_limit: int) -> None:
    decoder = FrameDecoder(dialect, piece_limit=piece_limit)
    events = []
    for chunk in chunks:
        new = decoder.receive_data(chunk)
        events += new
        assert all(len(event.payload) <= piece_limit for event in new if not isinstance(event, OpaqueData))
        assert len(decoder.pending) <= piece_limit + MAX_HEADER_SIZE
    assert serialized(events) + decoder.pending == b"".join(chunks)


@given(streams, chunk_sizes, dialects, st.lists(st.booleans(), max_size=20))
def test_frames_that_are_not_waited_for_account_for_every_byte(data, sizes, dialect, turns) -> None:
    decoder, chunks = FrameDecoder(dialect), list(cut(data, sizes))
    events = []
    for turn, chunk in enumerate(chunks):
        events += decoder.receive_data(chunk)
        if turn < len(turns) and turns[turn]:
            events += decoder.release()
    assert serialized(events) + decoder.pending == data
    expected = whole(fed(FrameDecoder(dialect), chunks))
    assert whole(events)[: len(expected)] == expected


def test_events_know_their_offset() -> None:
    opaque = b"\x82\x7f" + b"\xff" * 8 + b"more"
    data = b"\x81\x05Hello" + b"\x82\x7e\x00\x7e" + bytes(126) + b"\x8a\x00" + opaque
    events = fed(FrameDecoder(), cut(data, [3]))
    assert [event.offset for event in events] == [0, 7, 137, 139, 150]
    assert [event.data for event in events if isinstance(event, OpaqueData)] == [opaque[:11], opaque[11:]]


def test_a_large_frame_comes_in_pieces_as_it_comes() -> None:
    payload = bytes(range(250)) * 2
    data = build_frame(2, payload, masking_key=b"abcd").serialize() + b"\x89\x00"
    decoder = FrameDecoder(piece_limit=100)
    assert decoder.receive_data(data[:7]) == []
    assert not decoder.at_boundary
    (frame,) = decoder.receive_data(data[7:8])
    assert (frame.header, frame.length, frame.payload, frame.complete) == (data[:8], 500, b"", False)
    assert decoder.pending == b""
    assert not decoder.at_boundary
    (piece,) = decoder.receive_data(data[8:41])
    assert piece == FramePiece(0, payload[:33], last=False, masking_key=b"abcd")
    *pieces, last, ping = decoder.receive_data(data[41:])
    assert [piece.position for piece in pieces] == [33, 133, 233, 333]
    assert last == FramePiece(433, payload[433:], last=True, masking_key=b"abcd")
    assert ping.opcode == 9
    assert decoder.at_boundary


def test_a_large_frame_at_hand_in_one_chunk_comes_in_pieces_too() -> None:
    data = build_frame(1, b"x" * 250).serialize()
    frame, *pieces = FrameDecoder(piece_limit=100).receive_data(data)
    assert (len(frame.payload), frame.complete) == (100, False)
    assert [(len(piece.payload), piece.last) for piece in pieces] == [(100, False), (50, True)]
    assert serialized([frame, *pieces]) == data


def test_the_limit_itself_is_not_large() -> None:
    for dialect, data in ((RFC6455, b"\x81\x64" + b"x" * 100), (HIXIE76, b"\0" + b"x" * 100 + b"\xff")):
        decoder = FrameDecoder(dialect, piece_limit=100)
        assert decoder.receive_data(data[:-1]) == []
        assert decoder.pending == data[:-1]
        (frame,) = decoder.receive_data(data[-1:])
        assert frame.complete
        assert frame.serialize() == data


def test_a_hixie76_frame_without_end_comes_in_pieces() -> None:
    decoder = FrameDecoder(HIXIE76, piece_limit=100)
    assert decoder.receive_data(b"\0" + b"x" * 100) == []
    frame, piece = decoder.receive_data(b"y")
    assert (frame.length, frame.payload, frame.complete) == (None, b"x" * 100, False)
    assert piece == FramePiece(100, b"y", last=False)
    assert [len(piece.payload) for piece in decoder.receive_data(b"z" * 250)] == [100, 100, 50]
    assert decoder.receive_data(b"\xff") == [FramePiece(351, b"", last=True, trailer=b"\xff")]
    assert decoder.at_boundary


def test_nothing_is_decoded_after_the_point_of_no_return() -> None:
    decoder = FrameDecoder()
    bad = b"\x81\xff\x80" + bytes(11)
    ping, opaque = decoder.receive_data(b"\x89\x00" + bad)
    assert ping.opcode == 9
    assert (opaque.offset, opaque.data) == (2, bad)
    assert "RFC 6455 section 5.2" in opaque.reason
    assert decoder.opaque
    assert not decoder.at_boundary
    assert decoder.receive_data(b"\x89\x00") == [OpaqueData(16, b"\x89\x00", opaque.reason)]
    assert decoder.receive_data(b"") == []
    assert decoder.offset == 18


@pytest.mark.parametrize(
    ("dialect", "beginning"),
    [
        (RFC6455, b"\x82\x7f\x40" + bytes(7)),
        (RFC6455, b"\x82\xff\x7f" + b"\xff" * 7 + b"mask"),
        (LEN32, b"\x82\x7f\xff\xff\xff\xff"),
        (HIXIE76, b"\x80" + b"\xff" * 8 + b"\x7f"),
        (HIXIE76, b"\x00"),
    ],
    ids=["2^62", "2^63 - 1, masked", "2^32 - 1", "2^63 - 1 in groups", "no end announced"],
)
def test_memory_does_not_grow_with_what_is_announced(dialect: Dialect, beginning: bytes) -> None:
    decoder = FrameDecoder(dialect)
    chunk = b"x" * 65536
    seen = sum(len(event.serialize()) for event in decoder.receive_data(beginning))
    tracemalloc.start()
    try:
        for _ in range(128):
            seen += sum(len(event.serialize()) for event in decoder.receive_data(chunk))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20
    assert len(decoder.pending) <= 65536 + MAX_HEADER_SIZE
    assert seen + len(decoder.pending) == len(beginning) + 128 * len(chunk)
    assert not decoder.opaque


def test_a_piece_limit_must_leave_room_for_a_byte() -> None:
    with pytest.raises(UsageError, match="piece_limit is 0"):
        FrameDecoder(piece_limit=0)
