"""Sec-WebSocket-Key and Sec-WebSocket-Accept: what is wrong with them, in words.

Source: RFC 6455 sections 4.1 and 4.2.2.
"""

from base64 import b64decode, b64encode
from binascii import Error
from hashlib import md5, sha1

from wsproxy.protocol.handshake import ACCEPT_GUID, compute_accept

_OTHER_GUID = b"258EAFA5-E914-47DA-95CA-5AB9DC11B5AB"
_KEY_BYTES, _ACCEPT_BYTES = 16, 20


def key_fault(key: bytes | None) -> str | None:
    """What is wrong with a key, or None."""
    if key is None:
        return "Sec-WebSocket-Key is missing"
    if not key:
        return "Sec-WebSocket-Key is empty"
    decoded = _decoded(key)
    if decoded is None:
        return f"Sec-WebSocket-Key {_shown(key)} is not Base64"
    if len(decoded) != _KEY_BYTES:
        return f"Sec-WebSocket-Key {_shown(key)} is {len(decoded)} bytes in Base64, not {_KEY_BYTES}"
    return None


def accept_fault(accept: bytes, key: bytes) -> str | None:
    """Why an Accept does not answer the key, or None; known wrong computations are named."""
    if accept == compute_accept(key):
        return None
    seen = f"Sec-WebSocket-Accept {_shown(accept)}"
    for known, how in _wrong_answers(key):
        if accept == known:
            return f"{seen} {how}"
    decoded = _decoded(accept)
    if decoded is None or len(decoded) != _ACCEPT_BYTES:
        return f"{seen} is not {_ACCEPT_BYTES} bytes in Base64"
    return f"{seen} answers another key, not {_shown(key)}"


def answer_as(accept: bytes, key: bytes, other_key: bytes) -> bytes | None:
    """The answer to `other_key`, computed, rightly or wrongly, as `accept` was for `key`; None if that is not
    known.
    """
    if accept == compute_accept(key):
        return compute_accept(other_key)
    for (known, _), (answer, _) in zip(_wrong_answers(key), _wrong_answers(other_key), strict=True):
        if accept == known:
            return answer
    return None


def _wrong_answers(key: bytes) -> list[tuple[bytes, str]]:
    raw = _decoded(key) or b""
    whole = sha1(key + ACCEPT_GUID, usedforsecurity=False)
    return [
        (compute_accept(b""), "answers an empty key: the server saw none"),
        (_answer(key + _OTHER_GUID), f"was computed with the wrong GUID {_OTHER_GUID.decode()}"),
        (_answer(key + ACCEPT_GUID.lower()), "was computed with the GUID in lower case"),
        (_answer(raw + ACCEPT_GUID), "was computed from the decoded key"),
        (_answer(key), "was computed without the GUID"),
        (_answer(key + b"\r\n" + ACCEPT_GUID), "was computed from the key with its line end"),
        (_answer(key + b"\r" + ACCEPT_GUID), "was computed from the key with a CR behind it"),
        (_answer(b" " + key + ACCEPT_GUID), "was computed from the key with the space before it"),
        (b64encode(whole.hexdigest().encode()), "is the hash in hexadecimal, in Base64"),
        (whole.hexdigest().encode(), "is the hash in hexadecimal, not in Base64"),
        (b64encode(md5(key + ACCEPT_GUID, usedforsecurity=False).digest()), "was computed with MD5"),
        (key, "repeats the key"),
        (compute_accept(key).rstrip(b"="), "lacks the padding of its Base64"),
        (compute_accept(key).lower(), "is the right one in lower case"),
        (compute_accept(key).upper(), "is the right one in upper case"),
        (compute_accept(key).translate(bytes.maketrans(b"+/", b"-_")), "is in URL-safe Base64"),
        (b'"' + compute_accept(key) + b'"', "is in quotes"),
        *(
            (_answer(key[:-cut] + ACCEPT_GUID), f"answers the key without its last {cut}")
            for cut in range(1, 13)
        ),
    ]


def _answer(data: bytes) -> bytes:
    return b64encode(sha1(data, usedforsecurity=False).digest())


def _decoded(text: bytes) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except (Error, ValueError):
        return None


def _shown(value: bytes) -> str:
    text = value.decode("ascii", "backslashreplace")
    return text if len(text) <= 80 else text[:77] + "..."
