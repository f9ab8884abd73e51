"""What a user should know when an opening handshake does not end in a session."""

import logging
from collections.abc import Callable
from pathlib import Path

from mitmproxy import ctx, http
from mitmproxy.options import CONF_BASENAME
from mitmproxy.tls import TlsData
from mitmproxy.utils import human

from wsproxy.mitm.facts import target
from wsproxy.mitm.heads import raw_head

_log = logging.getLogger(__name__)

_PROXY_HINTS = (
    (
        "407 Proxy Authentication Required",
        "give the upstream proxy its user and password with --set upstream_auth=USER:PASSWORD",
    ),
)
# What the system says of a connection that could not be made begins so.
_UNREACHED_HINTS = (("[Errno ", "is the device on, and the address right?"),)
_HINTS = (
    *_PROXY_HINTS,
    ("Certificate verify failed", "to connect all the same, use --insecure (mitmproxy's ssl_insecure)"),
    ("cannot agree on a TLS version", "for an old device, use --legacy-tls"),
    (
        "handshake failure",
        "for an old device, use --legacy-tls; for one that wants a certificate of its clients,"
        " --set client_certs=FILE",
    ),
    ("unsafe legacy renegotiation", "for an old device, use --legacy-tls"),
    ("dh key too small", "for an old device, use --legacy-tls"),
    ("connection closed", "for an old device, use --legacy-tls; if it speaks no TLS, ask for ws://"),
    ("does not speak TLS", "ask for ws://"),
    *_UNREACHED_HINTS,
)
_PLAIN_HINTS = (
    *_PROXY_HINTS,
    ("server closed connection", "if it speaks TLS, ask for wss://"),
    *_UNREACHED_HINTS,
)

_OLD_CLIENT = "for an old client, use --set tls_version_client_min=TLS1 --set ciphers_client=ALL:@SECLEVEL=0"

_TAKEN_FOR_A_PROXY = "received an HTTP CONNECT request even though it is not running in regular"


class Notices:
    """Logs a warning for each opening handshake that is refused or does not reach the device.

    `shown` gives a text as it may be logged.
    """

    name = "wsproxy_notices"

    def __init__(self, shown: Callable[[str], str]) -> None:
        self._shown = shown

    def response(self, flow: http.HTTPFlow) -> None:
        """Tell what the device said in place of 101, or that it said nothing."""
        head, response = raw_head(flow.response), flow.response
        if head is None or response is None:
            return
        if response.status_code != 101:
            reason = f"{response.status_code} {response.reason}".strip()
            _log.warning("%s refused the opening handshake: %s", self._shown(target(flow.request)), reason)
        elif not head.raw:
            _log.warning(
                "%s sent no response head; what it sends is relayed as frames",
                self._shown(target(flow.request)),
            )

    def error(self, flow: http.HTTPFlow) -> None:
        """Tell why the device could not be reached, and what may help."""
        if flow.error is not None and _TAKEN_FOR_A_PROXY in flow.error.msg:
            client = human.format_address(flow.client_conn.peername)
            _log.warning("%s takes this for an HTTP proxy: for such clients, use --mode regular", client)
        if raw_head(flow.request) is None or flow.error is None or flow.websocket is not None:
            return
        known = _HINTS if flow.request.scheme == "https" else _PLAIN_HINTS
        hints = [hint for cause, hint in known if cause in flow.error.msg]
        _log.warning(
            "%s",
            "; ".join((f"no session with {self._shown(target(flow.request))}: {flow.error.msg}", *hints[:1])),
        )

    def tls_failed_client(self, data: TlsData) -> None:
        """Tell what the client has to trust, or what it has to be allowed."""
        authority = Path(ctx.options.confdir).expanduser() / f"{CONF_BASENAME}-ca-cert.pem"
        reason = data.conn.error or "it closed the connection"
        advice = _OLD_CLIENT if "cannot agree on a TLS version" in reason else f"have it trust {authority}"
        _log.warning("TLS with the client failed: %s; %s", reason, advice)
