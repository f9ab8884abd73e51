"""Plain HTTP that passes on the way is recorded, refused opening handshakes included."""

import asyncio
from pathlib import Path

import pytest
from mitmproxy import ctx

from tests.devices.endpoints import LOOPBACK, Device, Route, connect
from tests.devices.loop import LoopThread
from tests.mitm.inside import PATIENCE_S, InsideProxy, inside
from tests.mitm.peers import hang_up, opened
from tests.wire.build import lines
from tests.wire.handshakes import REQUEST
from wsproxy.mitm.received import BODY_LIMIT
from wsproxy.mitm.sessions import Sessions
from wsproxy.store.model import HttpExchange
from wsproxy.store.reader import open_recording

GET = lines(b"GET /info HTTP/1.1", b"HOST:skyq:9006", b"x-Odd:  spaced ")
POST = lines(b"POST /set HTTP/1.1", b"Host: skyq:9006", b"Content-Length: 5") + b"hello"
CHUNKED_HEAD = lines(b"HTTP/1.1 200 OK", b"transfer-encoding: chunked")
REFUSAL_HEAD = lines(b"HTTP/1.1 426 Upgrade Required", b"content-length:2")


async def exchanged(device: Device, port: int, request: bytes, response: bytes) -> None:
    """One request on a connection of its own, and its response; the device hears its last bytes."""
    client = await connect(Route(port))
    await client.send(request)
    served = await device.accept()
    await served.until(lambda: served.received.bytes.endswith(request[-4:]), "the request")
    await served.send(response)
    await client.until(lambda: client.received.bytes.endswith(response[-2:]), "the response")
    await hang_up(client, served)


def recorded(path: Path) -> list[HttpExchange]:
    with open_recording(str(path)) as recording:
        return [stored.exchange for stored in recording.exchanges()]


def test_heads_are_kept_as_they_came(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    with inside(device, recording=str(path)) as proxy:
        loop.run(exchanged(device, proxy.port, GET, CHUNKED_HEAD + b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"))
        loop.run(exchanged(device, proxy.port, POST, lines(b"HTTP/1.1 204 No Content")))
        loop.run(exchanged(device, proxy.port, REQUEST, REFUSAL_HEAD + b"no"))
    get, post, refused = recorded(path)
    assert (get.request_head, get.response_head, get.response_body) == (GET, CHUNKED_HEAD, b"abcdefg")
    assert (get.request_body_length, get.response_body_length) == (0, 7)
    assert (post.request_head + post.request_body, post.request_body_length) == (POST, 5)
    assert (refused.request_head, refused.response_head, refused.response_body) == (
        REQUEST,
        REFUSAL_HEAD,
        b"no",
    )
    assert get.target == f"http://{LOOPBACK}:{device.port}/info"
    assert get.server_address == f"{LOOPBACK}:{device.port}"
    assert get.started_at_ns <= get.ended_at_ns <= post.ended_at_ns


@pytest.mark.parametrize("options", [(), ("stream_large_bodies=64k",)], ids=["whole", "streamed"])
def test_of_a_long_body_the_beginning_is_kept(
    loop: LoopThread, device: Device, tmp_path: Path, options: tuple[str, ...]
) -> None:
    path = tmp_path / "r.db"
    body = bytes(range(256)) * 8192
    response = lines(b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body)) + body
    with inside(device, recording=str(path), set_options=options) as proxy:
        loop.run(exchanged(device, proxy.port, GET, response))
    [exchange] = recorded(path)
    assert exchange.response_body_length == len(body)
    assert exchange.response_body == body[:BODY_LIMIT]


def test_a_response_that_never_comes(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    async def left_alone(port: int) -> None:
        client = await connect(Route(port))
        await client.send(GET)
        served = await device.accept()
        await served.expect_head()
        await hang_up(served)
        await client.expect_head()
        await hang_up(client)

    path = tmp_path / "r.db"
    with inside(device, recording=str(path)) as proxy:
        loop.run(left_alone(proxy.port))
    [exchange] = recorded(path)
    assert (exchange.request_head, exchange.response_head) == (GET, b"")


def test_a_session_is_no_exchange(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    with inside(device, recording=str(path)) as proxy:
        loop.run(hang_up(*loop.run(opened(device, proxy.port))))
    assert recorded(path) == []


def test_an_exchange_waits_while_the_recorder_must_be_given_time(
    loop: LoopThread, device: Device, tmp_path: Path
) -> None:
    def sessions() -> Sessions:
        found: Sessions = ctx.master.addons.get("wsproxy").sessions
        return found

    async def asked(proxy: InsideProxy) -> None:
        client = await connect(Route(proxy.port))
        await client.send(GET)
        served = await device.accept()
        await served.expect_head()
        await served.send(REFUSAL_HEAD + b"no")
        async with asyncio.timeout(PATIENCE_S):
            while not proxy.call(lambda: len(sessions().relaxed._waiters)):
                await asyncio.sleep(0)
        assert client.received.count == 0
        proxy.call(lambda: sessions().press(False))
        await client.until(lambda: client.received.bytes.endswith(b"no"), "the response")
        await hang_up(client, served)

    path = tmp_path / "r.db"
    with inside(device, recording=str(path)) as proxy:
        proxy.call(lambda: sessions().press(True))
        loop.run(asked(proxy))
    assert len(recorded(path)) == 1
