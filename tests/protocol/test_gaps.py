"""Decoding around bytes that are known to be no frames."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.wire.build import BINARY, CONT, TEXT, frame
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.frame import Frame, OpaqueData, Side
from wsproxy.protocol.gaps import Gaps
from wsproxy.protocol.message import Message
from wsproxy.protocol.session import Session

LIMIT = 40
frames = st.builds(
    frame, st.sampled_from([TEXT, BINARY, CONT, 9]), st.binary(max_size=200), fin=st.booleans()
)


@st.composite
def littered(draw: st.DrawFn) -> tuple[list[tuple[bytes, bytes]], list[int]]:
    """Junk and the frame behind it, several times, and where the stream is cut into chunks."""
    parts = draw(st.lists(st.tuples(st.binary(max_size=6), frames), min_size=1, max_size=6))
    size = sum(len(junk) + len(data) for junk, data in parts)
    return parts, sorted(draw(st.lists(st.integers(0, size), max_size=8)))


@given(littered())
def test_frames_are_those_without_the_junk(drawn: tuple[list[tuple[bytes, bytes]], list[int]]) -> None:
    parts, cuts = drawn
    stream = b"".join(junk + data for junk, data in parts)
    gaps, position = Gaps(), 0
    for junk, data in parts:
        gaps.add(position, position + len(junk), "stream.resync")
        position += len(junk) + len(data)
    decoder = FrameDecoder(piece_limit=LIMIT)
    bounds = [0, *cuts, len(stream)]
    events = [event for start, end in pairwise(bounds) for event in gaps.decode(decoder, stream[start:end])]
    assert b"".join(event.serialize() for event in events) + decoder.pending == stream
    left_out = b"".join(event.data for event in events if isinstance(event, OpaqueData))
    assert left_out == b"".join(junk for junk, _ in parts)
    clean = FrameDecoder(piece_limit=LIMIT).receive_data(b"".join(data for _, data in parts))
    assert [event[1:7] for event in events if isinstance(event, Frame)] == [
        event[1:7] for event in clean if isinstance(event, Frame)
    ]
    for event in events:
        if isinstance(event, (Frame, OpaqueData)):
            assert stream[event.offset :].startswith(event.serialize())


@given(
    st.binary(max_size=200),
    st.lists(st.tuples(st.integers(0, 210), st.integers(0, 20))),
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3)), min_size=1),
)
def test_no_byte_is_lost_whatever_is_to_be_left_out(
    stream: bytes, ranges: list[tuple[int, int]], turns: list[tuple[int, int]]
) -> None:
    session, told, position, seen = Session(piece_limit=LIMIT), sorted(ranges), 0, b""
    for step, count in turns:
        for start, size in told[:count]:
            session.leave_out(Side.SERVER, start, start + size, "stream.resync")
        del told[:count]
        for event in session.receive_data(Side.SERVER, stream[position : position + step], 0):
            seen += b"" if isinstance(event, Message) else event.serialize()
        position += step
        assert seen + session.pending(Side.SERVER) == stream[:position]


def test_what_was_held_back_is_looked_at_again() -> None:
    session = Session()
    assert session.receive_data(Side.SERVER, b"\r\n", 0) == []
    session.leave_out(Side.SERVER, 0, 2, "stream.stray-line-end")
    junk, hello, message = session.receive_data(Side.SERVER, frame(TEXT, b"hello"), 0)
    assert junk == OpaqueData(0, b"\r\n", "no frame: stream.stray-line-end")
    assert isinstance(hello, Frame)
    assert (hello.offset, hello.payload) == (2, b"hello")
    assert message[1] == b"hello"


def test_what_goes_on_is_named_once() -> None:
    gaps, decoder = Gaps(), FrameDecoder()
    gaps.add(0, 4, "stream.http-bytes")
    gaps.add(4, 6, "stream.http-bytes")
    events = [*gaps.decode(decoder, b"HT"), *gaps.decode(decoder, b"TP/1")]
    assert [(event[0], event[-1]) for event in events] == [
        (0, "no frame: stream.http-bytes"),
        (2, "no frame: "),
        (4, "no frame: "),
    ]
