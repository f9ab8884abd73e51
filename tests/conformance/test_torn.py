"""A frame of which only the beginning has come: who waits for the rest of it, and for how long."""

import pytest

from tests.conformance.normalizing import CLIENT, SERVER, Line, negotiated, profile
from tests.wire.build import BINARY, CONT, PING, PONG, TEXT, client_frame, deflated, frame
from wsproxy.conformance.normalizer import Legs

MASKED = "frame.masked-by-server"
BYTES = frame(BINARY, bytes(1000))
TEXTUAL = frame(TEXT, b"t" * 1000)
SOON, LATE = 0.1, 5.1


def test_what_comes_at_once_in_two_segments_goes_on_in_one() -> None:  # W01 W02 W03 W05
    line = Line()
    assert line.send(SERVER, BYTES[:4]) == b""
    line.wait(0.01)
    assert line.send(SERVER, BYTES[4:]) == BYTES
    assert [out.data for out in line.out] == [BYTES]


@pytest.mark.parametrize("cut", [4, 5, 500, 1003])
def test_a_frame_is_not_held_for_payload_data_that_no_repair_needs(cut: int) -> None:
    line = Line()
    line.send(SERVER, BYTES[:cut])
    line.wait(SOON)
    assert line.peers[CLIENT].received == BYTES[:cut]
    assert line.send(SERVER, BYTES[cut:] + TEXTUAL) == BYTES[cut:] + TEXTUAL


def test_a_frame_that_comes_byte_by_byte_is_held_no_longer() -> None:
    line = Line()
    for at in range(30):
        line.send(SERVER, BYTES[at : at + 1])
        line.wait(0.02)
    assert line.peers[CLIENT].received == BYTES[:30]


def test_its_header_is_mended_all_the_same() -> None:
    line, came = Line(), client_frame(BINARY, b"x" * 1000)
    line.send(SERVER, came[:100])
    line.wait(SOON)
    goes = frame(BINARY, b"x" * 1000)
    assert line.peers[CLIENT].received == goes[: 100 - 4]
    line.send(SERVER, came[100:])
    assert line.peers[CLIENT].received == goes
    assert set(line.rules(SERVER)) == {MASKED}


def test_text_that_may_be_no_utf_8_is_held_for_the_hold_time() -> None:
    line = Line()
    line.send(SERVER, TEXTUAL[:500])
    line.wait(4.9)
    assert line.peers[CLIENT].received == b""
    line.wait(0.2)
    assert line.peers[CLIENT].received == TEXTUAL[:500]
    assert line.send(SERVER, TEXTUAL[500:]) == TEXTUAL[500:]


def test_fragments_of_what_has_begun_are_held_no_longer_either() -> None:
    first, last = frame(BINARY, b"a", fin=False), frame(CONT, bytes(300))
    line = Line()
    assert line.send(SERVER, first + last[:100]) == first
    line.wait(SOON)
    assert line.peers[CLIENT].received == first + last[:100]


def test_a_compressed_frame_that_must_be_inflated_is_held_for_the_hold_time() -> None:
    legs = Legs(negotiated(), negotiated("permessage-deflate"))
    line, came = Line(legs=legs), frame(BINARY, deflated(bytes(range(256)))[0], rsv=4)
    line.send(SERVER, came[:60])
    line.wait(4)
    assert line.peers[CLIENT].received == b""
    line.send(SERVER, came[60:])
    assert line.peers[CLIENT].received == frame(BINARY, bytes(range(256)))


def test_a_ping_waits_for_its_end() -> None:
    line = Line(profile(ping_interval=1.0, pong_timeout=9.0))
    line.send(SERVER, BYTES[:50])
    line.wait(1.5)
    assert line.peers[CLIENT].received == BYTES[:50]
    line.send(SERVER, BYTES[50:])
    assert line.peers[CLIENT].received.startswith(BYTES + frame(PING, b"wsproxy 1"))


def test_control_frames_and_headers_are_always_whole() -> None:  # Q06 W01
    line = Line()
    for came in (frame(PONG, b"pong"), BYTES):
        line.send(SERVER, came[:3])
        before = line.peers[CLIENT].received
        line.wait(60)
        assert line.peers[CLIENT].received == before
        assert line.send(SERVER, came[3:]) == came


def test_who_takes_one_frame_a_read_gets_it_whole_for_longer() -> None:  # W03
    line = Line(profile(frame_gap=0.2))
    line.send(SERVER, BYTES[:50])
    line.wait(4)
    assert line.peers[CLIENT].received == b""
    line.wait(LATE)
    assert line.peers[CLIENT].received == BYTES[:50]


def test_a_frame_cut_short_at_once_does_not_go_on() -> None:
    line = Line()
    line.send(SERVER, BYTES[:50])
    line.wait(0.01)
    assert line.end(SERVER) == frame(8, (1001).to_bytes(2))
    assert line.rules(SERVER) == ["stream.cut-short", "close.missing"]


def test_text_without_a_frame_does_not_wait_for_more() -> None:
    line = Line(profile(bare_text="mend"))
    assert line.send(SERVER, b'{"k":1}') == b""
    line.wait(0.1)
    assert line.peers[CLIENT].received == frame(TEXT, b'{"k":1}')
    assert line.send(SERVER, b"<message/>" + frame(TEXT, b"x")) == (
        frame(TEXT, b"<message/>") + frame(TEXT, b"x")
    )
