"""Mending the request of an opening handshake. Source: RFC 6455 sections 4.1 and 9.1."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from urllib.parse import quote_from_bytes

from wsproxy.conformance.checks_fields import TOKEN, shown, tidy_list
from wsproxy.conformance.checks_request import HOST, ORIGIN, client_key
from wsproxy.conformance.extensions import faulty_parameters, parse_extensions, serialize_extensions
from wsproxy.conformance.head_draft import CRLF, HeadDraft
from wsproxy.conformance.repairs_fields import (
    Adaptation,
    HeadContext,
    HeadRepair,
    mend_connection,
    mend_preamble,
)
from wsproxy.protocol.handshake import RequestHead, parse_request_head
from wsproxy.protocol.request_body import RequestBody

_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*://([^/?#]*)", re.ASCII)
_SAFE_IN_TARGET = "/?%!$&'()*+,;=:@-._~[]{}|\\^`\"<>"
_NO_ORIGIN = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*://")
_COMPATIBLE_VERSIONS = frozenset({*range(7, 18), 6455})
_VERSION = re.compile(rb"[^0-9]*?0*([0-9]+)(?:\.0*)?[^0-9]*")
_OTHER_PROTOCOLS = frozenset({"h2c", "h2", "h3", "http", "https", "tls", "irc", "ssh", "rtsp"})
_KEEP = "keep"


def mend_line(draft: HeadDraft, context: HeadContext) -> None:
    """One space between the parts, upper case, HTTP/1.1."""
    request = _request(draft)
    target = re.sub(rb"\s", b"%20", request.target) or b"/"
    draft.start_line = b" ".join((request.method.upper(), target, b"HTTP/1.1")) + CRLF


def mend_method(draft: HeadDraft, context: HeadContext) -> None:
    """GET, for a request that has a key: there is nothing else that it could mean."""
    request = _request(draft, whole=True)
    if client_key(request) and request.method.upper() != b"CONNECT":
        draft.start_line = b"GET" + draft.start_line[draft.start_line.index(request.method) :].removeprefix(
            request.method
        )


def mend_target(draft: HeadDraft, context: HeadContext) -> None:
    """A path and its query; what else a URL has is said by Host, or stays with the client."""
    request = _request(draft)
    target = _ABSOLUTE.sub(b"", request.target.strip(b"\"'"), count=1).partition(b"#")[0]
    for host in filter(None, draft.get_all(b"host")):
        target = target.removeprefix(host)
    path = quote_from_bytes(target, safe=_SAFE_IN_TARGET).encode()
    path = path if path.startswith(b"/") else b"/" + path
    version = request.version or b"HTTP/1.1"
    draft.start_line = b" ".join((request.method, path, version)) + CRLF


def mend_host(draft: HeadDraft, context: HeadContext) -> None:
    """The host of the URL that stands for it, else of the target, else the server's address."""
    candidates = [*draft.get_all(b"host"), context.request.target, context.authority]
    for candidate in candidates:
        match = _ABSOLUTE.match(candidate)
        host = (match[1] if match else candidate).rpartition(b"@")[2]
        if HOST.fullmatch(host):
            draft.drop(b"host")
            draft.insert(0, b"Host", host)
            return


def mend_upgrade(draft: HeadDraft, context: HeadContext) -> None:
    """websocket, unless another protocol is named that there is."""
    named = {token.partition("/")[0] for token in _request(draft, whole=True).tokens("upgrade")}
    if not named & _OTHER_PROTOCOLS:
        draft.set(b"Upgrade", b"websocket")


def mend_stripped(draft: HeadDraft, context: HeadContext) -> None:
    """Both are there again, if the rest asks for a WebSocket."""
    if draft.get_all(b"sec-websocket-key") and draft.get_all(b"sec-websocket-version"):
        mend_upgrade(draft, context)
        mend_connection(draft, context)


