"""Chunks are taken off a stream that begins with one, wherever its frames are cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.normalizing import CLIENT, SERVER, Line, negotiated, profile
from tests.wire.build import BINARY, CLOSE, PING, TEXT, client_frame, close, frame
from wsproxy.conformance.legs import Legs

FRAMES = frame(TEXT, b"hello") + frame(PING) + frame(TEXT, b"h" * 30, form=16) + frame(TEXT, b"w\xf6rld")
SENT = frame(TEXT, b"hello") + frame(PING) + frame(TEXT, b"h" * 30) + frame(TEXT, "w\ufffdrld".encode())


def chunked(data: bytes, size: int, end: bytes = b"") -> bytes:
    """`data` in chunks of that size."""
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10, 13, 200])
@pytest.mark.parametrize("end", [b"", b"0\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n"])
def test_chunks_are_taken_off(size: int, end: bytes) -> None:  # T01 T02 C151
    data = chunked(FRAMES, size, end)
    for cut in range(1, len(data)):
        line = Line()
        assert line.send(SERVER, data[:cut]) + line.send(SERVER, data[cut:]) == SENT
        line.end(SERVER)
        assert line.marks[SERVER] == len(data)
        assert "stream.chunk-size" in line.rules(SERVER)
    slow = Line()
    assert slow.send(SERVER, data, (1,)) == SENT


def test_a_client_may_send_chunks_too() -> None:
    line = Line()
    said = client_frame(TEXT, b"hello")
    assert line.send(CLIENT, chunked(said, 4)) == said


def test_what_is_in_the_chunks_may_depart_from_the_rfc_as_well() -> None:
    weak = frame(TEXT, b"hello", key=b"\x01\x02\x03\x04", rsv=1)
    data = chunked(weak, len(weak))
    for cut in range(1, len(data)):
        line = Line()
        assert line.send(SERVER, data[:cut]) + line.send(SERVER, data[cut:]) == frame(TEXT, b"hello")
    slow = Line()
    assert slow.send(SERVER, data, (1,)) == frame(TEXT, b"hello")
    assert {"stream.chunk-size", "frame.rsv-bits", "frame.masked-by-server"} <= set(slow.rules(SERVER))


def test_frames_behind_the_last_chunk_go_on() -> None:
    line = Line()
    data = chunked(frame(TEXT, b"one"), 2, b"0\r\n\r\n") + frame(TEXT, b"two") + frame(CLOSE, close(1000))
    assert line.send(SERVER, data, (3,)) == frame(TEXT, b"one") + frame(TEXT, b"two") + frame(
        CLOSE, close(1000)
    )
    line.end(SERVER)
    assert line.marks[SERVER] == len(data)


@pytest.mark.parametrize("cut", [(), (1,), (4,)])
def test_the_end_of_the_last_chunk_is_accounted_for_at_once(cut: tuple[int, ...]) -> None:
    line, data = Line(), chunked(frame(TEXT, b"one"), 2) + chunked(frame(CLOSE, close(1000)), 9)
    assert line.send(SERVER, data, cut) == frame(TEXT, b"one") + frame(CLOSE, close(1000))
    assert line.marks[SERVER] == len(data)
    line.end(SERVER)
    assert line.marks[SERVER] == len(data)


def test_an_end_inside_a_chunk() -> None:
    data = chunked(frame(TEXT, b"one") + frame(TEXT, b"two"), 5)
    for cut in range(1, len(data)):
        line = Line()
        line.send(SERVER, data[:cut])
        line.end(SERVER)
        assert line.marks[SERVER] == cut
        assert line.peers[CLIENT].error is None


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"\n" * 13, fin=False, rsv=4),  # 41 0D 0A: a fragment, or the size line of a chunk
        frame(TEXT, b"hello"),
        b"\x41\x0d\n" + b"x" * 11 + b"\r",
    ],
)
def test_what_could_be_a_frame_is_one(data: bytes) -> None:
    legs = Legs.alike(negotiated("permessage-deflate"))
    line = Line(profile("handshake", on=["stream.chunk-size"]), legs)
    assert line.send(SERVER, data, (1,)) == data


def test_a_large_frame_in_chunks_is_not_held() -> None:
    line = Line()
    big = frame(BINARY, bytes(1_000_000))
    data = chunked(big, 1000)
    half = line.send(SERVER, data[: len(data) // 2], (4096,))
    assert len(half) > 400_000
    assert half + line.send(SERVER, data[len(data) // 2 :], (4096,)) == big


def test_a_size_line_that_is_none_ends_the_chunks() -> None:
    line = Line()
    line.send(SERVER, chunked(frame(TEXT, b"one"), 5) + b"HTTP/1.1 500 Oops\r\n\r\n")
    line.end(SERVER)
    assert line.peers[CLIENT].messages() == [(TEXT, b"one")]
    assert line.peers[CLIENT].error is None


@given(st.binary(max_size=80), st.integers(1, 20), st.integers(1, 9), st.sampled_from([SERVER, CLIENT]))
@settings(max_examples=200)
def test_nothing_is_lost(junk: bytes, size: int, step: int, side) -> None:
    data = chunked(FRAMES, size) + junk
    line = Line()
    line.send(side, data, (step,))
    line.end(side)
    assert line.marks[side] == len(data)
    assert line.peers[side.other].error is None
