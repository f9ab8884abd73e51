"""Pings, pongs, heartbeats and Closes that do not come; and bytes between frames."""

import pytest

from tests.conformance.normalizing import CLIENT, KEY, SECOND, SERVER, Line, profile
from tests.wire.build import BINARY, CLOSE, PING, PONG, TEXT, client_frame, close, frame
from wsproxy.conformance.profiles import load_profile

PINGED = frame(PING, bytes.fromhex("0000014fdc21f78b"))


def pong(payload: bytes = b"") -> bytes:
    """A pong as the proxy makes one for a client."""
    return frame(PONG, payload, key=KEY)


def test_a_ping_is_answered_for_a_peer_that_does_not() -> None:  # P01 P02 P03 P05 P13 P14
    line = Line(profile(pong_timeout=5.0))
    assert line.send(SERVER, PINGED) == PINGED
    line.wait(4.9)
    assert line.peers[SERVER].received == b""
    line.wait(0.1)
    assert line.peers[SERVER].received == pong(PINGED[2:])
    assert line.rules(CLIENT) == ["keepalive.ping-unanswered"]
    line.wait(60)
    assert line.peers[SERVER].received == pong(PINGED[2:])


def test_a_ping_that_is_answered_is_left_alone() -> None:
    line = Line()
    line.send(SERVER, PINGED)
    answer = client_frame(PONG, PINGED[2:])
    assert line.send(CLIENT, answer) == answer
    line.wait(60)
    assert line.peers[SERVER].received == answer


def test_a_peer_that_must_not_see_pings() -> None:  # P23
    line = Line(profile(answer_pings="at-once"))
    assert line.send(SERVER, PINGED) == b""
    assert line.peers[SERVER].received == pong(PINGED[2:])
    assert line.rules(SERVER) == line.rules(CLIENT) == ["keepalive.ping-unanswered"]


@pytest.mark.parametrize(("silent", "answered"), [(5, True), (40, False)])
def test_a_peer_that_is_silent_is_not_said_to_be_alive(silent: float, answered: bool) -> None:
    line = Line(profile(alive_within=30.0, answer_pings="at-once"))
    line.send(CLIENT, client_frame(TEXT, b"alive"))
    line.wait(silent)
    assert line.send(SERVER, PINGED) == (b"" if answered else PINGED)


def test_a_peer_that_has_just_connected_is_alive() -> None:
    line = Line(profile(alive_within=30.0, answer_pings="at-once"))
    assert line.send(SERVER, PINGED) == b""
    line.wait(40)
    assert line.send(SERVER, PINGED) == PINGED


def test_never_means_never() -> None:
    line = Line(profile(answer_pings="never"))
    line.send(SERVER, PINGED)
    line.wait(100)
    assert line.peers[SERVER].received == b""


@pytest.mark.parametrize(
    "payload",
    [
        b"",  # P06
        bytes.fromhex("0000014f efbfbd 21 efbfbd efbfbd"),  # P07
        b"\0",
    ],
)
def test_a_mangled_pong_gets_the_payload_back(payload: bytes) -> None:
    line = Line()
    line.send(SERVER, PINGED)
    assert line.send(CLIENT, client_frame(PONG, payload)) == client_frame(PONG, PINGED[2:])
    assert line.rules(CLIENT) == ["keepalive.pong-payload-differs"]


@pytest.mark.parametrize(
    ("pinged", "ponged"),
    [("710001c6", "71"), ("06005c93", "06"), ("a45eb300", "a45eb3")],  # P15
)
def test_a_pong_cut_at_a_zero_byte(pinged: str, ponged: str) -> None:
    line = Line()
    for payload in (b"\1\2\3", bytes.fromhex(pinged), b"\4\5\6"):
        line.send(SERVER, frame(PING, payload))
    mended = client_frame(PONG, bytes.fromhex(pinged))
    assert line.send(CLIENT, client_frame(PONG, bytes.fromhex(ponged))) == mended


def test_a_pong_nobody_asked_for() -> None:  # P09 P26
    assert Line().send(CLIENT, client_frame(PONG)) == client_frame(PONG)
    line = Line(profile(on=["keepalive.pong-unsolicited"]))
    assert line.send(CLIENT, client_frame(PONG)) == b""


def test_a_ping_for_a_pong() -> None:  # P21
    line = Line()
    line.send(SERVER, PINGED)
    assert line.send(CLIENT, client_frame(PING, PINGED[2:])) == client_frame(PONG, PINGED[2:])
    assert line.rules(CLIENT) == ["keepalive.ping-answered-with-ping"]
    assert line.send(CLIENT, client_frame(PING, PINGED[2:])) == client_frame(PING, PINGED[2:])


