"""Devices that take a connection and reset it at once, before anybody could ask who they are.

Under uvloop such a connection has no peer any more, and mitmproxy's connection handler stumbles over that:
its client would wait for ever. Relies on `client_connected` being called before a connection to the device is
opened, and on `open_connection` putting it among the `transports` before it asserts that there is a peer.
"""

from mitmproxy.connection import Client, ConnectionState
from mitmproxy.proxy import commands, events, server_hooks
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler

from wsproxy.mitm.wire import connection_handler


class GoneDevices:
    """Has each client told that its device is gone."""

    name = "wsproxy_gone_devices"

    def client_connected(self, client: Client) -> None:
        """Retype the handler of its connection."""
        handler = connection_handler(client)
        if type(handler) is ProxyConnectionHandler:
            handler.__class__ = _TellingHandler


class _TellingHandler(ProxyConnectionHandler):
    async def open_connection(self, command: commands.OpenConnection) -> None:
        """Open it, and take one that is gone at once for one that failed."""
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
