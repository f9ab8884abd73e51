"""mitmproxy's TLS layers, retyped to say goodbye: a TLS peer can tell a close from a cut-off stream.

Relies on `TLSLayer.send_close(command)` being called for each close, `tls` being a pyOpenSSL Connection over
memory buffers, and `tls_interact()` sending what it wrote.
"""

from contextlib import suppress

from mitmproxy.proxy import commands
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers.tls import ClientTLSLayer, ServerTLSLayer, TLSLayer
from mitmproxy.proxy.tunnel import TunnelState
from OpenSSL import SSL


class _PoliteTLSLayer(TLSLayer):
    def send_close(self, command: commands.CloseConnection) -> CommandGenerator[None]:
        """Send close_notify (RFC 8446 section 6.1) before the TCP connection is closed or half-closed."""
        if self.tunnel_state is TunnelState.OPEN:
            with suppress(SSL.Error):
                self.tls.shutdown()
            yield from self.tls_interact()
        yield from super().send_close(command)


class PoliteClientTLSLayer(_PoliteTLSLayer, ClientTLSLayer):
    """TLS with the client."""


class PoliteServerTLSLayer(_PoliteTLSLayer, ServerTLSLayer):
    """TLS with the server."""