def mend_key(draft: HeadDraft, context: HeadContext) -> None:
    """A key of our own; the client gets the answer to its own."""
    if context.fresh_key:
        draft.set(b"Sec-WebSocket-Key", context.fresh_key)


def mend_version(draft: HeadDraft, context: HeadContext) -> None:
    """13, for drafts that frame alike, by their own number or the protocol's, and however it is written."""
    values = draft.get_all(b"sec-websocket-version")
    matches = [_VERSION.fullmatch(each) for value in values for each in value.split(b",") if each.strip()]
    versions = [int(match[1][:9]) if match else 0 for match in matches]
    if 13 in versions or all(version in _COMPATIBLE_VERSIONS for version in versions):
        draft.set(b"Sec-WebSocket-Version", b"13")


def mend_not_websocket(draft: HeadDraft, context: HeadContext) -> None:
    """Key and version, for a request that has neither."""
    mend_key(draft, context)
    mend_version(draft, context)


def mend_origin(draft: HeadDraft, context: HeadContext) -> None:
    """Without a path, and under its name of today; `null` where there is no host; none for an empty one."""
    origin = (draft.get_all(b"origin") or draft.get_all(b"sec-websocket-origin") or [b""])[0]
    if not origin:
        draft.drop(b"origin")
        draft.drop(b"sec-websocket-origin")
    match = ORIGIN.match(origin) or _NO_ORIGIN.fullmatch(origin)
    if match:
        _rename_origin(draft)
        draft.set(b"Origin", match[0] if match.re is ORIGIN else b"null")


def mend_subprotocols(draft: HeadDraft, context: HeadContext) -> None:
    """Distinct tokens only."""
    elements = b",".join(draft.get_all(b"sec-websocket-protocol")).split(b",")
    tokens = dict.fromkeys(each.strip() for each in elements)
    _set_or_drop(draft, b"Sec-WebSocket-Protocol", b", ".join(filter(TOKEN.fullmatch, tokens)))


def mend_extension_spelling(draft: HeadDraft, context: HeadContext) -> None:
    """The usual spelling."""
    offers = parse_extensions(draft.get_all(b"sec-websocket-extensions"))
    _set_or_drop(draft, b"Sec-WebSocket-Extensions", serialize_extensions(offers))


def mend_deflate_parameter(draft: HeadDraft, context: HeadContext) -> None:
    """A faulty offer is not made; a server would have to decline it."""
    offers = parse_extensions(draft.get_all(b"sec-websocket-extensions"))
    sound = [offer for offer in offers if not faulty_parameters(offer, granted=False)]
    _set_or_drop(draft, b"Sec-WebSocket-Extensions", serialize_extensions(sound))


def mend_body(draft: HeadDraft, context: HeadContext) -> None:
    """Not announced, and not sent on either, where the request tells its bytes from what comes behind."""
    body = RequestBody(context.request)
    if body.told or body.complete:
        draft.drop(b"content-length")
        draft.drop(b"transfer-encoding")


def mend_order(draft: HeadDraft, context: HeadContext) -> None:
    """Host first; the key before the field that was before it."""
    hosts = [field for field in draft.fields if field.key == b"host"]
    others = [field for field in draft.fields if field.key != b"host"]
    if others and others[-1].key == b"sec-websocket-key" and len(others) > 1:
        others[-2:] = reversed(others[-2:])
    draft.fields = [*hosts, *others]


