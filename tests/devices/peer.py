"""One end of a raw TCP (or TLS) connection that keeps every byte it sends and receives."""

import asyncio
import hashlib
import socket
import struct
import time
from collections.abc import Callable
from typing import cast

from tests.devices.kernel import receiver_is_drained

PATIENCE_S = 20.0


class ScriptError(AssertionError):
    """The other end did not do what the script waits for; says what came instead."""


class Stream:
    """Bytes that passed in one direction: all of them, or (for floods) only their number and hash."""

    def __init__(self, keep: bool) -> None:
        self.count = 0
        self.bytes = bytearray()
        self._keep = keep
        self._sha256 = hashlib.sha256()

    def add(self, data: bytes) -> None:
        """Count, hash and (if asked to) keep `data`."""
        self.count += len(data)
        self._sha256.update(data)
        if self._keep:
            self.bytes += data

    def forget(self) -> None:
        """Keep no more than the number and the hash of what passed."""
        self.bytes = bytearray()

    @property
    def sha256(self) -> str:
        """Hash of everything that passed."""
        return self._sha256.hexdigest()


class Peer(asyncio.Protocol):
    """A client or a device.

    `end` says how the other side's direction ended: None (open), "fin" or "rst". `address` may be used again
    later by another peer; with the times (wall clock) it names this one.
    """

    transport: asyncio.Transport

    def __init__(self, name: str, *, keep: bool = True, reading: bool = True) -> None:
        self.name = name
        self.address = ""
        self.began_at_ns = 0
        self.ended_at_ns = 0
        self.sent = Stream(keep)
        self.received = Stream(keep)
        self.end: str | None = None
        self.lost = False
        self.cursor = 0
        self.other: Peer | None = None
        self._keep = keep
        self._reading = reading
        self._writable = True
        self._waiters: list[asyncio.Future[None]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; segments leave as they are written."""
        self.transport = cast(asyncio.Transport, transport)
        self.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.address = "{}:{}".format(*self.socket().getsockname()[:2])
        if not self._reading:
            self.transport.pause_reading()
        self.began_at_ns = time.time_ns()
        self._changed()

    def data_received(self, data: bytes) -> None:
        """Keep what came."""
        self.received.add(data)
        self._changed()

    def eof_received(self) -> bool:
        """Note the FIN and keep the sending direction open (TLS has no half-close)."""
        self.end = self.end or "fin"
        self._changed()
        return self.transport.get_extra_info("sslcontext") is None

    def connection_lost(self, exc: Exception | None) -> None:
        """Note how the connection ended."""
        self.lost = True
        self.ended_at_ns = time.time_ns()
        if self.end is None:
            self.end = "rst" if isinstance(exc, OSError) else "fin"
        self._writable = True
        self._changed()

    def pause_writing(self) -> None:
        """The other end reads more slowly than this one writes."""
        self._writable = False
        self._changed()

    def resume_writing(self) -> None:
        """There is room again."""
        self._writable = True
        self._changed()

    @property
    def streams(self) -> tuple[Stream, Stream]:
        """What was sent, what was received."""
        return self.sent, self.received

    @property
    def held_up(self) -> bool:
        """Whether what was sent waits because the other end does not read it."""
        return not self._writable

    def socket(self) -> socket.socket:
        """The socket under the transport."""
        return cast(socket.socket, self.transport.get_extra_info("socket"))

    async def send(self, data: bytes) -> None:
        """Send `data`, then wait until most of it has left."""
        self.sent.add(data)
        self.transport.write(data)
        await self.until(lambda: self._writable, "room to send", end_is_fatal=False)

    async def send_segment(self, data: bytes) -> None:
        """Send `data` as a segment of its own: what follows leaves when the receiver has read it."""
        await self.send(data)
        sock = self.socket()
        async with asyncio.timeout(PATIENCE_S):
            while not self.lost and not receiver_is_drained(sock):
                await asyncio.sleep(0)

    async def expect(self, data: bytes) -> None:
        """Wait until exactly `data` has come next; the first byte that differs ends the script."""
        stop = self.cursor + len(data)

        def settled() -> bool:
            came = self.received.bytes[self.cursor : stop]
            return len(came) == len(data) or not data.startswith(came)

        await self.until(settled, f"{len(data)} bytes", data)
        came = bytes(self.received.bytes[self.cursor : stop])
        if came != data:
            raise ScriptError(f"{self.name}: {_difference(data, came)}")
        self.cursor = stop

    async def expect_count(self, count: int) -> None:
        """Wait until `count` more bytes have come, whatever they are."""
        self.cursor += count
        await self.until(lambda: self.received.count >= self.cursor, f"{count} bytes")

    async def expect_head(self) -> bytes:
        """Wait until a head (up to a blank line) has come next, and return it."""
        await self.until(lambda: self._head_end() is not None, "a head")
        start, self.cursor = self.cursor, cast(int, self._head_end())
        return bytes(self.received.bytes[start : self.cursor])

    async def expect_end(self) -> str:
        """Wait until the other end has closed its direction; "fin" or "rst"."""
        await self.until(lambda: self.end is not None, "the end")
        return cast(str, self.end)

    async def delivered(self) -> None:
        """Wait until the peer on the far side has everything that was sent here."""
        await self.until(lambda: self.other is not None, "its counterpart", end_is_fatal=False)
        far = cast(Peer, self.other)
        await far.until(lambda: far.received.count >= self.sent.count, "all that was sent to it")

    def meet(self, far: "Peer") -> None:
        """Make `far` the peer that this one's bytes go to, and the other way round."""
        self.other, far.other = far, self
        self._changed()
        far._changed()

    def half_close(self) -> None:
        """Send FIN, go on receiving; over TLS, which has no half-close, close both directions."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def reset(self) -> None:
        """Send RST."""
        self.socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def close(self) -> None:
        """Close both directions."""
        self.transport.close()

    def stall(self) -> None:
        """Stop reading: the kernel's buffer fills, then the sender stands."""
        self.transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        self.transport.resume_reading()

    async def gone(self) -> None:
        """Wait until the socket is closed."""
        await self.until(lambda: self.lost, "the socket to be closed", end_is_fatal=False)

    async def until(
        self, done: Callable[[], bool], what: str, data: bytes | None = None, *, end_is_fatal: bool = True
    ) -> None:
        """Wait, at most `PATIENCE_S`, until `done()`; a peer whose other end is gone will not get there."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not done():
                    if self.lost or (self.end and end_is_fatal):
                        raise ScriptError(self._stuck(what, data, f"the connection ended ({self.end})"))
                    waiter = asyncio.get_running_loop().create_future()
                    self._waiters.append(waiter)
                    await waiter
        except TimeoutError:
            raise ScriptError(self._stuck(what, data, f"{PATIENCE_S} s went by")) from None

    def _changed(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _head_end(self) -> int | None:
        ends = [
            at + len(mark)
            for mark in (b"\r\n\r\n", b"\n\n", b"\n\r\n")
            if (at := self.received.bytes.find(mark, self.cursor)) >= 0
        ]
        return min(ends) if ends else None

    def _stuck(self, what: str, data: bytes | None, why: str) -> str:
        came = bytes(self.received.bytes[self.cursor :])
        text = f"{self.name}: waited for {what}, but {why}; got {len(came)} bytes: {came[-200:]!r}"
        return text if data is None else f"{text}; wanted {data[:200]!r}"


def _difference(wanted: bytes, came: bytes) -> str:
    at = next(
        (i for i, (a, b) in enumerate(zip(wanted, came, strict=False)) if a != b), min(len(wanted), len(came))
    )
    near = slice(max(0, at - 40), at + 60)
    return f"differs at byte {at} of {len(wanted)}: wanted {wanted[near]!r}, got {came[near]!r}"
