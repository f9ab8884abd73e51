"""What is worth knowing of the payload of a whole text message. Source: RFC 6455 section 5.6."""

import json
import re

from wsproxy.conformance.checks_frames import check_message
from wsproxy.conformance.finding import Finding
from wsproxy.protocol.frame import Side
from wsproxy.protocol.message import Message
from wsproxy.protocol.opcodes import Opcode

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SEAM = re.compile(rb"[}\]][ \t\r\n]*[{\[]")
_BEGINS_JSON = (b"{", b"[")
_MOST_DOCUMENTS = 1000


def is_ordinary(message: Message) -> bool:
    """Whether nothing at all is to be said of the message; quick."""
    _, payload, _, _, _, _, _, truncated, error = message
    if error is not None or truncated:
        return False
    if message[0] != Opcode.TEXT:
        return True
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return not (
        payload.endswith(b"\0")
        or payload.startswith(_BYTE_ORDER_MARK)
        or (payload.startswith(_BEGINS_JSON) and _SEAM.search(payload))
    )


def check_payload(message: Message, side: Side) -> list[Finding]:
    """Everything that a whole message, or what there is of one, departs from."""
    if message.error and "unfinished" in message.error:
        # Its last character may be cut off with the rest.
        message = message._replace(truncated=True)
    found = check_message(message, side)
    if message.opcode == Opcode.TEXT and not found and not message.truncated:
        notes = (*_padding(message.payload), *_documents(message.payload))
        found += [Finding(rule_id, detail, side, message.start_offset) for rule_id, detail in notes]
    return found


def _padding(payload: bytes) -> list[tuple[str, str]]:
    notes = []
    zeros = len(payload) - len(payload.rstrip(b"\0"))
    if zeros:
        notes.append(("message.nul-padding", f"{zeros} zero byte{'s' if zeros > 1 else ''} at its end"))
    if payload.startswith(_BYTE_ORDER_MARK):
        notes.append(("message.byte-order-mark", "EF BB BF before the text"))
    return notes


def _documents(payload: bytes) -> list[tuple[str, str]]:
    if not payload.startswith(_BEGINS_JSON) or not _SEAM.search(payload):
        return []
    text, position, count = payload.decode().rstrip("\0 \t\r\n"), 0, 0
    decoder = json.JSONDecoder()
    try:
        while position < len(text) and count < _MOST_DOCUMENTS:
            _, position = decoder.raw_decode(text, position)
            count += 1
            while position < len(text) and text[position] in " \t\r\n":
                position += 1
    except (ValueError, RecursionError):
        return []
    more = " or more" if position < len(text) else ""
    return [("message.several-json", f"{count}{more} JSON documents")] if count > 1 else []
