"""The opening handshake from before the RFC, and what it becomes in a bridge to the RFC's, either way.

The challenge of a request, 8 bytes, and the answer of a response, 16 bytes, stand behind their heads and are
taken for a part of them here.

Source: draft-hixie-thewebsocketprotocol-76 sections 4.1 and 5.2.
"""

from hashlib import md5, sha256

from wsproxy.conformance.head_draft import CRLF, HeadDraft
from wsproxy.protocol.handshake import Head, RequestHead, ResponseHead, parse_request_head

KEYS = ("sec-websocket-key1", "sec-websocket-key2")
CHALLENGE_BYTES, ANSWER_BYTES = 8, 16

_ORIGIN, _LOCATION = b"Sec-WebSocket-Origin", b"Sec-WebSocket-Location"
_STATUS_LINE = b"HTTP/1.1 101 WebSocket Protocol Handshake" + CRLF
_OF_THE_RFC = (
    b"sec-websocket-key",
    b"sec-websocket-version",
    b"sec-websocket-extensions",
    b"sec-websocket-accept",
)


def is_hixie76_request(request: RequestHead) -> bool:
    """Whether the client speaks hixie-76, and not the RFC as well."""
    return any(request.get_all(name) for name in KEYS) and not request.get("sec-websocket-key")


def is_hixie76_response(response: ResponseHead) -> bool:
    """Whether the server does: it says its location, and answers no key of the RFC."""
    return bool(response.get_all(_LOCATION.decode())) and not response.get_all("sec-websocket-accept")


def answer_challenge(request: RequestHead) -> bytes | None:
    """The 16 bytes that answer the request; None if it is no right one. Source: section 5.2."""
    challenge = request.end.partition(b"\n")[2][:CHALLENGE_BYTES]
    numbers = [_number(request, name) for name in KEYS]
    if len(challenge) < CHALLENGE_BYTES or None in numbers:
        return None
    words = b"".join(((number or 0) & 0xFFFFFFFF).to_bytes(4) for number in numbers)
    return md5(words + challenge, usedforsecurity=False).digest()


def request_of_the_rfc(request: RequestHead, key: bytes) -> bytes:
    """What asks a server of the RFC for the same as a hixie-76 request."""
    draft = _draft(request)
    for name in KEYS:
        draft.drop(name.encode())
    draft.set(b"Upgrade", b"websocket")
    draft.set(b"Sec-WebSocket-Key", key)
    draft.set(b"Sec-WebSocket-Version", b"13")
    return draft.serialize()


def response_of_the_rfc(response: ResponseHead) -> bytes:
    """What a hixie-76 response is to a client of the RFC, still without an Accept."""
    draft = _draft(response)
    draft.drop(_ORIGIN)
    draft.drop(_LOCATION)
    draft.set(b"Upgrade", b"websocket")
    return draft.serialize()


def hixie76_request(request: RequestHead, key: bytes) -> bytes:
    """What asks a hixie-76 server for the same as a request of the RFC; the keys are made from `key`."""
    seed = sha256(key).digest()
    draft = _draft(request)
    for name in _OF_THE_RFC:
        draft.drop(name)
    draft.set(b"Upgrade", b"WebSocket")
    draft.set(b"Sec-WebSocket-Key1", _new_key(seed[:5]))
    draft.set(b"Sec-WebSocket-Key2", _new_key(seed[5:10]))
    if not draft.get_all(b"origin"):
        draft.set(b"Origin", b"http://" + (request.get("host") or b"localhost"))
    return draft.serialize() + seed[-CHALLENGE_BYTES:]


def hixie76_response(response: ResponseHead, request: RequestHead, answer: bytes, *, secure: bool) -> bytes:
    """What a response of the RFC is to the client that sent the hixie-76 `request`."""
    draft = _draft(response)
    for name in _OF_THE_RFC:
        draft.drop(name)
    draft.start_line = _STATUS_LINE
    draft.set(b"Upgrade", b"WebSocket")
    draft.set(_ORIGIN, request.get("origin") or b"null")
    scheme = b"wss://" if secure else b"ws://"
    target = parse_request_head(request.start_line).target or b"/"
    draft.set(_LOCATION, scheme + (request.get("host") or b"localhost") + target)
    return draft.serialize() + answer


def _draft(head: Head) -> HeadDraft:
    """A draft without what follows the head."""
    draft = HeadDraft.of(head)
    draft.end = CRLF
    return draft


def _number(request: RequestHead, name: str) -> int | None:
    """The number in a key: its digits, divided by how many spaces it has. White space around it counts."""
    field = next((field for field in request.fields if field.key == name.encode()), None)
    value = b"" if field is None else field.raw.partition(b":")[2].rstrip(b"\r\n").removeprefix(b" ")
    digits = bytes(byte for byte in value if byte in b"0123456789")
    spaces = value.count(b" ")
    return int(digits) // spaces if 0 < len(digits) <= 20 and spaces else None


def _new_key(seed: bytes) -> bytes:
    """A key: a number, spaces among its digits and letters around it. Source: section 4.1 steps 16-24."""
    spaces = seed[4] % 12 + 1
    digits = str(int.from_bytes(seed[:4]) // spaces * spaces).zfill(2)
    return b"W" + digits[:1].encode() + b" " * spaces + digits[1:].encode() + b"x"
