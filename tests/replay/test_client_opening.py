"""A replayed client opens: what leads to the session, the handshake, what comes in place of a response."""

import socket
from pathlib import Path

import pytest

from tests.cli.recordings import recorder, start
from tests.replay.live_device import (
    ASKED,
    SERVER,
    TEXT,
    answering,
    device,
    differences,
    kinds,
    read_head,
    record,
    response_to,
    text,
    until_end,
)
from tests.wire.build import lines
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.protocol.heads import parse_request_head
from wsproxy.replay.compare import Kind
from wsproxy.replay.leading import exchanges_before
from wsproxy.store.model import HttpExchange
from wsproxy.store.reader import open_recording

GET_LOGIN = lines(b"GET /login HTTP/1.1", b"Host: skyq")


def test_the_handshake_is_made_to_fit(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", [(SERVER, TEXT, b"hello")])
    asked: list[bytes] = []

    def run(client: socket.socket) -> None:
        asked.append(read_head(client))
        good = response_to(asked[-1])
        if len(asked) == 3:
            good = good.replace(b"Accept: ", b"Accept: x")
        client.sendall(good + text(b"hello"))
        client.shutdown(socket.SHUT_WR)
        until_end(client)

    for problems in ([], [], ["the device answers the key with x"]):
        with device(run) as port:
            rows, found = differences(path, port, exact=False)
        assert rows == []
        assert [each[: len("the device answers the key with x")] for each in found] == problems
        assert f"Host: 127.0.0.1:{port}\r\n".encode() in asked[-1]
    assert len({parse_request_head(head).get("sec-websocket-key") for head in asked}) == 3
    assert asked[0].replace(b"\r\n", b"").count(b":") == REQUEST.count(b":")


def test_a_refusal_is_a_difference(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", ASKED)

    def refuse(client: socket.socket) -> None:
        read_head(client)
        client.sendall(lines(b"HTTP/1.1 403 Forbidden", b"Content-Length: 2") + b"no")

    with device(refuse) as port:
        rows, (problem,) = differences(path, port)
    assert Kind.HANDSHAKE in kinds(rows)
    assert problem == "the device did not agree to speak WebSocket: HTTP/1.1 403 Forbidden"
    with open_recording(str(path.with_suffix(".live.db"))) as live:
        assert live.tail(1, SERVER) == b"no"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "the device closed the connection before it had answered the opening handshake"),
        (RESPONSE[:40], "the device closed the connection before it had answered the opening handshake"),
        (b"\x81\xff\xff", "the device did not agree to speak WebSocket: its answer is no HTTP response"),
    ],
)
def test_what_came_instead_of_a_response_is_recorded(tmp_path: Path, answer: bytes, problem: str) -> None:
    path = record(tmp_path / "a.db", ASKED)

    def run(client: socket.socket) -> None:
        read_head(client)
        client.sendall(answer)
        client.shutdown(socket.SHUT_WR)
        until_end(client)

    with device(run) as port:
        _, problems = differences(path, port)
    assert problems == (problem,)
    with open_recording(str(path.with_suffix(".live.db"))) as live:
        session = live.session(1)
        assert session.start.response_head + live.tail(1, SERVER) == answer


@pytest.mark.parametrize(
    "refusal",
    [
        lines(b"HTTP/1.1 401 Unauthorized", b"Content-Length: 5") + b"hello",
        lines(b"HTTP/1.1 401 Unauthorized", b"Transfer-Encoding: chunked")
        + b"2\r\nhe\r\n3;x\r\nllo\r\n0\r\n\r\n",
    ],
)
def test_what_led_to_the_session_is_played_and_recorded(tmp_path: Path, refusal: bytes) -> None:
    path = record(tmp_path / "a.db", ASKED)
    head = lines(b"HTTP/1.1 401 Unauthorized", b"Content-Length: 2")
    began = start().started_at_ns
    asked = HttpExchange(
        began - 9,
        began - 5,
        start().client_address,
        "x:1",
        "http://x/login",
        GET_LOGIN,
        b"",
        head,
        b"no",
        0,
        2,
    )
    with recorder(path) as found:
        found.exchange(asked)

    def run(client: socket.socket) -> None:
        assert read_head(client).startswith(b"GET /login HTTP/1.1\r\n")
        client.sendall(refusal)
        answering(text(ASKED[1][2]), text(ASKED[3][2]))(client)

    with device(run) as port:
        assert differences(path, port, exact=False) == ([], ())
    with open_recording(str(path.with_suffix(".live.db"))) as live:
        (stored,) = live.exchanges()
        exchange, session = stored.exchange, live.session(1)
        assert exchange.response_head == refusal.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        assert (exchange.response_body, exchange.response_body_length) == (b"hello", 5)
        assert exchange.target == f"http://127.0.0.1:{port}/login"
        assert session.start.target == f"ws://127.0.0.1:{port}/as/system/status"
        assert exchanges_before(live, session) == [exchange]
