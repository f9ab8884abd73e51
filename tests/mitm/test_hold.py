"""What holding does to a stream, without sockets: nothing that an addon did not ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.build import CONT, PING, TEXT, frame
from wsproxy.mitm.hold import Hold, Part
from wsproxy.protocol.grammar import RFC6455

LIMIT = 64

frames = st.builds(
    frame,
    st.sampled_from([CONT, TEXT, 2, 5, 8, PING, 0xA, 0xD]),
    st.binary(max_size=80),
    fin=st.booleans(),
    rsv=st.integers(0, 7),
    key=st.none() | st.just(b"abcd"),
    form=st.sampled_from([16, 64]),
)
streams = st.lists(frames | st.binary(max_size=12), max_size=12).map(b"".join)


def taken_apart(stream: bytes, cuts: list[int]) -> list[Part]:
    """The parts of `stream` when it comes in pieces, and what is left at its end."""
    hold = Hold(RFC6455, None, LIMIT)
    ends = sorted({cut % (len(stream) + 1) for cut in cuts} | {len(stream)})
    parts = [
        part
        for begin, end in zip([0, *ends], ends, strict=False)
        for part in hold.receive_data(stream[begin:end])
    ]
    rest = hold.release()
    return parts if rest is None else [*parts, rest]


@given(streams, st.lists(st.integers(0, 2000), max_size=6))
def test_parts_are_the_stream(stream: bytes, cuts: list[int]) -> None:
    parts = taken_apart(stream, cuts)
    assert b"".join(part.data for part in parts) == stream
    end = 0
    for part in parts:
        assert part.start == end
        end = part.end


@given(streams, st.lists(st.integers(0, 2000), max_size=6))
def test_what_is_held_is_one_message_and_nothing_else(stream: bytes, cuts: list[int]) -> None:
    for part in taken_apart(stream, cuts):
        if not part.held:
            continue
        assert part.message is not None
        assert (part.message.start_offset, part.message.end_offset) == (part.start, part.end)
        assert len(part.data) <= 2 * LIMIT + 200
        for begin, end in part.between:
            assert part.start < begin < end < part.end
            assert stream[begin] & 0x0F >= 8


@given(streams, st.lists(st.integers(0, 2000), max_size=6))
def test_the_cut_does_not_decide_what_is_held(stream: bytes, cuts: list[int]) -> None:
    held = [part for part in taken_apart(stream, []) if part.held]
    assert [part for part in taken_apart(stream, cuts) if part.held] == held


def test_a_message_waits_until_it_is_whole() -> None:
    hold = Hold(RFC6455, None, LIMIT)
    assert hold.receive_data(frame(TEXT, b"a", fin=False)) == []
    assert hold.receive_data(frame(CONT, b"b")[:1]) == []
    [part] = hold.receive_data(frame(CONT, b"b")[1:])
    assert part.held
    assert part.boundary
    assert part.message is not None
    assert part.message.payload == b"ab"


@pytest.mark.parametrize("size", [1, 2, 20])
def test_a_control_frame_waits_for_nothing(size: int) -> None:
    hold = Hold(RFC6455, None, LIMIT)
    ping = frame(PING, bytes(30))
    [part] = hold.receive_data(ping[:size])
    assert (part.data, part.boundary) == (ping[:size], False)
    [rest] = hold.receive_data(ping[size:])
    assert (rest.data, rest.boundary, len(rest.controls)) == (ping[size:], True, 1)


def test_a_message_over_the_limit_is_let_go_and_the_next_is_held_again() -> None:
    hold = Hold(RFC6455, None, LIMIT)
    large = frame(TEXT, bytes(40), fin=False) + frame(CONT, bytes(40), fin=False)
    [part] = hold.receive_data(large)
    assert (part.data, part.held, part.boundary) == (large, False, False)
    [half] = hold.receive_data(frame(CONT, b"end")[:3])
    assert not half.held
    end, following = hold.receive_data(frame(CONT, b"end")[3:] + frame(TEXT, b"next"))
    assert (end.held, end.boundary) == (False, True)
    assert end.message is not None
    assert following.held


def test_interleaved_messages_are_not_torn_apart() -> None:
    """Another message inside a fragmented one: the first may still go on, so neither can be changed."""
    stream = frame(TEXT, b"a", fin=False) + frame(2, b"inside") + frame(CONT, b"b")
    assert not any(part.held for part in taken_apart(stream, []))
