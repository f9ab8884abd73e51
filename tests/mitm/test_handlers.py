"""Devices that accept a connection and reset it before mitmproxy has looked at it."""

import asyncio
import time

from tests.devices.endpoints import Device, Route, connect
from tests.devices.loop import LoopThread
from tests.mitm.inside import inside
from tests.wire.handshakes import REQUEST

_TURN_S = 0.003
_TIMES = 10


class SlowLoop:
    """Has each turn of the proxy's event loop take a while, so that much can happen between two."""

    def __init__(self) -> None:
        self.stopped = False

    def running(self) -> None:
        self._turn(asyncio.get_running_loop())

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        time.sleep(_TURN_S)
        if not self.stopped:
            loop.call_soon(self._turn, loop)


def test_every_client_is_told(loop: LoopThread, device: Device) -> None:
    slow = SlowLoop()

    async def ask(port: int, wait_s: float) -> bytes:
        client = await connect(Route(port))
        await client.send(REQUEST)
        served = await device.accept()
        await asyncio.sleep(wait_s)
        served.reset()
        head = await client.expect_head()
        client.close()
        return head

    with inside(device, slow) as proxy:
        heads = [loop.run(ask(proxy.port, turn * _TURN_S / _TIMES)) for turn in range(_TIMES)]
        slow.stopped = True
    assert all(head.startswith(b"HTTP/1.1 502 ") for head in heads)
    assert len(proxy.notices) == _TIMES
    assert all("no session with" in notice for notice in proxy.notices)
