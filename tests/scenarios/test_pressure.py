"""Floods, stalls, crowds and sudden death: what the proxy does when it is not easy."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.devices.endpoints import LOOPBACK, Device, Route, connect
from tests.devices.loop import LoopThread
from tests.devices.peer import Peer
from tests.scenarios.ends import hang_up, opened
from tests.scenarios.flood import is_beginning, pour
from tests.scenarios.proxy import ProxyProcess, wsproxy_record
from tests.scenarios.rig import Rigs
from tests.wire.build import TEXT, client_frame, frame, lines
from tests.wire.handshakes import CLIENT_CLOSE, DEVICE_CLOSE, REQUEST, RESPONSE
from wsproxy.protocol.frame import Side
from wsproxy.store.model import SessionState, StoredSession
from wsproxy.store.reader import open_recording

DURABLE_WITHIN_S = 0.25
FLOOD = 24 << 20
STALL = 40 << 20
CROWD = 200


def stored_streams(path: Path) -> list[tuple[StoredSession, bytes]]:
    """Every session with the bytes of its server side after the head."""
    with open_recording(str(path)) as recording:
        return [
            (session, b"".join(recording.stream(session.id, Side.SERVER))[len(RESPONSE) :])
            for session in recording.sessions()
        ]


class Pulse:
    """How much had come in, at every moment."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._moments: list[tuple[float, int]] = []

    async def beat(self) -> None:
        """Take notes until cancelled."""
        while True:
            self._moments.append((time.monotonic(), self._peer.received.count))
            await asyncio.sleep(0.005)

    def count_at(self, moment: float) -> int:
        """What had come by then."""
        return max((count for at, count in self._moments if at <= moment), default=0)


def test_a_killed_recorder_leaves_a_recording_that_opens(loop: LoopThread, tmp_path: Path) -> None:
    """A machine may stand still for a moment: a kill that loses too much is followed by two that may not."""
    kept = [killed_in_time(loop, tmp_path / "first")]
    if not kept[0]:
        kept = [killed_in_time(loop, tmp_path / again) for again in ("second", "third")]
    assert all(kept)


def killed_in_time(loop: LoopThread, folder: Path) -> bool:
    """Kill a recorder in the middle of a flood: whether all that it should have kept is kept."""
    folder.mkdir()
    recording = folder / "killed.db"
    device = loop.run(Device.listen())
    target = f"ws://{LOOPBACK}:{device.port}"
    proxy = ProxyProcess(wsproxy_record(target, recording, folder / "confdir"))

    async def flooded() -> tuple[int, int]:
        client, served = await opened(device, Route(proxy.port))
        pulse = Pulse(client)
        tasks = [asyncio.ensure_future(pulse.beat()), asyncio.ensure_future(pour(served, 1 << 40))]
        await client.until(lambda: pulse.count_at(time.monotonic() - DURABLE_WITHIN_S) > FLOOD, "a flood")
        killed_at = time.monotonic()
        await asyncio.to_thread(proxy.kill)
        tasks[0].cancel()
        await tasks[1]
        await hang_up(client, served)
        return pulse.count_at(killed_at - DURABLE_WITHIN_S) - len(RESPONSE), served.sent.count

    durable, sent = loop.run(flooded())
    [(session, stream)] = stored_streams(recording)
    assert session.state is SessionState.INTERRUPTED
    assert session.start.request_head == REQUEST
    assert is_beginning(stream)
    assert durable > 0
    assert 0 < len(stream) <= sent

    again = ProxyProcess(wsproxy_record(target, recording, folder / "confdir"))
    again.stop()
    [(session, same)] = stored_streams(recording)
    assert session.state is SessionState.INTERRUPTED
    assert same == stream
    loop.run(device.close())
    return durable <= len(stream)


@pytest.mark.parametrize("mode", ["command", "layer", "wss-both", "normalizing"])
def test_a_stalled_client_stops_the_device_not_the_memory(rigs: Rigs, loop: LoopThread, mode: str) -> None:
    rig = rigs[mode]
    idle = rig.proxy.rss_kib()

    async def stalled() -> tuple[Peer, Peer, int]:
        client, served = await opened(rig.device, rig.route)
        client.stall()
        pouring = asyncio.ensure_future(pour(served, STALL))
        await stands_still(served)
        grown = rig.proxy.rss_kib() - idle
        assert not pouring.done(), "all of it went somewhere while nobody read it"
        client.resume()
        await pouring
        await served.delivered()
        await hang_up(served, client)
        return client, served, grown

    client, served, grown = loop.run(stalled())
    assert client.received.sha256 == served.sent.sha256
    assert grown < 48 << 10
    session = rig.recorded.session_of(client)
    assert rig.recorded.streams(session)[1] == bytes(served.sent.bytes)


async def stands_still(peer: Peer, seconds: float = 2.0) -> None:
    """Wait until `peer` could send nothing for that long."""
    since, count = time.monotonic(), -1
    deadline = since + 30
    while time.monotonic() - since < seconds:
        if peer.sent.count != count or not peer.held_up:
            since, count = time.monotonic(), peer.sent.count
        assert time.monotonic() < deadline, f"{count} bytes and still going"
        await asyncio.sleep(0.02)


