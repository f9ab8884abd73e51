"""Repairs of what a Close frame says.

Source: RFC 6455 sections 5.5.1 and 7.4.
"""

from wsproxy.conformance.conditions import Conditions, Draft
from wsproxy.conformance.in_clear import close_in_clear, code_in_four_bytes, may_be_sent
from wsproxy.conformance.utf8_stream import is_utf8
from wsproxy.protocol.opcodes import ASSIGNED_CLOSE_CODES, LOCAL_CLOSE_CODES, Opcode

REASON_LIMIT = 123
NORMAL, INVALID_DATA, TOO_BIG, INTERNAL_ERROR = 1000, 1007, 1009, 1011

_NO_STATUS = 1005


def close_payload(code: int | None, reason: bytes = b"") -> bytes:
    """The payload data of a Close frame; a reason is made UTF-8 and cut where a character ends."""
    if code is None:
        return b"" if not reason else close_payload(NORMAL, reason)
    return code.to_bytes(2) + cut_text(reason, REASON_LIMIT)


def cut_text(text: bytes, limit: int) -> bytes:
    """As UTF-8, at most `limit` bytes of it, no character cut in two."""
    mended = text
    try:
        text.decode()
    except UnicodeDecodeError as error:
        cut_off = error.reason == "unexpected end of data"
        mended = text[: error.start] if cut_off else text.decode("utf-8", "replace").encode()
    return mended if len(mended) <= limit else mended[:limit].decode("utf-8", "ignore").encode()


def one_byte(draft: Draft, _: Conditions) -> bool:
    """A lone byte is no close code. RFC 6455 section 5.5.1; case K06."""
    if len(draft.payload) != 1:
        return False
    draft.payload = b""
    return True


def payload_in_clear(draft: Draft, _: Conditions) -> bool:
    """A masking key is there, but was not applied: only the bytes as they came make a code and a reason.

    RFC 6455 section 5.3; case P19.
    """
    frame = draft.frame
    as_it_came = close_in_clear(frame.payload, frame.masking_key)
    if as_it_came is None:
        return False
    draft.payload = as_it_came
    return True


def reserved_code(draft: Draft, _: Conditions) -> bool:
    """1005 says that there was no code, 1006 and 1015 that there was no Close.

    RFC 6455 section 7.4.1; cases K02 K03 K11 K17 K18 K19 K21 K22.
    """
    code, reason = _read(draft)
    if code not in LOCAL_CLOSE_CODES:
        return False
    draft.payload = close_payload(None if code == _NO_STATUS else INTERNAL_ERROR, reason)
    return True


def invalid_code(draft: Draft, _: Conditions) -> bool:
    """A code outside 1000 to 4999: read as what it was meant to be, where that is clear.

    Its digits as text (K01), its bytes swapped (K25 K26), its high byte lost (K27), in four bytes, zero for
    none (K05 F13), no code but only a reason (K06), or else nothing one can know (K07).

    RFC 6455 section 7.4.2.
    """
    code, _reason = _read(draft)
    if code is None or 1000 <= code <= 4999:
        return False
    draft.payload = close_payload(*_meant(draft.payload))
    return True


def unassigned_code(draft: Draft, _: Conditions) -> bool:
    """A reserved code that was never assigned. RFC 6455 section 7.4.2; case K11."""
    code, reason = _read(draft)
    if code is None or not 1000 <= code <= 2999 or code in ASSIGNED_CLOSE_CODES or code in LOCAL_CLOSE_CODES:
        return False
    draft.payload = close_payload(INTERNAL_ERROR, reason)
    return True


def reason_not_utf8(draft: Draft, _: Conditions) -> bool:
    """A reason cut in the middle of a character, or not UTF-8 at all.

    RFC 6455 section 5.5.1; cases K13 K14 K23 C06.
    """
    code, reason = _read(draft)
    if code is None or is_utf8(reason) or code_in_four_bytes(draft.payload) is not None:
        return False
    draft.payload = close_payload(code, reason)
    return True


def code_not_known(draft: Draft, conditions: Conditions) -> bool:
    """A code the receiver refuses (option `close_codes`). RFC 6455 section 7.4.2; case K09."""
    code, reason = _read(draft)
    known = conditions.taken_by("close_codes").get(str(code))
    if known is None:
        return False
    draft.payload = close_payload(known, reason)
    return True


def empty_close(draft: Draft, conditions: Conditions) -> bool:
    """No code, for a receiver that needs one (option `close_with_code`). Cases K10 K29."""
    if draft.payload or not conditions.taken_by("close_with_code"):
        return False
    draft.payload = close_payload(NORMAL)
    return True


def _read(draft: Draft) -> tuple[int | None, bytes]:
    payload = draft.payload
    if draft.opcode != Opcode.CLOSE or len(payload) < 2:
        return None, b""
    return int.from_bytes(payload[:2]), payload[2:]


def _meant(payload: bytes) -> tuple[int | None, bytes]:
    digits, swapped = payload[:4], int.from_bytes(payload[:2], "little")
    if len(digits) == 4 and digits.isdigit() and may_be_sent(int(digits)):
        return int(digits), payload[4:].lstrip()
    if may_be_sent(swapped):
        return swapped, payload[2:].removeprefix(b"\0\0")
    if payload[0] == 0 and payload[1] >= NORMAL & 0xFF and may_be_sent(0x300 + payload[1]):
        return 0x300 + payload[1], payload[2:]
    wide = code_in_four_bytes(payload)
    if wide is not None:
        return wide, payload[4:]
    if payload[:2] == b"\0\0":
        return None, payload[2:].strip(b"\0")
    if is_utf8(payload) and payload.decode().isprintable():
        return NORMAL, payload
    return INTERNAL_ERROR, payload[2:]
