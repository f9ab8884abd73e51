"""One accepted connection: what came, held until it is wanted, and everything that can be done to it."""

import asyncio
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from wsproxy.store.model import TcpEnd

_HELD = 1 << 18
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_POLL_S = 0.005
_DELIVERY_PATIENCE_S = 5.0


class Link(asyncio.Protocol):
    """The connection. Reading pauses while more than 256 KiB wait to be taken.

    `ended`: the other end has ended its direction; `lost`: nothing can be sent any more either. Times are of
    `clock`, in nanoseconds. `on_made` is called once it is connected; `transport` is
    not there before.
    """

    transport: asyncio.Transport

    def __init__(
        self, on_made: "Callable[[Link], None]", clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._on_made = on_made
        self._clock = clock
        self._chunks: deque[tuple[bytes, int]] = deque()
        self._held = 0
        self._paused = False
        self._writable = True
        self._changed: asyncio.Future[None] | None = None
        self._own_end = False
        self.ended = self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)
        with suppress(OSError, AttributeError):
            self._socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._on_made(self)

    def data_received(self, data: bytes) -> None:
        """Hold it."""
        self._chunks.append((data, self._clock()))
        self._held += len(data)
        if self._held > _HELD and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The other end has half-closed; over TLS that is all."""
        self.ended = True
        self._wake()
        return self.transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self.ended = self.lost = True
        self._writable = True
        self._wake()

    def pause_writing(self) -> None:
        """The other end reads slowly."""
        self._writable = False

    def resume_writing(self) -> None:
        """There is room again."""
        self._writable = True
        self._wake()

    def take(self) -> tuple[bytes, int] | None:
        """The next chunk received, and when; None: nothing more so far."""
        if not self._chunks:
            return None
        data, at_ns = self._chunks.popleft()
        self._held -= len(data)
        if self._paused and self._held <= _HELD // 2 and not self.lost:
            self._paused = False
            self.transport.resume_reading()
        return data, at_ns

    def put_back(self, data: bytes) -> None:
        """What is still to be taken, before anything else."""
        if data:
            self._chunks.appendleft((data, self._clock()))
            self._held += len(data)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to take."""
        return not self._chunks

    async def wait(self, until_ns: int | None = None) -> None:
        """Wait until something changes, at the latest until that time."""
        loop = asyncio.get_running_loop()
        self._changed = loop.create_future()
        timer = None
        if until_ns is not None:
            timer = loop.call_later(max(0, until_ns - self._clock()) / 1e9, self._wake)
        try:
            await self._changed
        finally:
            if timer is not None:
                timer.cancel()

    async def write(self, data: bytes) -> None:
        """Send, and wait until there is room for more; others get their turn in any case.

        Once this direction has ended nothing is sent.
        """
        if self.lost or self._own_end:
            return
        self.transport.write(data)
        await asyncio.sleep(0)
        while not self._writable:
            await self.wait()

    async def end(self, how: TcpEnd) -> None:
        """End this direction in that way."""
        if how is TcpEnd.RST:
            await self.reset()
        else:
            self.half_close()

    def half_close(self) -> None:
        """End this direction; over TLS, which has no half-close, both."""
        if self.lost:
            return
        self._own_end = True
        if self.transport.can_write_eof():
            with suppress(OSError):
                self.transport.write_eof()
        else:
            self.transport.close()

    async def reset(self) -> None:
        """End with an RST, once what was sent has arrived: an RST may overtake it."""
        deadline = self._clock() + int(_DELIVERY_PATIENCE_S * 1e9)
        while not self.lost and self._undelivered() and self._clock() < deadline:
            await asyncio.sleep(_POLL_S)
        with suppress(OSError, AttributeError):
            self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()

    async def hang_up(self) -> None:
        """End this direction, then wait for the other end: closing with something unread would reset it."""
        self.half_close()
        while not self.ended:
            while self.take() is not None:
                pass
            await self.wait()
        self.close()

    def close(self) -> None:
        """Close it, once what was written is sent."""
        self.transport.close()

    def abort(self) -> None:
        """Drop it."""
        self.transport.abort()

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    def _socket(self) -> socket.socket:
        return cast(socket.socket, self.transport.get_extra_info("socket"))

    def _undelivered(self) -> bool:
        if self.transport.get_write_buffer_size():
            return True
        if sys.platform != "linux":
            return False
        import fcntl
        import termios

        try:
            unsent = fcntl.ioctl(self._socket().fileno(), termios.TIOCOUTQ, b"\0" * 4)
        except (OSError, AttributeError):
            return False
        return bool(struct.unpack("i", unsent)[0])
