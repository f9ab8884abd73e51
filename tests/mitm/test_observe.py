"""Observe mode on real sockets: addons see everything, and change nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from mitmproxy import ctx, http
from mitmproxy.io import FlowReader

from tests.devices.certificates import device_tls
from tests.devices.endpoints import LOOPBACK, Device, Route, connect
from tests.devices.loop import LoopThread
from tests.devices.peer import PATIENCE_S, Peer
from tests.mitm.inside import Seen, inside
from tests.mitm.peers import hang_up, opened
from tests.wire.build import PING, TEXT, client_frame, close, frame, noise
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.mitm.live import LiveSession
from wsproxy.mitm.splice import Leg


@pytest.mark.parametrize("splice", ["true", "false"])
@pytest.mark.parametrize("uvloop", [True, False])
def test_addons_see_a_session(loop: LoopThread, device: Device, splice: str, uvloop: bool) -> None:
    seen = Seen()

    async def talk(port: int) -> None:
        client, served = await opened(device, port)
        await client.send(client_frame(TEXT, b"hello") + client_frame(PING, b"?"))
        await served.expect(client_frame(TEXT, b"hello") + client_frame(PING, b"?"))
        await served.send(frame(TEXT, b"wor", fin=False) + frame(PING) + frame(0, b"ld"))
        await client.expect(frame(TEXT, b"wor", fin=False) + frame(PING) + frame(0, b"ld"))
        await served.send(frame(8, close(1001, b"bye")))
        await client.expect(frame(8, close(1001, b"bye")))
        await hang_up(client, served)

    with inside(device, seen, uvloop=uvloop, set_options=[f"wsproxy_splice={splice}"]) as proxy:
        loop.run(talk(proxy.port))
        seen.wait(lambda: bool(seen.ended))
    assert seen.messages == [b"hello", b"world"]
    assert len(seen.flows) == 1
    websocket = seen.ended[0].websocket
    assert websocket is not None
    assert (websocket.close_code, websocket.close_reason, websocket.closed_by_client) == (1001, "bye", False)
    assert [message.from_client for message in websocket.messages] == [True, False]
    assert not proxy.notices


def intercepting_the_first() -> Seen:
    """An addon that notes hooks, and intercepts the first message."""

    def intercept(flow: http.HTTPFlow) -> None:
        if not seen.messages:
            flow.intercept()

    seen = Seen(intercept)
    return seen


@pytest.mark.parametrize("splice", ["true", "false"])
def test_a_slow_hook_delays_nothing(loop: LoopThread, device: Device, splice: str) -> None:
    """Bytes go both ways while an addon still thinks about the first message."""
    seen = intercepting_the_first()
    with inside(device, seen, set_options=[f"wsproxy_splice={splice}"]) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        for number in range(20):
            loop.run(served.send(frame(TEXT, b"%d" % number)))
            loop.run(client.expect(frame(TEXT, b"%d" % number)))
            loop.run(client.send(client_frame(TEXT, b"ack")))
            loop.run(served.expect(client_frame(TEXT, b"ack")))
        assert seen.messages == [b"0"]
        proxy.call(seen.flows[0].resume)
        loop.run(hang_up(client, served))
        seen.wait(lambda: bool(seen.ended))
    assert [text for text in seen.messages if text != b"ack"] == [b"%d" % number for number in range(20)]


def test_a_flow_keeps_only_its_latest_messages(loop: LoopThread, device: Device) -> None:
    seen = Seen()
    options = ["wsproxy_messages_kept=3", "wsproxy_messages_kept_size=2000"]
    with inside(device, seen, set_options=options) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(b"".join(frame(TEXT, b"%d" % number) for number in range(10))))
        seen.wait(lambda: len(seen.messages) == 10)
        assert contents(seen.flows[0]) == [b"7", b"8", b"9"]
        loop.run(served.send(frame(TEXT, b"x" * 1500) + frame(TEXT, b"y" * 3000)))
        seen.wait(lambda: len(seen.messages) == 12)
        assert contents(seen.flows[0]) == [b"y" * 3000]
        loop.run(hang_up(client, served))


def contents(flow: http.HTTPFlow) -> list[bytes]:
    assert flow.websocket is not None
    return [message.content for message in flow.websocket.messages]


class Spy:
    """Looks at the sessions that are open; has no hook for messages."""

    def __init__(self) -> None:
        self.sessions: set[LiveSession] = set()

    def response(self, flow: http.HTTPFlow) -> None:
        self.sessions = ctx.master.addons.get("wsproxy").sessions.live


def legs(spy: Spy) -> list[Leg]:
    [session] = spy.sessions
    return list(session.wire._legs.values())


@pytest.mark.parametrize("uvloop", [True, False])
def test_nobody_looks_where_nobody_wants_to(
    loop: LoopThread, device: Device, tmp_path: Path, uvloop: bool
) -> None:
    """Recording alone: nothing is decoded in the event loop, and the sockets exchange bytes directly."""
    spy = Spy()
    with inside(device, spy, uvloop=uvloop, recording=str(tmp_path / "r.db")) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(frame(TEXT, b"unseen")))
        loop.run(client.expect(frame(TEXT, b"unseen")))
        [session] = spy.sessions
        assert not session.tap.followers
        assert not session.data.messages
        assert all(leg.spliced for leg in legs(spy))
        loop.run(hang_up(client, served))
    assert proxy.facts is not None
    assert (proxy.facts.sessions, proxy.facts.frames) == (1, 1)


def test_a_flood_across_the_handshake_is_spliced_in_order(loop: LoopThread, device: Device) -> None:
    """The device does not wait for anybody: its frames come with the head and never stop."""
    spy = Spy()
    flood = b"".join(frame(TEXT, noise(1000, number)) for number in range(4000))

    async def talk(port: int) -> tuple[Peer, Peer]:
        client = await connect(Route(port))
        await client.send(REQUEST)
        served = await device.accept()
        await served.expect(REQUEST)
        await served.send(RESPONSE + flood)
        await client.expect_count(len(RESPONSE) + len(flood))
        return client, served

    with inside(device, spy) as proxy:
        client, served = loop.run(talk(proxy.port))
        assert client.received.sha256 == served.sent.sha256
        assert all(leg.spliced for leg in legs(spy))
        loop.run(hang_up(client, served))


def test_no_layer_is_cut_out_where_there_is_tls(loop: LoopThread, tmp_path: Path) -> None:
    device, spy = loop.run(Device.listen(tls=device_tls(tmp_path))), Spy()
    with inside(device, spy, mode=f"reverse:https://{LOOPBACK}:{device.port}", insecure=True) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(frame(TEXT, b"passed on")))
        loop.run(client.expect(frame(TEXT, b"passed on")))
        assert not any(leg.spliced for leg in legs(spy))
        loop.run(hang_up(client, served))
    loop.run(device.close())


def test_a_hook_that_hangs_stops_the_device_not_the_memory(loop: LoopThread, device: Device) -> None:
    seen = intercepting_the_first()
    message = frame(TEXT, noise(50_000))
    count = 2000

    async def pour(served: Peer) -> None:
        for _ in range(count):
            await served.send(message)

    async def pour_until_held_up(served: Peer, gate: Callable[[], bool]) -> asyncio.Future[None]:
        pouring = asyncio.ensure_future(pour(served))
        async with asyncio.timeout(PATIENCE_S):
            while not (served.held_up and gate()):
                await asyncio.sleep(0.01)
        return pouring

    async def end(pouring: asyncio.Future[None], client: Peer) -> None:
        await pouring
        await client.expect_count(count * len(message))

    spy = Spy()
    with inside(device, seen, spy) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        pouring = loop.run(pour_until_held_up(served, lambda: all(each.gate.closed for each in spy.sessions)))
        assert seen.messages == [noise(50_000)]
        assert client.received.count < count * len(message) / 2
        proxy.call(seen.flows[0].resume)
        loop.run(end(pouring, client))
        loop.run(hang_up(client, served))
        seen.wait(lambda: bool(seen.ended))
    assert len(seen.messages) == count


def test_saved_flows_have_their_messages(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    saved = tmp_path / "flows.mitm"
    with inside(device, set_options=[f"save_stream_file={saved}"]) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(frame(TEXT, b"for the file") + frame(8, close(1000))))
        loop.run(client.expect(frame(TEXT, b"for the file") + frame(8, close(1000))))
        loop.run(hang_up(client, served))
    with saved.open("rb") as file:
        [flow] = FlowReader(file).stream()
    assert isinstance(flow, http.HTTPFlow)
    assert flow.websocket is not None
    assert (contents(flow), flow.websocket.close_code) == ([b"for the file"], 1000)