def test_an_idle_peer_is_pinged() -> None:  # P29
    line = Line(profile(ping_interval=20.0))
    line.send(CLIENT, client_frame(TEXT, b"hello"))
    line.wait(19)
    assert line.peers[CLIENT].received == b""
    line.wait(1)
    ping = line.peers[CLIENT].received
    assert ping == frame(PING, b"wsproxy 1")
    assert line.send(CLIENT, client_frame(PONG, b"wsproxy 1")) == b""
    line.wait(20)
    assert line.peers[CLIENT].received == ping + frame(PING, b"wsproxy 2")
    assert set(line.rules(CLIENT)) == set(line.rules(SERVER)) == {"keepalive.ping-interval"}


def test_a_heartbeat_is_answered_and_not_sent_on() -> None:  # V01 V02 P27
    line = Line(profile(heartbeats=[{"message": "\r\n\r\n", "answer": "\r\n"}, {"message": "pong"}]))
    assert line.send(SERVER, frame(TEXT, b"\r\n\r\n")) == b""
    assert line.peers[SERVER].received == frame(TEXT, b"\r\n", key=KEY)
    assert line.send(SERVER, frame(TEXT, b"pong")) == b""
    assert line.send(SERVER, frame(TEXT, b"ping")) == frame(TEXT, b"ping")
    assert line.peers[SERVER].error is None


def test_no_time_passes_for_nothing() -> None:
    line = Line()
    assert line.normalizer.wake_at_ns is None
    line.send(SERVER, frame(TEXT, b"hello"))
    assert line.normalizer.wake_at_ns is None
    assert line.normalizer.wake(99 * SECOND) == []


def test_a_close_that_is_not_answered_is_answered_for_the_peer() -> None:  # E03 E18
    line = Line(profile(close_timeout=3.0))
    line.send(CLIENT, client_frame(CLOSE, close(3001, b"done")))
    line.wait(3)
    assert line.peers[CLIENT].received == frame(CLOSE, close(3001, b"done"))
    assert line.rules(SERVER) == ["close.unanswered"]
    assert line.send(SERVER, frame(TEXT, b"late") + frame(CLOSE)) == b""
    assert line.normalizer.closed(CLIENT)
    assert line.normalizer.closed(SERVER)
    assert line.normalizer.wake_at_ns is None


def test_a_close_in_its_place_waits_for_the_frame_under_way() -> None:
    line = Line(profile(close_timeout=3.0))
    data = frame(BINARY, bytes(100_000))
    line.send(SERVER, data[:70_000])
    line.send(CLIENT, client_frame(CLOSE, close(1000)))
    line.wait(4)
    assert line.send(SERVER, data[70_000:]) == data[70_000:]
    line.wait(4)
    assert line.peers[CLIENT].received == data + frame(CLOSE, close(1000))
    assert line.peers[CLIENT].error is None


@pytest.mark.parametrize("rest", [b"", b"\x88", b"\x81\x05he", b"\x81\x7e"])
def test_a_stream_that_ends_without_a_close(rest: bytes) -> None:  # E01 E07 E15 C10
    line = Line()
    line.send(SERVER, frame(TEXT, b"hello") + rest)
    assert line.end(SERVER) == frame(CLOSE, close(1001))
    assert line.rules(SERVER) == ["stream.cut-short"] * bool(rest) + ["close.missing"]
    assert line.end(SERVER) == b""


def test_a_stream_that_ends_after_the_other_closed() -> None:  # E05
    line = Line()
    line.send(CLIENT, client_frame(CLOSE, close(4000)))
    assert line.end(SERVER) == frame(CLOSE, close(4000))


def test_garbage_in_answer_to_a_close() -> None:  # O05
    line = Line()
    line.send(CLIENT, client_frame(CLOSE, close(1000)))
    assert line.send(SERVER, bytes.fromhex("8f00")) == b""
    assert line.end(SERVER) == frame(CLOSE, close(1000))


def test_a_large_frame_cut_short_has_no_close_behind_it() -> None:
    line = Line()
    data = frame(BINARY, bytes(100_000))[:80_000]
    line.send(SERVER, data)
    assert line.end(SERVER) == b""
    assert line.peers[CLIENT].received == data
    assert line.normalizer.cut_short(SERVER)


HTTP = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
TLS = bytes.fromhex("1703030013") + bytes(19)
OPAQUE = b"\x81\x7f" + b"\xff" * 8
BARE = b'{"id": 1, "method": "status"}'


