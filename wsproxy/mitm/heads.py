"""Raw heads through mitmproxy's strict parser.

mitmproxy reads an opening handshake strictly and writes it anew. So it is shown a tidy view of each head of
an opening handshake, one line per header field, while the exact bytes stay attached to its message. What goes
on are those bytes, patched only where an addon (or mitmproxy itself, as a proxy must) has changed the
message.

Relies on `http1.assemble_request_head` and `assemble_response_head` writing one line per field, in order.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, cast

from mitmproxy import http
from mitmproxy.net.http import http1

from wsproxy.protocol.handshake import (
    Head,
    HeaderField,
    RequestHead,
    ResponseHead,
    is_upgrade_request,
    is_upgrade_response,
    parse_request_head,
    patch_head,
)

_ATTRIBUTE = "wsproxy_head"
_NOT_IN_NAME = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9a-zA-Z]")
_NAMELESS = b"X-Wsproxy-Nameless"
_HIDDEN = (b"content-length", b"transfer-encoding", b"expect")
_HIDING = b"X-Wsproxy-"
_VERSION_KEY = b"sec-websocket-version"
_NOT_ASCII = re.compile(rb"[^\x20-\x7e]")
_VERSION = re.compile(rb"HTTP/\d\.\d")
_ANY_SCHEME = re.compile(rb"\A(\S+ )https?://")
_WEBSOCKET_SCHEME = re.compile(rb"(?:ws|http)(s?)://(?:[^/?#@]*@)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RawHead:
    """The exact bytes of a head, and how mitmproxy wrote the view of it that it was shown.

    `gone` bytes at its beginning (interim responses) have been sent on already. `broken`: its end never
    came, or too late. `sent` is what goes on in its place, where that is known already.
    """

    raw: bytes
    shown: bytes
    gone: int = 0
    broken: bool = False
    sent: bytes | None = None


def keep_raw(message: http.Message, raw: bytes, gone: int = 0, *, broken: bool = False) -> None:
    """Attach the exact bytes of its head to a message that was just parsed."""
    setattr(message, _ATTRIBUTE, RawHead(raw, _assemble(message), gone, broken))


def keep_sent(message: http.Message, data: bytes) -> None:
    """Have `data` go on in place of the head of a message that has a raw one."""
    head = raw_head(message)
    if head is not None:
        setattr(message, _ATTRIBUTE, replace(head, sent=data))


def raw_head(message: http.Message | None) -> RawHead | None:
    """What `keep_raw` attached: present on both messages of an opening handshake."""
    head: RawHead | None = getattr(message, _ATTRIBUTE, None)
    return head


def append_raw(message: http.Message, data: bytes) -> None:
    """Add to the exact bytes of a head what belongs to it though it came later: a body."""
    if (head := raw_head(message)) is not None:
        setattr(message, _ATTRIBUTE, replace(head, raw=head.raw + data))


def carry_over(head: RawHead | None, message: http.Message) -> None:
    """Attach the raw head of the message that `message` was put in place of by an addon."""
    if head is not None and raw_head(message) is None:
        setattr(message, _ATTRIBUTE, head)


def head_to_send(message: http.Message) -> bytes | None:
    """The head as it goes on, interim responses included; None for a message that has no raw head."""
    head = raw_head(message)
    if head is None or head.sent is not None:
        return None if head is None else head.sent
    # mitmproxy makes the scheme of a whole URL that of its own connection; the server is asked as it came.
    shown, now = (_ANY_SCHEME.sub(rb"\1http://", each, count=1) for each in (head.shown, _assemble(message)))
    return patch_head(head.raw, shown, now)


def _assemble(message: http.Message) -> bytes:
    untyped = cast(Any, http1)
    is_request = isinstance(message, http.Request)
    return bytes((untyped.assemble_request_head if is_request else untyped.assemble_response_head)(message))


def upgrade_request(raw: bytes) -> RequestHead | None:
    """The request, if it asks for a WebSocket; None for plain HTTP and CONNECT."""
    request = parse_request_head(raw)
    wanted = is_upgrade_request(request) and request.method.upper() != b"CONNECT"
    return request if wanted else None


def request_view(request: RequestHead) -> list[bytes]:
    """The lines of an upgrade request as mitmproxy's parser accepts them.

    What speaks of a body goes by another name: mitmproxy would wait for it, and answer for the device.
    """
    target = re.sub(rb"\s", b"%20", _WEBSOCKET_SCHEME.sub(rb"http\1://", request.target, count=1))
    if not target.startswith(b"/") and target != b"*" and b"://" not in target:
        target = b"/" + target
    return [b" ".join((request.method, target, _version(request.version))), *_request_field_lines(request)]


def response_view(request: RequestHead, response: ResponseHead) -> list[bytes]:
    """The lines of the response to an upgrade request as mitmproxy's parser accepts them.

    Whatever turns the connection into a WebSocket shows as 101, and so does a response without a status that
    can be read: what follows it can only be relayed.
    """
    status = response.status
    if status is None or is_upgrade_response(request, response):
        status = 101
    return [b"%s %d %s" % (_version(response.version), status, response.reason), *_field_lines(response)]


def headless_view() -> list[bytes]:
    """What mitmproxy is shown where a device sends no response head at all."""
    return [b"HTTP/1.1 101 "]


def plain_view(head: Head) -> list[bytes]:
    """The lines of a head that is no part of an opening handshake, as they came: mitmproxy judges them."""
    lines = b"".join((head.start_line, *(field.raw for field in head.fields))).split(b"\n")[:-1]
    return [line.removesuffix(b"\r") for line in lines]


def _version(version: bytes) -> bytes:
    version = version.upper()
    return version if _VERSION.fullmatch(version) else b"HTTP/1.1"


def _request_field_lines(request: RequestHead) -> list[bytes]:
    return [
        (_HIDING if field.key in _HIDDEN else b"") + line
        for field, line in zip(request.fields, _field_lines(request), strict=True)
    ]


def _field_lines(head: Head) -> list[bytes]:
    return [_field_line(field) for field in head.fields]


def _field_line(field: HeaderField) -> bytes:
    # mitmproxy reads the version as UTF-8, and stumbles over what is not.
    value = _NOT_ASCII.sub(b"?", field.value) if field.key == _VERSION_KEY else field.value
    return (_NOT_IN_NAME.sub(b"", field.name) or _NAMELESS) + b": " + value
