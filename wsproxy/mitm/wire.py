"""What carries a session: mitmproxy's connection handler, and the two connections it holds.

Every touch on the inside of mitmproxy's server is here. It relies on:

- `proxyserver` addon: `connections[client.id]` is the handler of a client's connection;
- handler: `transports[connection].reader` and `.writer` are asyncio streams for TCP, `.handler` is the task,
  `server_event(event)` takes an event through the layers, `timeout_watchdog.timeout` is in seconds and read
  again after every wait.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import cast

from mitmproxy.connection import Client, Connection, Server
from mitmproxy.proxy.events import Event
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.proxy.server import ConnectionIO
from mitmproxy.utils import asyncio_utils

from wsproxy.mitm.internals import find_addon
from wsproxy.mitm.pressure import Gate
from wsproxy.mitm.splice import Leg, Relay, SessionReader, session_reader
from wsproxy.mitm.tls_layers import cut_off
from wsproxy.protocol.frame import Side

_POLL_S = 0.005
_FOREVER_S = 10 * 365 * 24 * 3600
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def connection_handler(client: Client) -> ProxyConnectionHandler | None:
    """mitmproxy's handler of this client's connection; None once the client is gone."""
    handler: ProxyConnectionHandler | None = find_addon("proxyserver").connections.get(client.id)
    return handler


def hold_reading(client: Client) -> Callable[[], None]:
    """Read no more from a client whose session has not begun; call what is returned to go on."""
    handler = connection_handler(client)
    io = None if handler is None else handler.transports.get(client)
    if io is None or not isinstance(io.reader, asyncio.StreamReader):
        return lambda: None
    gate = Gate()
    gate.hold("early", True)
    session_reader(io.reader).gate = gate
    return gate.open_for_good


def close_connections() -> None:
    """Close every connection of every client, so that the tasks that hold them end."""
    for handler in list(find_addon("proxyserver").connections.values()):
        for io in list(handler.transports.values()):
            if io.writer is not None:
                io.writer.close()


async def connections_closed(patience_s: float) -> None:
    """Return once mitmproxy has no connection left, or after that time."""
    connections = find_addon("proxyserver").connections
    deadline = asyncio.get_running_loop().time() + patience_s
    while connections and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(_POLL_S)


class Wire:
    """The two connections of one session. `on_lost` is called when one is gone: mitmproxy does not always
    tell.
    """

    def __init__(
        self,
        handler: ProxyConnectionHandler,
        client: Client,
        server: Server,
        gate: Gate,
        on_lost: Callable[[Side], None],
    ) -> None:
        self._handler = handler
        self._connections: Mapping[Side, Connection] = {Side.CLIENT: client, Side.SERVER: server}
        self._legs: dict[Side, Leg] = {}
        self._readers: dict[Side, SessionReader] = {}
        self._transports: dict[Side, asyncio.Transport] = {}
        self._gate = gate
        streams = {Side.CLIENT: handler.transports.get(client), Side.SERVER: self._server_io(server)}
        for side, io in streams.items():
            self._on_end(side, io, on_lost)
            if io is not None:
                self._take(side, io, on_lost)
        gate.on_change = self._gate_changed

    @property
    def can_splice(self) -> bool:
        """Whether bytes can go straight from socket to socket: plain TCP on both legs, no proxy behind us."""
        plain = not any(connection.tls for connection in self._connections.values())
        direct = self._connections[Side.SERVER] in self._handler.transports
        return plain and direct and len(self._legs) == len(Side)

    def splice(self, relay: Relay) -> None:
        """Relay past mitmproxy, each direction as soon as its bytes are out of mitmproxy's hands."""
        for side, leg in self._legs.items():
            leg.splice(self._legs[side.other], relay)

    def end_after(self, passed: Callable[[Side], Awaitable[None]]) -> None:
        """Tell mitmproxy of the end of what a side sends only when `passed`, called with it, has returned."""
        for side, reader in self._readers.items():
            reader.before_end = partial(passed, side)

    def send(self, side: Side, data: bytes) -> None:
        """Write to this side past mitmproxy; without effect once it is closing."""
        transport = self._transports.get(side)
        if transport is not None and not transport.is_closing():
            transport.write(data)

    def unsent(self, side: Side) -> int:
        """How many bytes wait until this side takes them."""
        transport = self._transports.get(side)
        return 0 if transport is None else transport.get_write_buffer_size()

    def never_time_out(self) -> None:
        """Let the connections be idle as long as they like; the kernel finds out if a peer is gone."""
        self._handler.timeout_watchdog.timeout = _FOREVER_S

    def was_reset(self, side: Side) -> bool:
        """Whether this side's connection ended with an RST (or is dead in another way)."""
        return side in self._readers and self._readers[side].failed

    def reset(self, side: Side) -> None:
        """Make the close of this side's connection an RST."""
        cut_off(self._connections[side])
        transport = self._transports.get(side)
        if transport is not None:
            _set_option(transport, socket.SO_LINGER, _RESET_ON_CLOSE)

    def abort(self) -> None:
        """Drop both connections at once, and what was still to be sent."""
        for transport in self._transports.values():
            transport.abort()

    def close(self) -> None:
        """Close both connections, once what was written to them is sent."""
        for transport in self._transports.values():
            transport.close()

    def submit(self, event: Event) -> None:
        """Take an event through mitmproxy's layers, after those submitted before."""
        asyncio_utils.create_task(self._handler.server_event(event), name="wsproxy event", keep_ref=True)

    def _server_io(self, server: Server) -> ConnectionIO | None:
        """The server's streams; those of the upstream proxy where the server is reached through one."""
        transports = self._handler.transports
        if server in transports or server.via is None:
            return transports.get(server)
        _, proxy_address = server.via
        to_proxy = [io for connection, io in transports.items() if _address(connection) == proxy_address]
        return to_proxy[-1] if to_proxy else None

    def _on_end(self, side: Side, io: ConnectionIO | None, on_lost: Callable[[Side], None]) -> None:
        """Find out when mitmproxy is done with a connection: it does not always tell its layers."""
        if io is None or io.handler is None:
            asyncio.get_running_loop().call_soon(on_lost, side)
        else:
            io.handler.add_done_callback(lambda _: on_lost(side))

    def _take(self, side: Side, io: ConnectionIO, on_lost: Callable[[Side], None]) -> None:
        if not isinstance(io.reader, asyncio.StreamReader) or not isinstance(io.writer, asyncio.StreamWriter):
            return
        reader = self._readers[side] = session_reader(io.reader)
        reader.gate = self._gate
        transport = cast(asyncio.Transport, io.writer.transport)
        if transport.is_closing():
            return
        self._transports[side] = transport
        self._legs[side] = Leg(side, transport, reader, self._gate, on_lost)
        _set_option(transport, socket.SO_KEEPALIVE, 1)

    def _gate_changed(self) -> None:
        for leg in self._legs.values():
            leg.update_reading()


def _address(connection: Connection) -> tuple[str, int] | None:
    return connection.address if isinstance(connection, Server) else None


def _set_option(transport: asyncio.Transport, option: int, value: int | bytes) -> None:
    # uvloop has no number for the socket of a connection that is gone, and raises ValueError.
    with suppress(OSError, ValueError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, value)
