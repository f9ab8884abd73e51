"""What the request of an opening handshake departs from. Source: RFC 6455 sections 4.1 and 9.1."""

import re
from collections import Counter
from collections.abc import Callable, Iterator

from wsproxy.conformance.checks_accept import key_fault
from wsproxy.conformance.checks_fields import CONTROL, FIELD_CHECKS, TOKEN, collect, shown
from wsproxy.conformance.extensions import (
    DEFLATE,
    faulty_parameters,
    is_extension_list,
    parse_extensions,
    serialize_extensions,
)
from wsproxy.conformance.finding import Finding
from wsproxy.conformance.hixie76 import KEYS as HIXIE76_KEYS
from wsproxy.conformance.hixie76 import is_hixie76_request
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import RequestHead, is_upgrade_request

HOST = re.compile(rb"(?:[0-9A-Za-z_.\-~%!$&'()*+,;=]+|\[[0-9A-Fa-f:.%A-Za-z]+\])(?::[0-9]{0,5})?")
ORIGIN = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#\s,]+")
_PATH = re.compile(rb"/[!-~]*")
_SAYS_WEBSOCKET = ("sec-websocket-key", "sec-websocket-version", *HIXIE76_KEYS)

type Found = Iterator[tuple[str, str]]


def check_request(request: RequestHead) -> list[Finding]:
    """Everything the request departs from; nothing of one that does not ask for a WebSocket."""
    if not is_upgrade_request(request) or request.method.upper() == b"CONNECT":
        return []
    checks = (check_hixie76,) if is_hixie76_request(request) else (*FIELD_CHECKS, *REQUEST_CHECKS)
    return collect((found for check in checks for found in check(request)), Side.CLIENT)


def may_be_tunnel(request: RequestHead) -> bool:
    """Whether the request has nothing of WebSocket but its name, like tunnels that speak no frames.

    Such a tunnel takes any change of its head, and of its bytes after it, badly.
    """
    return not any(request.get_all(name) for name in _SAYS_WEBSOCKET)


def client_key(request: RequestHead) -> bytes:
    """The key the client takes for its own: the first that is not empty, whatever it is.

    Control characters around it are none of it, nor is what a proxy that joins fields has put behind it.
    """
    keys = (CONTROL.sub(b"", key).strip() for key in request.get_all("sec-websocket-key"))
    key = next(filter(None, keys), b"")
    first = key.partition(b",")[0].rstrip()
    return first if key_fault(first) is None else key


def check_line(request: RequestHead) -> Found:
    """`GET /path HTTP/1.1`."""
    parts = (request.method, request.target, request.version)
    if request.preamble.strip(b"\r\n"):
        yield "handshake.request.foreign-bytes", f"{shown(request.preamble)} comes before the request"
    elif request.preamble:
        yield "handshake.request.preamble", f"{shown(request.preamble)} comes before the request"
    if request.method.upper() != b"GET":
        yield "handshake.request.method", f"the method is {shown(request.method)}"
    if request.version.upper() != b"HTTP/1.1":
        yield "handshake.request.version", f"the version is {shown(request.version)}"
    if not _PATH.fullmatch(request.target) or b"#" in request.target:
        yield "handshake.request.target", f"the target is {shown(request.target)}"
    if request.start_line.rstrip(b"\r\n") != b" ".join(part for part in parts if part) or (
        request.method + request.version != (request.method + request.version).upper()
    ):
        yield "handshake.request.line", f"the request line is {shown(request.start_line)}"


def check_host(request: RequestHead) -> Found:
    """Host is there, and a host."""
    hosts = request.get_all("host")
    if not hosts:
        yield "handshake.request.host", "Host is missing"
    elif not HOST.fullmatch(hosts[0]):
        yield "handshake.request.host", f"Host is {shown(hosts[0])}"


