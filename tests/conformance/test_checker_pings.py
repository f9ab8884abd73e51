"""Pings and pongs over the time of a session."""

import pytest

from tests.conformance.sight import CLIENT, SERVER, Sight
from tests.wire.build import CLOSE, PING, PONG, TEXT, client_frame, close, frame


@pytest.mark.parametrize("size", [300, 100_000])
def test_a_ping_too_long_is_answered_as_far_as_may_be(size: int) -> None:
    sight = Sight()
    assert set(sight.send(SERVER, frame(PING, b"x" * size))) == {"control.too-long"}
    assert sight.send(CLIENT, client_frame(PONG, b"x" * 125)) == []


def ping(sight: Sight, payload: bytes, at_s: float) -> list[str]:
    return sight.send(CLIENT, client_frame(PING, payload), at_s)


def test_a_ping_that_is_never_answered() -> None:
    sight = Sight()
    assert ping(sight, b"a", 1) == []
    assert sight.send(SERVER, frame(TEXT, b"x"), 20.5) == []
    assert sight.send(SERVER, frame(TEXT, b"x"), 21) == ["keepalive.ping-unanswered"]
    assert "61" in sight.found[0].detail
    assert sight.found[0].side is SERVER
    assert sight.end(30) == []


@pytest.mark.parametrize(
    ("heard_s", "end_s", "found"),
    [
        (1.5, 2.5, []),
        (3.5, 3.5, ["keepalive.ping-unanswered"]),
        (None, 4, []),
        (None, 6, ["keepalive.ping-unanswered"]),
    ],
)
def test_a_ping_unanswered_at_the_end(heard_s: float | None, end_s: float, found: list[str]) -> None:
    sight = Sight()
    ping(sight, b"a", 1)
    if heard_s is not None:
        sight.send(SERVER, frame(TEXT, b"x"), heard_s)
    assert sight.end(end_s) == found


def test_one_pong_answers_every_ping_before_it() -> None:
    sight = Sight()
    for number in range(200):
        ping(sight, b"%d" % number, 1)
    assert sight.send(SERVER, frame(PONG, b"199"), 2) == []
    assert sight.end(60) == []


def test_a_pong_with_the_wrong_payload() -> None:
    sight = Sight()
    ping(sight, b"first", 1)
    assert sight.send(SERVER, frame(PONG), 1.1) == []
    assert ping(sight, b"second", 2) == ["keepalive.pong-payload-differs"]
    assert sight.send(SERVER, frame(PONG), 2.1) == []
    assert sight.end(2.2) == ["keepalive.pong-payload-differs"]


def test_a_pong_that_crossed_a_ping_was_not_asked_for() -> None:
    sight = Sight()
    ping(sight, b"first", 1)
    sight.send(SERVER, frame(PONG, b"alive"), 1.1)
    assert sight.send(SERVER, frame(PONG, b"first"), 1.2) == ["keepalive.pong-unsolicited"]
    assert sight.end(60) == []


def test_a_ping_for_a_ping() -> None:
    sight = Sight()
    ping(sight, b"abc", 1)
    sight.send(SERVER, frame(PING, b"abc"), 1.1)
    sight.send(CLIENT, client_frame(PONG, b"abc"), 1.2)
    assert sight.send(SERVER, frame(TEXT, b"x"), 30) == ["keepalive.ping-answered-with-ping"]


def test_nothing_is_expected_for_what_never_arrived() -> None:
    sight = Sight(dropped={(CLIENT, 0)})
    ping(sight, b"abc", 1)
    assert sight.send(SERVER, frame(TEXT, b"x"), 60) == []
    sight = Sight(dropped={(CLIENT, 0)})
    sight.send(CLIENT, client_frame(CLOSE, close(1000)), 1)
    assert sight.end(60) == []
