"""mitmproxy's handlers of clients' connections, retyped: they give sessions readers that can wait, and know
devices that are gone at once.

Relies on `client_connected` being called before a client is read from and before a connection to the device
is opened; on `handle_connection` taking its reader from `transports` when it begins to read; and on
`open_connection` putting a connection among the `transports` before it asserts that there is a peer.
"""

import asyncio

from mitmproxy.connection import Client, Connection, ConnectionState
from mitmproxy.proxy import commands, events, server_hooks
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler

from wsproxy.mitm.splice import session_reader
from wsproxy.mitm.wire import connection_handler


class Handlers:
    """Retypes the handler of each client."""

    name = "wsproxy_handlers"

    def client_connected(self, client: Client) -> None:
        """A connection has come."""
        handler = connection_handler(client)
        if type(handler) is ProxyConnectionHandler:
            handler.__class__ = _Handler


class _Handler(ProxyConnectionHandler):
    async def handle_connection(self, connection: Connection) -> None:
        """Handle it, with a reader that a session can have wait: before a read begins, not in the middle."""
        reader = self.transports[connection].reader
        if isinstance(reader, asyncio.StreamReader):
            session_reader(reader)
        await super().handle_connection(connection)

    async def open_connection(self, command: commands.OpenConnection) -> None:
        """Open it, and take one that is gone at once for one that failed.

        Under uvloop such a connection has no peer any more; mitmproxy stumbles, and its client would wait for
        ever.
        """
        try:
            await super().open_connection(command)
        except AssertionError:
            server = command.connection
            io = self.transports.get(server)
            if io is None or server.peername is not None:
                raise
            del self.transports[server]
            if io.writer is not None:
                io.writer.close()
            server.state = ConnectionState.CLOSED
            server.error = "it reset the connection at once"
            data = server_hooks.ServerConnectionHookData(client=self.client, server=server)
            await self.handle_hook(server_hooks.ServerConnectErrorHook(data))
            await self.server_event(events.OpenConnectionCompleted(command, server.error))
