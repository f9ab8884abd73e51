"""What the response of an opening handshake departs from. Source: RFC 6455 sections 4.2.2 and 9.1."""

import re
from collections.abc import Callable, Iterable, Iterator

from wsproxy.conformance.checks_accept import accept_fault
from wsproxy.conformance.checks_fields import FIELD_CHECKS, TOKEN, collect, shown
from wsproxy.conformance.checks_request import client_key, may_be_tunnel, offered_subprotocols
from wsproxy.conformance.extensions import (
    DEFLATE,
    Extension,
    faulty_parameters,
    is_extension_list,
    mismatch,
    parse_extensions,
    serialize_extensions,
)
from wsproxy.conformance.finding import Finding
from wsproxy.conformance.hixie76 import is_hixie76_request, is_hixie76_response
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import (
    RequestHead,
    ResponseHead,
    is_upgrade_request,
    is_upgrade_response,
)

SUBPROTOCOL_ALIASES = (frozenset({b"mqtt", b"mqttv3.1"}),)
"""Names under which implementations offer and select what a server takes for the same subprotocol."""

_INTERIM = re.compile(rb"HTTP/\S*[ \t]+1", re.IGNORECASE)
_REASON = b"Switching Protocols"

type Found = Iterator[tuple[str, str]]


def check_response(request: RequestHead, response: ResponseHead) -> list[Finding]:
    """Everything the response departs from, as the answer to that request (as it was sent to the server).

    Of a response that does not agree to speak WebSocket, only that; nothing if none was asked for.
    """
    if not is_upgrade_request(request) or request.method.upper() == b"CONNECT":
        return []
    checks: tuple[ResponseCheck, ...] = (check_refusal,)
    if is_headless(response):
        checks = (check_missing,)
    elif is_upgrade_response(request, response):
        fields = tuple(_ignoring_request(check) for check in FIELD_CHECKS)
        checks = fields if may_be_tunnel(request) else (*fields, *RESPONSE_CHECKS)
        if is_hixie76_response(response):
            checks = (check_hixie76,)
        elif is_hixie76_request(request):
            checks = ()
    return collect((found for check in checks for found in check(request, response)), Side.SERVER)


type ResponseCheck = Callable[[RequestHead, ResponseHead], Found]


def is_headless(response: ResponseHead) -> bool:
    """Whether there is no final response head at all: nothing, or interim responses only."""
    interim = response.status is not None and 100 <= response.status <= 199 and response.status != 101
    return not response.start_line.strip() or interim


def check_missing(request: RequestHead, response: ResponseHead) -> Found:
    """There is a head."""
    yield "handshake.response.missing", "the server sent no response head"


def check_refusal(request: RequestHead, response: ResponseHead) -> Found:
    """The server agrees."""
    said = f"the server answered {shown(response.start_line.strip())}"
    yield "handshake.response.refused", "; ".join((said, *_hints(request, response)))


def check_hixie76(request: RequestHead, response: ResponseHead) -> Found:
    """The server speaks the protocol of the RFC."""
    if not is_hixie76_request(request):
        yield "handshake.response.hixie76", "Sec-WebSocket-Location, and no Sec-WebSocket-Accept"


def check_line(request: RequestHead, response: ResponseHead) -> Found:
    """`HTTP/1.1 101 Switching Protocols`."""
    line = response.start_line.rstrip(b"\r\n")
    if _INTERIM.search(response.preamble):
        yield "handshake.response.interim", f"{shown(response.preamble)} comes before the response"
    elif response.preamble:
        yield "handshake.response.preamble", f"{shown(response.preamble)} comes before the response"
    if response.status != 101:
        yield "handshake.response.status", f"the status is {response.status}"
    if response.version.upper() != b"HTTP/1.1":
        yield "handshake.response.version", f"the version is {shown(response.version)}"
    if line != b"%b %03d %b" % (response.version.upper(), response.status or 0, response.reason):
        yield "handshake.response.line", f"the status line is {shown(response.start_line)}"
    if response.status == 101 and response.reason != _REASON:
        yield "handshake.response.reason", f"the reason is {shown(response.reason)}"


def check_upgrade(request: RequestHead, response: ResponseHead) -> Found:
    """Upgrade names websocket, Connection names Upgrade."""
    if "websocket" not in response.tokens("upgrade"):
        yield "handshake.response.upgrade", _said("Upgrade", response.get_all("upgrade"))
    if "upgrade" not in response.tokens("connection"):
        yield "handshake.response.connection", _said("Connection", response.get_all("connection"))