def check_upgrade(request: RequestHead) -> Found:
    """Upgrade names websocket, Connection names Upgrade."""
    if may_be_tunnel(request):
        yield "handshake.request.not-websocket", "neither Sec-WebSocket-Key nor Sec-WebSocket-Version"
    upgrade, connection = request.tokens("upgrade"), request.tokens("connection")
    if not upgrade and "upgrade" not in connection:
        yield "handshake.request.stripped", "both Upgrade and Connection: Upgrade are missing"
        return
    if "websocket" not in upgrade:
        said = f"Upgrade is {', '.join(upgrade)!r}" if upgrade else "Upgrade is missing"
        yield "handshake.request.upgrade", said
    if "upgrade" not in connection:
        said = f"Connection is {', '.join(connection)!r}" if connection else "Connection is missing"
        yield "handshake.request.connection", said


def check_key(request: RequestHead) -> Found:
    """The key is 16 bytes in Base64, the version 13."""
    if may_be_tunnel(request):
        return
    key = request.get("sec-websocket-key")
    fault = key_fault(next(filter(None, request.get_all("sec-websocket-key")), key))
    if fault:
        yield "handshake.request.key", fault
    version = request.get("sec-websocket-version")
    if version != b"13":
        said = "is missing" if version is None else f"is {shown(version)}"
        yield "handshake.request.websocket-version", f"Sec-WebSocket-Version {said}"


def check_hixie76(request: RequestHead) -> Found:
    """Two keys full of spaces."""
    keys = ", ".join(shown(value) for name in HIXIE76_KEYS for value in request.get_all(name))
    yield "handshake.request.hixie76", f"Sec-WebSocket-Key1 and Key2: {keys}"


def check_origin(request: RequestHead) -> Found:
    """Origin is `null`, or scheme, host and port."""
    for name in ("origin", "sec-websocket-origin"):
        for origin in request.get_all(name)[:1]:
            if origin != b"null" and not ORIGIN.fullmatch(origin):
                yield "handshake.request.origin", f"Origin is {shown(origin)}"
            elif name != "origin":
                yield "handshake.request.origin", "Sec-WebSocket-Origin for Origin, as in early drafts"


def check_subprotocols(request: RequestHead) -> Found:
    """Distinct tokens."""
    for subprotocol, times in Counter(offered_subprotocols(request)).items():
        if not TOKEN.fullmatch(subprotocol):
            yield "handshake.request.subprotocol", f"{shown(subprotocol)} is no token"
        elif times > 1:
            yield "handshake.request.subprotocol", f"{shown(subprotocol)} is offered more than once"


def check_extensions(request: RequestHead) -> Found:
    """Offers are spelt and parametrised as the RFCs say."""
    values = request.get_all("sec-websocket-extensions")
    offers = parse_extensions(values)
    for offer in offers:
        faults = "; ".join(faulty_parameters(offer, granted=False))
        if faults:
            yield "handshake.request.deflate-parameter", f"{DEFLATE} is offered with {faults}"
    usual = serialize_extensions(offers)
    if offers and len(values) == 1 and values[0] != usual and is_extension_list(values[0]):
        yield "handshake.request.extension-spelling", f"the offer is spelt {shown(values[0])}"


def check_body(request: RequestHead) -> Found:
    """A GET that asks for a WebSocket has no body."""
    for name in ("content-length", "transfer-encoding"):
        for value in request.get_all(name)[:1]:
            yield "handshake.request.body", f"{name.title()}: {shown(value)}"


def check_order(request: RequestHead) -> Found:
    """Host first, Key not last, where weak servers look for them."""
    keys = [field.key for field in request.fields if field.name]
    if b"host" in keys[1:] and keys[0] != b"host":
        yield "handshake.request.order", f"Host is field {keys.index(b'host') + 1}"
    if len(keys) > 1 and keys[-1] == b"sec-websocket-key":
        yield "handshake.request.order", "Sec-WebSocket-Key comes last"


REQUEST_CHECKS: tuple[Callable[[RequestHead], Found], ...] = (
    check_line,
    check_host,
    check_upgrade,
    check_key,
    check_origin,
    check_subprotocols,
    check_extensions,
    check_body,
    check_order,
)
"""Every check of a request that is not of a field alone."""


def offered_subprotocols(request: RequestHead) -> list[bytes]:
    """The offered subprotocols, in order, as spelt."""
    values = b",".join(request.get_all("sec-websocket-protocol"))
    return [part for each in values.split(b",") if (part := each.strip(b" \t"))]
