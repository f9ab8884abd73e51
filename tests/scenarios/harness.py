"""Plays a case through a proxy and says what both sockets saw."""

import asyncio
from dataclasses import dataclass
from hashlib import sha256

from tests.devices.endpoints import Device, Route, connect
from tests.devices.peer import PATIENCE_S, Peer, Stream
from tests.devices.script import Script, play
from tests.wire.conversation import Case

type Fingerprint = tuple[int, str]

_MUCH = 1 << 18


@dataclass(frozen=True, slots=True)
class Outcome:
    """The two ends of one conversation after it."""

    client: Peer
    device: Peer

    def sent_from(self, client_offset: int, device_offset: int) -> tuple[Fingerprint, Fingerprint]:
        """What the client sent and what the device sent, without that much at the beginning."""
        return _without(self.client.sent, client_offset), _without(self.device.sent, device_offset)

    def forget_much(self) -> None:
        """Let go of the bytes of large streams."""
        for stream in (*self.client.streams, *self.device.streams):
            if stream.count > _MUCH:
                stream.forget()


def fingerprint(stream: bytes) -> Fingerprint:
    """Length and hash, short enough to read when two differ."""
    return len(stream), sha256(stream).hexdigest()


def _without(stream: Stream, offset: int) -> Fingerprint:
    return fingerprint(bytes(stream.bytes[offset:])) if offset else (stream.count, stream.sha256)


async def converse(device: Device, route: Route, case: Case) -> Outcome:
    """Play both scripts against each other through whatever `route` leads through.

    Raises ScriptError when a peer gets other bytes than the case says, or none in time.
    """
    client_script, device_script = case.scripts
    return await meet(device, route, client_script, device_script)


async def meet(device: Device, route: Route, client_script: Script, device_script: Script) -> Outcome:
    """Play these scripts against each other."""
    client = await connect(route)
    playing = asyncio.ensure_future(play(client, client_script))
    serving: asyncio.Task[None] | None = None
    try:
        device_peer = await device.accept()
        client.meet(device_peer)
        serving = asyncio.ensure_future(play(device_peer, device_script))
        async with asyncio.timeout(6 * PATIENCE_S):
            await _first_failure_or_all(playing, serving)
    finally:
        for task in (playing, serving):
            if task is not None:
                task.cancel()
        client.close()
        if serving is not None:
            device_peer.close()
    await client.gone()
    await device_peer.gone()
    return Outcome(client, device_peer)


async def _first_failure_or_all(*tasks: "asyncio.Task[None]") -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    failures = [str(error) for task in done if (error := task.exception())]
    if failures:
        raise AssertionError("\n".join(failures))