@pytest.mark.parametrize("sizes", [(), (1,), (7,)])
@pytest.mark.parametrize(
    ("stray", "rule"),
    [
        (b"\r\n", "stream.stray-line-end"),  # A05
        (b"\r\n\r\n", "stream.stray-line-end"),
        (b"\0", "stream.stray-zero"),  # A03 A07 G15
        (b" ", "stream.stray-space"),
        (b" \t\r\n", "stream.stray-space"),
    ],
)
def test_stray_bytes_are_skipped(stray: bytes, rule: str, sizes) -> None:
    line = Line()
    frames = frame(TEXT, b"hello") + frame(PING)
    assert line.send(SERVER, stray + frames + stray + frames, sizes) == frames * 2
    assert set(line.rules(SERVER)) == {rule}


@pytest.mark.parametrize("sizes", [(), (1,), (3,), (7,)])
@pytest.mark.parametrize(("stray", "rule"), [(b"\n", "stream.stray-line-end"), (b"  ", "stream.stray-space")])
def test_stray_bytes_of_a_client_are_skipped(stray: bytes, rule: str, sizes) -> None:
    line = Line()
    frames = client_frame(TEXT, b"hello") + client_frame(BINARY, bytes(300)) + client_frame(TEXT, b"more")
    assert line.send(CLIENT, stray + frames + stray + frames, sizes) == frames * 2
    assert set(line.rules(CLIENT)) == {rule}


@pytest.mark.parametrize("sizes", [(), (1,), (7,)])
@pytest.mark.parametrize(
    ("stray", "rule", "reason"),
    [
        (HTTP, "stream.http-bytes", b"502 Bad Gateway"),  # F05 H02 X13
        (GET, "stream.http-bytes", b"GET / HTTP/1.1"),  # X14 F15
        (TLS, "stream.tls-bytes", b"TLS"),  # X18 F10
        (OPAQUE, "frame.length-top-bit", b"length"),
    ],
)
def test_bytes_that_end_the_session(stray: bytes, rule: str, reason: bytes, sizes) -> None:
    line = Line()
    came = line.send(SERVER, frame(TEXT, b"hello") + stray + frame(TEXT, b"never"), sizes)
    assert came.startswith(frame(TEXT, b"hello") + b"\x88")
    close_seen = line.peers[CLIENT].protocol.close_rcvd
    assert close_seen is not None
    assert close_seen.code == 1011
    assert len(sizes) == 1 or reason in close_seen.reason.encode()
    assert set(line.rules(SERVER)) == {rule}
    line.end(SERVER)
    assert line.peers[CLIENT].error is None


@pytest.mark.parametrize("sizes", [(), (1,), (7,)])
def test_opaque_bytes_go_on_where_their_rule_is_off(sizes) -> None:
    line = Line(profile(off=["frame.length-top-bit"]))
    assert line.send(SERVER, OPAQUE + bytes(50), sizes) == OPAQUE + bytes(50)
    assert line.rules(SERVER) == []


def test_chunks_and_bare_text_end_the_session_unless_they_are_to_be_mended() -> None:  # T01 T02 T03 F01
    chunked = b"5\r\n" + frame(TEXT, b"1::") + b"\r\n" + b"4\r\n" + frame(TEXT, b"ok") + b"\r\n"
    assert Line(profile(chunks="close")).send(SERVER, chunked).startswith(b"\x88")
    assert Line().send(SERVER, BARE).startswith(b"\x88")
    mending = profile(bare_text="mend")
    assert Line(mending).send(SERVER, chunked) == frame(TEXT, b"1::") + frame(TEXT, b"ok")
    line = Line(mending)
    assert line.send(SERVER, BARE + frame(TEXT, b"ok")) == frame(TEXT, BARE) + frame(TEXT, b"ok")


def test_a_client_that_loses_early_frames() -> None:  # A01 A02
    line = Line(profile(first_frame_delay=0.5))
    hello = frame(TEXT, b"hello")
    assert line.send(SERVER, hello) == b""
    line.wait(0.4)
    assert line.send(SERVER, hello) == b""
    line.wait(0.2)
    assert line.peers[CLIENT].received == hello * 2
    assert line.send(SERVER, hello) == hello


def test_a_weak_charger_behind_a_strict_server() -> None:
    line = Line(load_profile("ocpp-charger"))
    assert line.send(SERVER, frame(PING, b"alive?")) == b""
    line.send(CLIENT, client_frame(TEXT, b"[2,1]"))
    assert line.send(SERVER, frame(PING, b"alive?")) == b""
    big = b"x" * 100_000
    line.send(SERVER, frame(TEXT, big))
    assert line.peers[CLIENT].messages() == [(TEXT, big)]
    assert max(len(each.data) for each in line.peers[CLIENT].frames) <= 65_535


def test_a_close_that_is_answered_with_the_end_of_the_stream_has_its_own_rule() -> None:
    line = Line()
    line.send(CLIENT, client_frame(CLOSE, close(1000)))
    assert line.end(SERVER) == frame(CLOSE, close(1000))
    assert line.rules(SERVER) == ["close.unanswered"]