def check_accept(request: RequestHead, response: ResponseHead) -> Found:
    """The Accept answers the key."""
    accept = response.get("sec-websocket-accept")
    if not accept:
        yield (
            "handshake.response.accept-missing",
            _said("Sec-WebSocket-Accept", [] if accept is None else [b""]),
        )
        return
    fault = accept_fault(accept, client_key(request))
    if fault:
        yield "handshake.response.accept", fault


def check_body(request: RequestHead, response: ResponseHead) -> Found:
    """A 101 has no body."""
    for name in ("transfer-encoding", "content-length"):
        for value in response.get_all(name)[:1]:
            yield "handshake.response.body", f"{name.title()}: {shown(value)}"


def check_subprotocol(request: RequestHead, response: ResponseHead) -> Found:
    """At most one, and one of those offered."""
    offered = offered_subprotocols(request)
    value = next(filter(None, response.get_all("sec-websocket-protocol")), None)
    if value is None:
        if any(map(TOKEN.fullmatch, offered)):
            offers = ", ".join(map(shown, offered))
            yield "handshake.response.subprotocol-missing", f"none was selected, offered were {offers}"
    elif value not in offered:
        alias = alias_of(value, offered)
        if alias:
            yield "handshake.response.subprotocol-alias", f"{shown(value)} for {shown(alias)}"
        else:
            yield "handshake.response.subprotocol", f"{shown(value)} was selected, and not offered"


def check_extensions(request: RequestHead, response: ResponseHead) -> Found:
    """Only what was offered, each kind once, with parameters that fit the offer."""
    values = response.get_all("sec-websocket-extensions")
    offers = parse_extensions(request.get_all("sec-websocket-extensions"))
    offered, compresses = {offer.name for offer in offers}, False
    granted = parse_extensions(values)
    for extension in granted:
        if extension.name not in offered:
            yield "handshake.response.extension", f"{extension.name} was granted, and not offered"
        elif extension.compresses and compresses:
            yield "handshake.response.extension", f"{extension.name} was granted besides another compression"
        elif extension.name == DEFLATE:
            yield from _check_deflate(extension, offers)
        compresses |= extension.compresses
    usual = serialize_extensions(granted)
    if granted and len(values) == 1 and values[0] != usual and is_extension_list(values[0]):
        yield "handshake.response.extension-spelling", f"the extensions are spelt {shown(values[0])}"


RESPONSE_CHECKS: tuple[ResponseCheck, ...] = (
    check_line,
    check_upgrade,
    check_accept,
    check_body,
    check_subprotocol,
    check_extensions,
)
"""Every check of a response that is not of a field alone."""


def alias_of(subprotocol: bytes, offered: list[bytes], more: Iterable[frozenset[bytes]] = ()) -> bytes | None:
    """The offered subprotocol that this is another name of: an alias, or the same in another case.

    `more` are sets of names, in lower case, that mean the same besides those known here.
    """
    wanted = subprotocol.lower()
    known = (*SUBPROTOCOL_ALIASES, *more)
    names = frozenset({wanted}).union(*(names for names in known if wanted in names))
    return next((offer for offer in offered if offer.lower() in names), None)


def _check_deflate(granted: Extension, offers: list[Extension]) -> Found:
    faults = "; ".join(faulty_parameters(granted, granted=True))
    if faults:
        yield "handshake.response.deflate-parameter", f"{DEFLATE} was granted with {faults}"
        return
    reason = mismatch(granted, offers)
    if reason:
        yield "handshake.response.deflate-mismatch", reason
    elif granted.window_of_8:
        yield "handshake.response.window-of-8", f"granted is {granted.serialize()}"


def _ignoring_request(check: Callable[[ResponseHead], Found]) -> ResponseCheck:
    return lambda _request, response: check(response)


def _hints(request: RequestHead, response: ResponseHead) -> Iterator[str]:
    """What the refusal may be about."""
    origin, versions = request.get("origin"), response.tokens("sec-websocket-version")
    if response.status == 401:
        yield f"it wants credentials: {shown(response.get('www-authenticate') or b'')}"
    elif response.status == 403:
        yield f"it may not like the Origin {shown(origin)}" if origin else "it may want an Origin"
    elif response.status in (301, 302, 303, 307, 308):
        yield f"it moved to {shown(response.get('location') or b'')}"
    elif response.status in (400, 426) and not request.get("sec-websocket-protocol"):
        yield "it may want a subprotocol, or another spelling"
    if versions and "13" not in versions:
        yield f"it speaks the versions {', '.join(versions)} only"


def _said(name: str, values: list[bytes]) -> str:
    return f"{name} is {', '.join(map(shown, values))}" if values else f"{name} is missing"
