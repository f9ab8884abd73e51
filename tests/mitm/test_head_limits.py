"""Heads that are longer than anybody should send."""

import pytest

from tests.devices.endpoints import Device, Route, connect
from tests.devices.loop import LoopThread
from tests.mitm.inside import inside
from tests.mitm.peers import hang_up
from tests.wire.build import lines
from tests.wire.handshakes import HOST, request
from wsproxy.protocol.handshake import HEAD_LIMIT

LONG = b"Cookie: " + b"x" * HEAD_LIMIT
TOO_LONG = "is longer than 65,536 bytes"


@pytest.mark.parametrize(
    "asked", [request(LONG), lines(b"GET / HTTP/1.1", HOST, LONG)], ids=["upgrade", "plain"]
)
def test_a_request_head_that_is_too_long_is_refused_for_that(
    loop: LoopThread, device: Device, asked: bytes
) -> None:
    async def ask(port: int) -> bytes:
        client = await connect(Route(port))
        await client.send(asked)
        await client.expect_end()
        await hang_up(client)
        return bytes(client.received.bytes)

    with inside(device) as proxy:
        answer = loop.run(ask(proxy.port))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert f"the head of a request {TOO_LONG}".encode() in answer
    assert b"Bad HTTP request line" not in answer
    assert [line for line in proxy.notices if f"the head of a request {TOO_LONG}" in line]


def test_a_plain_response_head_that_is_too_long_is_refused_for_that(loop: LoopThread, device: Device) -> None:
    async def ask(port: int) -> bytes:
        client = await connect(Route(port))
        await client.send(lines(b"GET / HTTP/1.1", HOST))
        served = await device.accept()
        await served.expect_head()
        await served.send(lines(b"HTTP/1.1 200 OK", LONG))
        await client.expect_end()
        await hang_up(client, served)
        return bytes(client.received.bytes)

    with inside(device) as proxy:
        answer = loop.run(ask(proxy.port))
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert f"the head of a response {TOO_LONG}".encode() in answer


def test_garbage_is_not_said_to_be_too_long(loop: LoopThread, device: Device) -> None:
    async def ask(port: int) -> bytes:
        client = await connect(Route(port))
        await client.send(b"GET / HTTP/1.1\r\n")
        await client.send(b"\r\n" + b"\x81" * 2 * HEAD_LIMIT)
        served = await device.accept()
        await served.expect_head()
        await served.send(lines(b"HTTP/1.1 204 No Content"))
        await client.expect_end()
        await hang_up(client, served)
        return bytes(client.received.bytes)

    with inside(device) as proxy:
        answer = loop.run(ask(proxy.port))
    assert b"Bad HTTP request line" in answer
