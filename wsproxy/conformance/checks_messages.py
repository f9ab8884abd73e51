"""What is worth knowing of the payload of a whole text message. Source: RFC 6455 section 5.6."""

import json
import re

from wsproxy.conformance.charset import guess_wide
from wsproxy.conformance.checks_frames import check_message, compressed_unasked
from wsproxy.conformance.finding import Finding
from wsproxy.conformance.in_clear import text_in_clear
from wsproxy.conformance.json_depth import JsonDepth
from wsproxy.protocol.frame import Frame, Side
from wsproxy.protocol.masking import apply_mask_from_start
from wsproxy.protocol.message import Message
from wsproxy.protocol.opcodes import Opcode

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SEAM = re.compile(rb"[}\]][ \t\r\n]*[{\[]")
_BEGINS_JSON, _ENDS_JSON = (b"{", b"["), (b"}", b"]")
_MOST_DOCUMENTS = 1000
_MOST_SPLIT = 1 << 24


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
        or (
            payload.startswith(_BEGINS_JSON)
            and (not payload.endswith(_ENDS_JSON) or _SEAM.search(payload) is not None)
        )
    )


def check_payload(message: Message, side: Side, last: Frame | None = None) -> list[Finding]:
    """Everything that a whole message, or what there is of one, departs from. `last` is its last frame."""
    misread = _misread(message, last)
    if misread is not None:
        return [Finding(*misread, side, message.start_offset)]
    if message.error and "unfinished" in message.error:
        # Its last character may be cut off with the rest.
        message = message._replace(truncated=True)
    found, is_text = check_message(message, side), message.opcode == Opcode.TEXT
    if is_text and not found and not message.truncated and not compressed_unasked(message):
        notes = (*_padding(message.payload), *_documents(message.payload))
        found += [Finding(rule_id, detail, side, message.start_offset) for rule_id, detail in notes]
    return found


class SplitJson:
    """A document that one message began and did not end, if the next ones do. `on`: there is one."""

    __slots__ = ("_depth", "_left", "_messages", "_offset")

    def __init__(self) -> None:
        self._depth: JsonDepth | None = None
        self._offset = 0
        self._messages = 0
        self._left = 0

    @property
    def on(self) -> bool:
        """Whether a document is under way."""
        return self._depth is not None

    def receive(self, message: Message, side: Side) -> list[Finding]:
        """The next message of that side."""
        if message.opcode != Opcode.TEXT or message.truncated or message.error:
            self._depth = None
            return []
        if self._depth is None:
            if not message.payload.startswith(_BEGINS_JSON):
                return []
            self._depth, self._messages, self._left = JsonDepth(), 0, _MOST_SPLIT
            self._offset = message.start_offset
        depth = self._depth
        depth.receive(message.payload)
        self._messages += 1
        self._left -= len(message.payload)
        if depth.whole or depth.broken or self._left < 0:
            self._depth = None
        if not depth.whole or depth.broken or self._messages == 1:
            return []
        detail = f"{self._messages} messages make one JSON document"
        return [Finding("message.split-json", detail, side, self._offset)]


def _misread(message: Message, frame: Frame | None) -> tuple[str, str] | None:
    """What a text in one frame is instead, where it is not UTF-8: rule, and what was seen."""
    if message.opcode != Opcode.TEXT or frame is None or frame.payload != message.payload:
        return None
    payload, key = frame.payload, frame.masking_key
    if text_in_clear(payload, key) is not None:
        return "frame.payload-unmasked", f"the text makes sense as it came: {_as_it_came(frame)[:16]!r}"
    again = frame.header[: len(frame.header) - 4] if key else frame.header
    if len(again) > 2 and _as_it_came(frame).startswith(again):
        return "frame.header-twice", f"{again.hex(' ').upper()}, and once more; what follows is shifted"
    return None


def _as_it_came(frame: Frame) -> bytes:
    key = frame.masking_key
    return apply_mask_from_start(frame.payload, key) if key else frame.payload


def _padding(payload: bytes) -> list[tuple[str, str]]:
    notes = []
    zeros = len(payload) - len(payload.rstrip(b"\0"))
    wide = guess_wide(payload) if zeros else None
    if wide is not None:
        notes.append(("message.nul-padding", f"every other byte is zero; it may be {wide}"))
    elif zeros:
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
