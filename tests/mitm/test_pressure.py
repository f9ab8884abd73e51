"""Back-pressure: while somebody asks for it, nothing more is read."""

import asyncio

import pytest
from mitmproxy import ctx

from tests.devices.endpoints import Device
from tests.devices.loop import LoopThread
from tests.devices.peer import PATIENCE_S, Peer
from tests.mitm.inside import inside
from tests.mitm.peers import hang_up, opened
from tests.wire.build import TEXT, frame, noise
from tests.wire.handshakes import RESPONSE
from wsproxy.mitm.pressure import Gate

MESSAGE = frame(TEXT, noise(60_000))
COUNT = 600


def press(pressed: bool) -> None:
    """What a recorder does that cannot keep up."""
    ctx.master.addons.get("wsproxy").sessions.press(pressed)


@pytest.mark.parametrize("splice", ["true", "false"])
@pytest.mark.parametrize("uvloop", [True, False])
def test_a_device_waits_while_the_recorder_cannot_keep_up(
    loop: LoopThread, device: Device, splice: str, uvloop: bool
) -> None:
    async def pour(served: Peer) -> None:
        for _ in range(COUNT):
            await served.send(MESSAGE)

    async def until_held_up(served: Peer) -> asyncio.Future[None]:
        pouring = asyncio.ensure_future(pour(served))
        async with asyncio.timeout(PATIENCE_S):
            while not served.held_up:
                await asyncio.sleep(0)
        return pouring

    async def end(pouring: asyncio.Future[None], client: Peer) -> None:
        await pouring
        await client.expect_count(COUNT * len(MESSAGE))

    with inside(device, uvloop=uvloop, set_options=[f"wsproxy_splice={splice}"]) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        proxy.call(lambda: press(True))
        pouring = loop.run(until_held_up(served))
        assert client.received.count < COUNT * len(MESSAGE) / 2
        proxy.call(lambda: press(False))
        loop.run(end(pouring, client))
        assert client.received.sha256 == served.sent.sha256
        loop.run(hang_up(client, served))


def test_a_session_that_begins_under_pressure_waits_too(loop: LoopThread, device: Device) -> None:
    with inside(device) as proxy:
        proxy.call(lambda: press(True))
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(MESSAGE[:10]))
        proxy.settle()
        assert bytes(client.received.bytes) == RESPONSE
        proxy.call(lambda: press(False))
        loop.run(client.expect(MESSAGE[:10]))
        loop.run(hang_up(client, served))


def test_a_gate_opens_when_the_last_reason_is_gone() -> None:
    async def check() -> list[bool]:
        gate, changes = Gate(), []
        gate.on_change = lambda: changes.append(gate.closed)
        gate.hold("a", True)
        gate.hold("b", True)
        gate.hold("a", False)
        assert gate.closed
        waiting = asyncio.ensure_future(gate.wait_open())
        gate.open_for_good()
        await waiting
        gate.hold("a", True)
        assert not gate.closed
        return changes

    assert asyncio.run(check()) == [True, False]
