"""The two transports of a session, and the splice between them.

mitmproxy reads each socket through an asyncio StreamReader and takes every chunk through all its layers.
Where neither leg speaks TLS and nobody wants to hold messages back, that is only a detour: `splice` has the
two transports write to each other, and hands every chunk to whoever looks. The end of a direction still goes
to mitmproxy, so half-close and teardown remain its business.

A transport changes hands only when nothing of what came before is under way any more: bytes that arrive
meanwhile wait until mitmproxy has emptied its reader and asks for more. (Pausing the transport instead would
not do: a StreamReader resumes a transport that somebody else paused.)
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Protocol, cast

from wsproxy.mitm.pressure import Gate
from wsproxy.protocol.frame import Side

_CHUNK = 1 << 16

type Send = Callable[[bytes], None]
type Relay = Callable[[Side, bytes, Send], None]
"""Called with whose chunk it is, the chunk, and what sends bytes on to the other side."""


class SessionReader(asyncio.StreamReader):
    """mitmproxy's own reader, retyped: it waits at the gate, and says when it has nothing left to give.

    Relies on asyncio's `_buffer` and `_waiter`; on mitmproxy's reading with `read(n)` in a loop, and calling
    it again only when what it got before has been sent on.
    """

    # What typeshed leaves out of asyncio.StreamReader.
    _buffer: bytearray
    _waiter: asyncio.Future[None] | None

    gate: Gate | None = None
    when_idle: Callable[[], None] | None = None
    before_end: Callable[[], Awaitable[None]] | None = None
    """Awaited before the end of the stream is told: mitmproxy ends all of a session with its client's."""

    @property
    def failed(self) -> bool:
        """Whether the connection ended with an error."""
        return self.exception() is not None

    @property
    def idle(self) -> bool:
        """Whether mitmproxy waits for more, having had all there was."""
        return self._waiter is not None and not self._buffer

    async def read(self, n: int = -1) -> bytes:
        """As StreamReader.read."""
        try:
            data = await self._read(n)
        except (OSError, asyncio.CancelledError):
            await self._before_end()
            raise
        if not data:
            await self._before_end()
        return data

    async def _before_end(self) -> None:
        if self.before_end is not None:
            await self.before_end()

    async def _read(self, n: int) -> bytes:
        if self.gate is not None and self.gate.closed:
            await self.gate.wait_open()
        if self.when_idle is not None and not self._buffer:
            when_idle, self.when_idle = self.when_idle, None
            when_idle()
        if self._buffer and self.failed:
            # asyncio forgets what came before a reset; peers do not.
            data = bytes(self._buffer[:n])
            del self._buffer[: len(data)]
            return data
        return await super().read(n)


def session_reader(reader: asyncio.StreamReader) -> SessionReader:
    """The same reader, retyped."""
    reader.__class__ = SessionReader
    assert isinstance(reader, SessionReader)
    return reader


class StreamProtocol(Protocol):
    """What a Leg needs of the asyncio.StreamReaderProtocol whose place it takes."""

    _paused: bool

    def data_received(self, data: bytes) -> None: ...
    def eof_received(self) -> bool | None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


class Leg(asyncio.Protocol):
    """One transport of a session. Hands what happens to mitmproxy's own protocol, until it is spliced.

    `on_lost` is called when the connection is gone and mitmproxy will not find out: it does not look at a
    connection any more once the peer has closed its direction.
    """

    def __init__(
        self,
        side: Side,
        transport: asyncio.Transport,
        reader: SessionReader,
        gate: Gate,
        on_lost: Callable[[Side], None],
    ) -> None:
        self.side = side
        self._transport = transport
        self._reader = reader
        self._gate = gate
        self._on_lost = on_lost
        self._original = cast(StreamProtocol, transport.get_protocol())
        self._peer: Leg | None = None
        self._relay: Relay | None = None
        self._held: list[bytes] = []
        self._ended = False
        self._room = not self._original._paused
        transport.set_protocol(self)

    @property
    def spliced(self) -> bool:
        """Whether bytes from here go straight to the peer."""
        return self._relay is not None

    def splice(self, peer: "Leg", relay: Relay) -> None:
        """Relay to `peer` from the moment mitmproxy has nothing of this leg's bytes left in its hands."""
        self._peer = peer
        if self._reader.idle:
            self._take_over(relay)
        else:
            self._reader.when_idle = lambda: self._take_over(relay)

    def _take_over(self, relay: Relay) -> None:
        self._relay = relay
        held, self._held = self._held, []
        for data in held:
            self.data_received(data)
        if self._ended:
            self._original.eof_received()
        else:
            self.update_reading()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._relay is not None and self._peer is not None:
            self._relay(self.side, data, self._peer.send)
        elif self._peer is not None:
            self._held.append(data)
            if not self._transport.is_closing():
                self._transport.pause_reading()
        else:
            self._original.data_received(data)

    def send(self, data: bytes) -> None:
        """Send to this one, unless its connection is gone: uvloop would raise, and others tell of the end."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def eof_received(self) -> bool:
        """The peer sends no more; it may still receive."""
        self._ended = True
        if self._relay is not None or self._peer is None:
            self._original.eof_received()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone. Where writing has found out, what came before the end is still unread."""
        if exc is not None and not self._ended:
            for data in _unread(self._transport):
                self.data_received(data)
        held, self._held = self._held, []
        for data in held:
            self._original.data_received(data)
        self._original.connection_lost(exc)
        if self._ended:
            self._on_lost(self.side)

    def pause_writing(self) -> None:
        """The peer reads more slowly than we write."""
        self._room = False
        self._original.pause_writing()
        if self._peer is not None:
            self._peer.update_reading()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._room = True
        self._original.resume_writing()
        if self._peer is not None:
            self._peer.update_reading()

    def update_reading(self) -> None:
        """Read if what is read can go somewhere. Only a spliced leg decides that for itself."""
        if self._relay is None or self._peer is None or self._ended or self._transport.is_closing():
            return
        if self._peer._room and not self._gate.closed:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()


def _unread(transport: asyncio.Transport) -> Iterator[bytes]:
    """What the kernel has received on this connection and nobody has read; it keeps that after a reset."""
    # uvloop has no number for the socket of a connection that is gone, and raises ValueError.
    with (
        suppress(OSError, ValueError),
        socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as same,
    ):
        same.setblocking(False)
        while data := same.recv(_CHUNK):
            yield data
