"""Payload data that says nothing once it is unmasked, and something as it came: its key was not applied.

Source: RFC 6455 sections 5.3 and 7.4.
"""

from wsproxy.conformance.utf8_stream import is_readable, is_utf8
from wsproxy.protocol.masking import apply_mask_from_start
from wsproxy.protocol.opcodes import ASSIGNED_CLOSE_CODES


def may_be_sent(code: int) -> bool:
    """Whether a close code may go on the wire (RFC 6455 section 7.4.2)."""
    return code in ASSIGNED_CLOSE_CODES or 3000 <= code <= 4999


def code_in_four_bytes(payload: bytes) -> int | None:
    """The close code, if it was written in four bytes, as an integer of 32 bits is."""
    code = int.from_bytes(payload[2:4])
    return code if payload[:2] == b"\0\0" and may_be_sent(code) else None


def close_in_clear(payload: bytes, key: bytes | None) -> bytes | None:
    """What a Close frame says if its key was not applied; None unless only that makes sense. Case P19."""
    if not key or len(payload) < 2 or _is_close(payload):
        return None
    as_it_came = apply_mask_from_start(payload, key)
    return as_it_came if _is_close(as_it_came) else None


def text_in_clear(payload: bytes, key: bytes | None) -> bytes | None:
    """What a text says if its key was not applied; None unless only that makes sense."""
    if not key or is_utf8(payload):
        return None
    as_it_came = apply_mask_from_start(payload, key)
    return as_it_came if is_readable(as_it_came) else None


def _is_close(payload: bytes) -> bool:
    return may_be_sent(int.from_bytes(payload[:2])) and is_readable(payload[2:])
