"""Hands a connection that the recording has nothing for over to somebody else, who goes on with it."""

import asyncio
from contextlib import suppress
from typing import cast
from urllib.parse import urlsplit

from wsproxy.replay.link import Link


async def hand_over(link: Link, received: bytes, url: str) -> None:
    """Connect to the `ws://host:port` of `url`, and relay both directions until both have ended; `received`
    is what was taken from the link already. The connection is dropped if nobody listens there.
    """
    loop = asyncio.get_running_loop()
    parts = urlsplit(url)
    ended: asyncio.Future[None] = loop.create_future()
    front, back = _Leg(ended), _Leg(ended)
    try:
        await loop.create_connection(lambda: back, parts.hostname or "", parts.port or 80)
    except OSError:
        link.abort()
        return
    link.transport.pause_reading()
    chunks = [received]
    while (taken := link.take()) is not None:
        chunks.append(taken[0])
    front.other, back.other = back, front
    front.connection_made(link.transport)
    link.transport.set_protocol(front)
    back.write(b"".join(chunks))
    if link.ended:
        front.eof_received()
    link.transport.resume_reading()
    await ended


class _Leg(asyncio.Protocol):
    """One of the two connections; `ended` is done once neither is open any more."""

    def __init__(self, ended: "asyncio.Future[None]") -> None:
        self.other: _Leg | None = None
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.write(data)

    def eof_received(self) -> bool:
        if self.other is not None:
            self.other.end()
        return True

    def pause_writing(self) -> None:
        if self.other is not None and self.other._transport is not None:
            self.other._transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other._transport is not None:
            self.other._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        if self.other is None or self.other._lost:
            if not self._ended.done():
                self._ended.set_result(None)
        elif self.other._transport is not None:
            self.other._transport.close()

    def write(self, data: bytes) -> None:
        """Send to this connection."""
        if self._transport is not None and not self._lost:
            self._transport.write(data)

    def end(self) -> None:
        """End the direction towards this connection."""
        if self._transport is not None and not self._lost:
            with suppress(OSError, NotImplementedError):
                self._transport.write_eof()