def test_a_long_session_does_not_grow_the_proxy(rigs: Rigs, loop: LoopThread) -> None:
    rig = rigs["command"]

    async def long() -> tuple[Peer, Peer, int]:
        client, served = await opened(rig.device, rig.route, keep=False)
        await pour(served, 8 << 20)
        warm = rig.proxy.rss_kib()
        await pour(served, 128 << 20)
        await served.delivered()
        grown = rig.proxy.rss_kib() - warm
        await hang_up(served, client)
        return client, served, grown

    client, served, grown = loop.run(long(), 100)
    assert client.received.sha256 == served.sent.sha256
    assert grown < 24 << 10


def test_a_crowd_of_sessions_is_kept_apart(rigs: Rigs, loop: LoopThread) -> None:
    rig = rigs["command"]
    everyone_is_in = asyncio.Barrier(CROWD)

    def said(number: int) -> bytes:
        return b"".join(frame(TEXT, b"device %d says %d" % (number, n)) for n in range(50))

    def answered(number: int) -> bytes:
        return b"".join(client_frame(TEXT, b"client %d says %d" % (number, n)) for n in range(50))

    async def be_client(number: int) -> Peer:
        client = await connect(rig.route)
        await client.send(lines(b"GET /%d HTTP/1.1" % number, *REQUEST.split(b"\r\n")[1:-2]))
        await client.expect(RESPONSE)
        await everyone_is_in.wait()
        await client.send(answered(number))
        await client.expect(said(number))
        await client.send(CLIENT_CLOSE)
        await client.expect(DEVICE_CLOSE)
        await hang_up(client)
        return client

    async def be_device(served: Peer) -> Peer:
        number = int((await served.expect_head()).split()[1][1:])
        await served.send(RESPONSE)
        await served.send(said(number))
        await served.expect(answered(number))
        await served.expect(CLIENT_CLOSE)
        await served.send(DEVICE_CLOSE)
        await served.expect_end()
        await hang_up(served)
        return served

    async def crowd() -> list[tuple[Peer, Peer]]:
        clients = [asyncio.ensure_future(be_client(number)) for number in range(CROWD)]
        devices = [asyncio.ensure_future(be_device(await rig.device.accept())) for _ in range(CROWD)]
        ends = [(await each) for each in clients], [(await each) for each in devices]
        by_number = {bytes(each.received.bytes).split()[1]: each for each in ends[1]}
        return [(each, by_number[bytes(each.sent.bytes).split()[1]]) for each in ends[0]]

    pairs = loop.run(crowd())
    assert len(pairs) == CROWD
    for client, served in pairs:
        assert client.received.sha256 == served.sent.sha256
        assert client.sent.sha256 == served.received.sha256
        session = rig.recorded.session_of(client)
        assert rig.recorded.streams(session) == (bytes(client.sent.bytes), bytes(served.sent.bytes))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_recorder_told_to_stop_keeps_what_is_under_way(
    loop: LoopThread, tmp_path: Path, how: signal.Signals
) -> None:
    recording = tmp_path / "stopped.db"
    device = loop.run(Device.listen())
    target = f"ws://{LOOPBACK}:{device.port}"
    proxy = ProxyProcess(wsproxy_record(target, recording, tmp_path / "confdir"))

    async def stopped() -> tuple[int, Peer]:
        client, served = await opened(device, Route(proxy.port))
        await served.send(frame(TEXT, b"the last words") + b"\x81\x7e")
        await served.delivered()
        code = await asyncio.to_thread(proxy.stop, how)
        await hang_up(client, served)
        return code, served

    code, served = loop.run(stopped())
    assert code in (0, 130)
    assert "Traceback" not in proxy.output
    [(session, stream)] = stored_streams(recording)
    assert session.state is SessionState.ENDED
    assert stream == bytes(served.sent.bytes[len(RESPONSE) :])
    loop.run(device.close())


def test_a_client_that_does_not_wait_for_the_101_is_held_up(rigs: Rigs, loop: LoopThread) -> None:
    rig = rigs["layer"]
    idle = rig.proxy.rss_kib()

    async def impatient() -> tuple[Peer, Peer, int]:
        client = await connect(rig.route)
        await client.send(REQUEST)
        served = await rig.device.accept()
        pouring = asyncio.ensure_future(pour(client, STALL))
        await stands_still(client)
        grown = rig.proxy.rss_kib() - idle
        assert not pouring.done(), "all of it went somewhere while nobody answered"
        await served.send(RESPONSE)
        await pouring
        client.meet(served)
        await client.delivered()
        await hang_up(client, served)
        return client, served, grown

    client, served, grown = loop.run(impatient())
    assert served.received.sha256 == client.sent.sha256
    assert grown < 48 << 10
    assert rig.recorded.streams(rig.recorded.session_of(client))[0] == bytes(client.sent.bytes)