REQUEST_REPAIRS: Mapping[str, HeadRepair] = MappingProxyType(
    {
        "handshake.request.preamble": mend_preamble,
        "handshake.request.foreign-bytes": mend_preamble,
        "handshake.request.host": mend_host,
        "handshake.request.target": mend_target,
        "handshake.request.line": mend_line,
        "handshake.request.version": mend_line,
        "handshake.request.method": mend_method,
        "handshake.request.stripped": mend_stripped,
        "handshake.request.upgrade": mend_upgrade,
        "handshake.request.connection": mend_connection,
        "handshake.request.not-websocket": mend_not_websocket,
        "handshake.request.key": mend_key,
        "handshake.request.websocket-version": mend_version,
        "handshake.request.origin": mend_origin,
        "handshake.request.subprotocol": mend_subprotocols,
        "handshake.request.deflate-parameter": mend_deflate_parameter,
        "handshake.request.extension-spelling": mend_extension_spelling,
        "handshake.request.body": mend_body,
        "handshake.request.order": mend_order,
    }
)
"""What mends a departure from each of these rules, in the order in which they are applied."""


def adapt_host(draft: HeadDraft, context: HeadContext) -> Iterator[str]:
    """Host with the server's port, or without any. Option `host_port`."""
    wanted, host = context.receiver("host_port"), next(iter(draft.get_all(b"host")), b"")
    name, port = _split_port(host)
    if wanted == "with" and not port:
        port = _split_port(context.authority)[1]
    elif wanted == "without":
        port = b""
    changed = name + (b":" + port if port else b"")
    if wanted != _KEEP and host and changed != host:
        yield f"the server wants it {wanted} a port: {shown(host)}"
        draft.set(b"Host", changed)


def adapt_origin(draft: HeadDraft, context: HeadContext) -> Iterator[str]:
    """Another Origin, or none. Option `origin`."""
    yield from _adapt(draft, context, "origin", b"Origin")


def adapt_subprotocols(draft: HeadDraft, context: HeadContext) -> Iterator[str]:
    """Other subprotocols, or none. Option `subprotocols`."""
    yield from _adapt(draft, context, "subprotocols", b"Sec-WebSocket-Protocol")


def adapt_extensions(draft: HeadDraft, context: HeadContext) -> Iterator[str]:
    """Another offer of extensions, or none. Option `extensions`."""
    yield from _adapt(draft, context, "extensions", b"Sec-WebSocket-Extensions")


REQUEST_ADAPTATIONS: Mapping[str, Adaptation] = MappingProxyType(
    {
        "handshake.request.host-port": adapt_host,
        "handshake.request.origin-not-wanted": adapt_origin,
        "handshake.request.subprotocol-not-wanted": adapt_subprotocols,
        "handshake.request.extension-not-wanted": adapt_extensions,
    }
)
"""What a server wants of a request that the RFC does not ask for, by the rule it goes under."""


def _adapt(draft: HeadDraft, context: HeadContext, option: str, name: bytes) -> Iterator[str]:
    wanted = str(context.receiver(option))
    value = wanted.encode("latin-1", "replace")
    if name == b"Sec-WebSocket-Protocol":
        value = tidy_list(value, str(context.receiver("comma")).encode("latin-1", "replace"))
    values = draft.get_all(name)
    if wanted == _KEEP or values == ([value] if value else []):
        return
    came = ", ".join(map(shown, values)) or "none"
    yield f"the server wants {shown(value) if value else 'none'}; {name.decode()} was {came}"
    _set_or_drop(draft, name, value)


def _set_or_drop(draft: HeadDraft, name: bytes, value: bytes) -> None:
    if value:
        draft.set(name, value)
    else:
        draft.drop(name)


def _rename_origin(draft: HeadDraft) -> None:
    places = [i for i, field in enumerate(draft.fields) if field.key == b"sec-websocket-origin"]
    if places and not draft.get_all(b"origin"):
        draft.insert(places[0], b"Origin", draft.fields[places[0]].value)
    draft.drop(b"sec-websocket-origin")


def _split_port(host: bytes) -> tuple[bytes, bytes]:
    name, colon, port = host.rpartition(b":")
    has_port = colon and port.isdigit() and (b":" not in name or name.endswith(b"]"))
    return (name, port) if has_port else (host, b"")


def _request(draft: HeadDraft, *, whole: bool = False) -> RequestHead:
    return parse_request_head(draft.serialize() if whole else draft.start_line)
