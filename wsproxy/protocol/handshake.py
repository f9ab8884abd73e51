"""The opening handshake: who asks for it, who grants it, and what the two agreed on.

Reading heads, finding their end and patching them live in modules of their own and can be had from here.

Source: RFC 6455 sections 1.3, 4 and 9.1; RFC 7692 section 5.
"""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha1

from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.head_patch import patch_head
from wsproxy.protocol.head_reader import HEAD_LIMIT, HeadReader
from wsproxy.protocol.heads import (
    Head,
    HeaderField,
    RequestHead,
    ResponseHead,
    field_key,
    parse_request_head,
    parse_response_head,
)

__all__ = [
    "HEAD_LIMIT",
    "Head",
    "HeadReader",
    "HeaderField",
    "Negotiated",
    "RequestHead",
    "ResponseHead",
    "compute_accept",
    "field_key",
    "is_upgrade_request",
    "is_upgrade_response",
    "negotiate",
    "parse_request_head",
    "parse_response_head",
    "patch_head",
]

ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What the response settled: subprotocol, extensions, and how messages are compressed; None: nothing."""

    subprotocol: str | None = None
    extensions: str | None = None
    deflate: DeflateParameters | None = None


def compute_accept(key: bytes) -> bytes:
    """The Sec-WebSocket-Accept value for a Sec-WebSocket-Key value. Source: RFC 6455 section 4.2.2."""
    return b64encode(sha1(key.strip() + ACCEPT_GUID, usedforsecurity=False).digest())


def is_upgrade_request(request: RequestHead) -> bool:
    """Whether the client asks for a WebSocket: `websocket` in its Upgrade, or any Sec-WebSocket-* field.

    The second for requests an intermediary took Upgrade and Connection from. Source: RFC 6455 section 4.1.
    """
    return _names_websocket(request) or any(
        field.key.startswith(b"sec-websocket-") for field in request.fields
    )


def is_upgrade_response(request: RequestHead, response: ResponseHead) -> bool:
    """Whether the two sides speak WebSocket from here on. Source: RFC 6455 section 4.2.2.

    So after a 101 that names WebSocket, or names no protocol while the request asked for WebSocket; and after
    a 2xx, or a status line without a status, that names it, to such a request. A Sec-WebSocket-Accept names
    it, too: nothing but a WebSocket has one.
    """
    names_it = _names_websocket(response)
    if response.status == 101 and not response.tokens("upgrade"):
        return is_upgrade_request(request)
    if response.status == 101 and names_it:
        return True
    accepts = bool(response.get("sec-websocket-accept"))
    successful = response.status is None or response.status == 101 or 200 <= response.status <= 299
    return successful and (names_it or accepts) and is_upgrade_request(request)


def negotiate(response: ResponseHead) -> Negotiated:
    """What the response says was agreed, whether or not the request offered it; never raises.

    Source: RFC 6455 sections 4.2.2 and 9.1, RFC 7692 section 5.
    """
    subprotocol = next(filter(None, response.get_all("sec-websocket-protocol")), b"")
    extensions = _text(b", ".join(filter(None, response.get_all("sec-websocket-extensions"))))
    return Negotiated(
        _text(subprotocol), extensions, DeflateParameters.from_extension_header(extensions or "")
    )


def _names_websocket(head: Head) -> bool:
    return any(token.partition("/")[0] == "websocket" for token in head.tokens("upgrade"))


def _text(value: bytes) -> str | None:
    return value.decode("utf-8", "backslashreplace") or None
