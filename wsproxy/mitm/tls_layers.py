"""mitmproxy's TLS layers, retyped to say goodbye: a TLS peer can tell a close from a cut-off stream.
A stream that was cut off (a reset) is not called whole.

Relies on `TLSLayer.send_close(command)` being called for each close, `tls` being a pyOpenSSL Connection over
memory buffers, `tls_interact()` sending what it wrote, and `receive_close()` being called when TCP ends.
"""

from contextlib import suppress

from mitmproxy.connection import Connection
from mitmproxy.proxy import commands
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers.tls import ClientTLSLayer, ServerTLSLayer, TLSLayer
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
    def receive_close(self) -> CommandGenerator[None]:
        """Take note of an end that nobody announced."""
        if self.tunnel_state is TunnelState.OPEN and not self.tls.get_shutdown() & SSL.RECEIVED_SHUTDOWN:
            setattr(self.conn, _ATTRIBUTE, False)
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
