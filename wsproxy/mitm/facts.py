"""What is known of a session when its opening handshake is over, taken from mitmproxy's flow."""

import json
from contextlib import suppress

from mitmproxy import http
from mitmproxy.certs import Cert
from mitmproxy.connection import Connection
from mitmproxy.net.http import url
from mitmproxy.utils import human

from wsproxy.mitm.heads import head_to_send, raw_head
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import Negotiated
from wsproxy.store.model import SessionStart


def raw_heads(flow: http.HTTPFlow) -> tuple[bytes, bytes]:
    """The heads of request and response as received."""
    request, response = raw_head(flow.request), raw_head(flow.response)
    return (b"" if request is None else request.raw), (b"" if response is None else response.raw)


def session_start(
    flow: http.HTTPFlow, negotiated: Negotiated, dialects: dict[Side, str], mode: str, now_ns: int
) -> SessionStart:
    """The session of `flow`, for its recording; `dialects` are their names."""
    request_head, response_head = raw_heads(flow)
    return SessionStart(
        started_at_ns=now_ns,
        client_address=human.format_address(flow.client_conn.peername),
        server_address=human.format_address(flow.server_conn.peername or flow.server_conn.address),
        target=target(flow.request),
        request_head=request_head,
        response_head=response_head,
        request_head_sent=_if_other(request_head, head_to_send(flow.request)),
        response_head_sent=None
        if flow.response is None
        else _if_other(response_head, head_to_send(flow.response)),
        subprotocol=negotiated.subprotocol,
        extensions=negotiated.extensions,
        client_tls=_tls_facts(flow.client_conn),
        server_tls=_tls_facts(flow.server_conn),
        client_dialect=dialects[Side.CLIENT],
        server_dialect=dialects[Side.SERVER],
        mode=mode,
    )


def target(request: http.Request) -> str:
    """The ws:// or wss:// URL a request asks for."""
    return "ws" + http_target(request).removeprefix("http")


def http_target(request: http.Request) -> str:
    """The http:// or https:// URL a request asks for."""
    scheme = "https" if request.scheme == "https" else "http"
    host = f"[{request.host}]" if ":" in request.host else request.host
    return f"{scheme}://{url.hostport(scheme, host, request.port)}{request.path}"


def _if_other(received: bytes, sent: bytes | None) -> bytes | None:
    return None if sent == received else sent


def _tls_facts(connection: Connection) -> str | None:
    if not connection.tls:
        return None
    facts: dict[str, object] = {
        "version": connection.tls_version,
        "cipher": connection.cipher,
        "alpn": connection.alpn.decode("latin-1") if connection.alpn else None,
        "sni": connection.sni,
    }
    if connection.certificate_list:
        # Devices have certificates that cannot be read.
        with suppress(ValueError):
            facts["certificate"] = _certificate_facts(connection.certificate_list[0])
    return json.dumps(facts)


def _certificate_facts(certificate: Cert) -> dict[str, object]:
    return {
        "subject": dict(certificate.subject),
        "issuer": dict(certificate.issuer),
        "not_after": certificate.notafter.isoformat(),
        "sha256": certificate.fingerprint().hex(),
    }
