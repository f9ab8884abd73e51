"""mitmproxy's TLS layers, retyped to say goodbye: a TLS peer can tell a close from a cut-off stream.
A stream that was cut off (a reset) is not called whole.

Relies on `TLSLayer.send_close(command)` being called for each close, `tls` being a pyOpenSSL Connection over
memory buffers, `tls_interact()` sending what it wrote, `receive_data()` logging a "TLS Error" from which
OpenSSL does not recover, `receive_close()` being called when TCP ends, and `start_tls()` before anything
looks at the server's `sni`.
"""

from contextlib import suppress

from mitmproxy.connection import Connection, ConnectionState
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers.tls import ClientTLSLayer, ServerTLSLayer, TLSLayer
from mitmproxy.proxy.mode_specs import ReverseMode
from mitmproxy.proxy.tunnel import TunnelState
from OpenSSL import SSL

_ATTRIBUTE = "wsproxy_close_notify"
_CUT_OFF = "wsproxy_cut_off"


def close_notify(connection: Connection) -> bool | None:
    """Whether this peer ended TLS before its connection ended; None as long as nobody knows."""
    known: bool | None = getattr(connection, _ATTRIBUTE, None)
    return known


def cut_off(connection: Connection) -> None:
    """Have this connection end without close_notify."""
    setattr(connection, _CUT_OFF, True)


class _PoliteTLSLayer(TLSLayer):
    broken = False

    def receive_data(self, data: bytes) -> CommandGenerator[None]:
        """End the connection once its TLS has failed: OpenSSL would keep what comes, and read none of it."""
        if self.broken:
            return
        for command in super().receive_data(data):
            if isinstance(command, commands.Log) and command.message.startswith("TLS Error"):
                self.broken = True
                if "certificate required" in command.message:
                    # TLS 1.3 says so when its handshake is over.
                    command.message += "; give it one with --set client_certs=FILE"
            yield command
        if self.broken and self.conn.state & ConnectionState.CAN_WRITE:
            # Its peer closes the other direction; mitmproxy tells of no end that it has been asked for.
            yield commands.CloseTcpConnection(self.conn, half_close=True)

    def send_data(self, data: bytes) -> CommandGenerator[None]:
        """Send it, unless TLS has failed."""
        with suppress(SSL.Error):
            yield from super().send_data(data)

    def tls_interact(self) -> CommandGenerator[None]:
        """Send what TLS has to say, alerts and answers among it, as long as the connection takes anything."""
        for command in super().tls_interact():
            if self.tunnel_state is not TunnelState.OPEN or self.conn.state & ConnectionState.CAN_WRITE:
                yield command

    def receive_close(self) -> CommandGenerator[None]:
        """Take note of an end that nobody announced."""
        announced = self.tls.get_shutdown() & SSL.RECEIVED_SHUTDOWN and not self.broken
        if self.tunnel_state is TunnelState.OPEN and not announced:
            setattr(self.conn, _ATTRIBUTE, False)
        if self.broken:
            # To OpenSSL a fatal alert is an end as well; mitmproxy has told of one that is announced.
            yield from self.event_to_child(events.ConnectionClosed(self.conn))
        else:
            yield from super().receive_close()

    def send_close(self, command: commands.CloseConnection) -> CommandGenerator[None]:
        """Send close_notify (RFC 8446 section 6.1) before the TCP connection is closed or half-closed."""
        if self.tunnel_state is TunnelState.OPEN and not hasattr(self.conn, _CUT_OFF):
            with suppress(SSL.Error):
                self.tls.shutdown()
            yield from self.tls_interact()
        yield from super().send_close(command)


class PoliteClientTLSLayer(_PoliteTLSLayer, ClientTLSLayer):
    """TLS with the client."""


class PoliteServerTLSLayer(_PoliteTLSLayer, ServerTLSLayer):
    """TLS with the server."""

    def start_tls(self) -> CommandGenerator[None]:
        """Ask a device that we stand in front of for its own name, and expect it in its certificate: the one
        that the client asked for is ours.
        """
        client = self.context.client
        mode = client.proxy_mode
        if isinstance(mode, ReverseMode) and self.conn.sni in (None, client.sni):
            self.conn.sni = mode.address[0]
        yield from super().start_tls()
