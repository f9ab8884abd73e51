"""The emulated peers: if they are not exact, nothing tested with them is."""

import asyncio

import pytest

from tests.devices import peer as peer_module
from tests.devices.endpoints import Device, Route, connect
from tests.devices.kernel import receiver_is_drained
from tests.devices.peer import Peer, ScriptError
from tests.devices.script import (
    Close,
    Expect,
    ExpectCount,
    ExpectEnd,
    ExpectHead,
    HalfClose,
    Reset,
    Resume,
    Script,
    Send,
    Stall,
    play,
)


async def pair() -> tuple[Peer, Peer]:
    device = await Device.listen()
    client = await connect(Route(device.port))
    served = await device.accept()
    await device.close()
    client.meet(served)
    return client, served


def test_each_segment_is_read_before_the_next_leaves() -> None:
    class Counting(Peer):
        reads = 0

        def data_received(self, data: bytes) -> None:
            self.reads += 1
            super().data_received(data)

    async def scenario() -> tuple[int, bytes]:
        loop = asyncio.get_running_loop()
        far = Counting("far")
        server = await loop.create_server(lambda: far, "127.0.0.1", 0)
        near = await connect(Route(server.sockets[0].getsockname()[1]))
        await play(near, [Send(b"abcdef", segments=(1, 1, 2))])
        await far.expect(b"abcdef")
        near.close()
        await near.gone()
        server.close()
        return far.reads, bytes(far.received.bytes)

    assert asyncio.run(scenario()) == (4, b"abcdef")


def test_the_kernel_says_whether_the_receiver_has_read() -> None:
    async def scenario() -> tuple[bool, bool]:
        client, served = await pair()
        served.stall()
        await client.send(b"unread")
        before = receiver_is_drained(client.socket())
        served.resume()
        await served.expect(b"unread")
        after = receiver_is_drained(client.socket())
        client.close()
        served.close()
        return before, after

    assert asyncio.run(scenario()) == (False, True)


def test_a_difference_is_told_with_its_place() -> None:
    async def scenario() -> None:
        client, served = await pair()
        await client.send(b"Upgrade: WebSocket\r\n")
        try:
            await served.expect(b"Upgrade: websocket\r\n")
        finally:
            client.close()
            served.close()

    with pytest.raises(ScriptError, match=r"differs at byte 9 of 20: wanted .*websocket"):
        asyncio.run(scenario())


def test_waiting_ends_when_the_other_end_is_gone_or_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(leave: bool) -> None:
        client, served = await pair()
        if leave:
            served.close()
        try:
            await client.expect(b"never")
        finally:
            client.close()
            served.close()

    with pytest.raises(ScriptError, match="the connection ended"):
        asyncio.run(scenario(leave=True))
    monkeypatch.setattr(peer_module, "PATIENCE_S", 0.05)
    with pytest.raises(ScriptError, match="went by"):
        asyncio.run(scenario(leave=False))


def test_every_action_does_what_it_says() -> None:
    async def scenario() -> tuple[bytes, bytes, str | None, str | None]:
        client, served = await pair()
        client_script: Script = [
            Send(b"GET / HTTP/1.1\r\n\r\n"),
            ExpectCount(3),
            HalfClose(),
            Expect(b"after your FIN"),
            ExpectEnd(),
            Close(),
        ]
        device_script: Script = [
            Stall(),
            Resume(),
            ExpectHead(),
            Send(b"abc"),
            ExpectEnd(),
            Send(b"after your FIN"),
            HalfClose(),
            Close(),
        ]
        await asyncio.gather(play(client, client_script), play(served, device_script))
        return bytes(served.received.bytes), bytes(client.received.bytes), client.end, served.end

    assert asyncio.run(scenario()) == (b"GET / HTTP/1.1\r\n\r\n", b"abcafter your FIN", "fin", "fin")


def test_a_reset_is_seen_as_one() -> None:
    async def scenario() -> str:
        client, served = await pair()
        await play(client, [Send(b"x"), Reset()])
        await served.gone()
        return str(served.end)

    assert asyncio.run(scenario()) == "rst"


def test_a_stalled_receiver_stops_the_sender() -> None:
    async def scenario() -> tuple[bool, int, int]:
        client, served = await pair()
        client.stall()
        flood = bytes(64 << 20)
        sending = asyncio.ensure_future(served.send(flood))
        await served.until(lambda: served.held_up, "the receiver's buffer to be full")
        unfinished = not sending.done()
        client.resume()
        await sending
        await client.expect_count(len(flood))
        counts = client.received.count, served.sent.count
        client.close()
        served.close()
        return unfinished, *counts

    assert asyncio.run(scenario()) == (True, 64 << 20, 64 << 20)
