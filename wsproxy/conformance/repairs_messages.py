"""Repairs of whole messages: one small function each, and the table that says for which rule.

To add one: write a function that changes the `MessageDraft` where it departs and says whether it did, and
give it a line in the table. Give `needs_whole` a line, too, if the repair must see a fragmented or large
message whole: then such messages are held, up to the limit `hold_limit`.

Source: RFC 6455 sections 5.6 and 8.1.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from wsproxy.conformance.charset import decode_as, guess_charset, guess_wide, is_wide
from wsproxy.conformance.conditions import Conditions
from wsproxy.conformance.in_clear import text_in_clear
from wsproxy.conformance.repairs_close import INVALID_DATA
from wsproxy.conformance.utf8_stream import is_utf8
from wsproxy.protocol.opcodes import Opcode

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MOST_DOCUMENTS = 1000
IN_CLEAR, NOT_UTF8 = "frame.payload-unmasked", "message.text-not-utf8"
SPLIT_JSON = "message.split-json"


@dataclass(slots=True)
class MessageDraft:
    """A message on its way on, uncompressed. `parts` are the messages to send in its place, if several.

    `fail` is the close code to end the session with instead. `key` is the masking key of one in a single
    frame; `tail` the beginning of a character that goes on with the next message instead.
    """

    opcode: int
    payload: bytes
    rules: list[str] = field(default_factory=list)
    parts: list[bytes] | None = None
    fail: int | None = None
    key: bytes | None = None
    tail: bytes = b""


type MessageRepair = Callable[[MessageDraft, Conditions], bool]


def wrong_opcode(message: MessageDraft, conditions: Conditions) -> bool:
    """The subprotocol asks for text, or for binary (option `retype`).

    MQTT section 6, RFC 7118 section 4.2; cases B01 B02 B03 V03 N03 B05.
    """
    opcode = retyped(message.opcode, conditions)
    if opcode == message.opcode or (opcode == Opcode.TEXT and not is_utf8(message.payload)):
        return False
    message.opcode = opcode
    return True


def byte_order_mark(message: MessageDraft, _: Conditions) -> bool:
    """A byte order mark in front of text. RFC 8259 section 8.1; case U10."""
    if message.opcode != Opcode.TEXT or not message.payload.startswith(_BYTE_ORDER_MARK):
        return False
    message.payload = message.payload[len(_BYTE_ORDER_MARK) :]
    return True


def nul_padding(message: MessageDraft, conditions: Conditions) -> bool:
    """Zero bytes behind text; STOMP needs its one (option `nul_kept`). Cases N01 N02 N06."""
    if message.opcode != Opcode.TEXT or not message.payload.endswith(b"\0"):
        return False
    if conditions.subprotocol in conditions.sent_by("nul_kept"):
        return False
    message.payload = message.payload.rstrip(b"\0")
    return True


def payload_in_clear(message: MessageDraft, _: Conditions) -> bool:
    """A masking key is there, but was not applied. RFC 6455 section 5.3; case P19."""
    if message.opcode != Opcode.TEXT:
        return False
    as_it_came = text_in_clear(message.payload, message.key)
    if as_it_came is None:
        return False
    message.payload = as_it_came
    return True


def text_not_utf8(message: MessageDraft, conditions: Conditions) -> bool:
    """Text that is not UTF-8 (option `utf8`). RFC 6455 section 8.1.

    Cases U01 U02 U03 U05 U06 U07 U09 U11 X02 K15.
    """
    policy: str = conditions.sent_by("utf8")
    if message.opcode != Opcode.TEXT or (is_utf8(message.payload) and not _is_wide(message.payload, policy)):
        return False
    if policy == "close":
        message.fail = INVALID_DATA
    elif policy == "binary":
        message.opcode = Opcode.BINARY
    elif policy == "carry":
        _carry(message)
    else:
        charset = policy.removeprefix("transcode:") if policy.startswith("transcode:") else None
        charset = guess_charset(message.payload) if policy == "guess" else charset
        text = decode_as(message.payload, charset or "utf-8")
        message.payload = text.encode("utf-8", "replace")
    return True


def may_be_wide(policy: str) -> bool:
    """Whether text that reads as UTF-8 may yet be meant as something else (option `utf8`)."""
    charset = policy.removeprefix("transcode:")
    return policy == "guess" or (charset != policy and is_wide(charset))


def _is_wide(text: bytes, policy: str) -> bool:
    """Whether it is: as UTF-8, every other character of it would be a zero."""
    return may_be_wide(policy) and guess_wide(text) is not None


def _carry(message: MessageDraft) -> None:
    """The beginning of a character at the end waits for the next message. Case U01."""
    try:
        message.payload.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            message.payload, message.tail = message.payload[: error.start], message.payload[error.start :]
    message.payload = message.payload.decode("utf-8", "replace").encode()


def several_json(message: MessageDraft, _: Conditions) -> bool:
    """JSON documents one behind the other become messages of their own. Cases J01 J02 J03."""
    if message.opcode != Opcode.TEXT or message.payload[:1] not in (b"{", b"["):
        return False
    try:
        parts = _documents(message.payload.decode())
    except (ValueError, RecursionError):
        return False
    if not 1 < len(parts) < _MOST_DOCUMENTS:
        return False
    message.parts = [part.encode() for part in parts]
    return True


MESSAGE_REPAIRS: tuple[tuple[str, MessageRepair], ...] = (
    ("message.wrong-opcode", wrong_opcode),
    ("message.byte-order-mark", byte_order_mark),
    ("message.nul-padding", nul_padding),
    (IN_CLEAR, payload_in_clear),
    (NOT_UTF8, text_not_utf8),
    ("message.several-json", several_json),
)
"""Every repair of a whole message, in the order they are tried."""


class MessageRepairs:
    """The repairs of one side's messages that the profile switches on."""

    __slots__ = ("_conditions", "_kinds")

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self._kinds = [kind for kind in MESSAGE_REPAIRS if conditions.repairs(kind[0])]

    def apply(self, message: MessageDraft) -> MessageDraft:
        """Mend what departs; the draft itself."""
        for rule_id, repair in self._kinds:
            if repair(message, self._conditions):
                message.rules.append(rule_id)
                if message.fail is not None:
                    break
        return message

    @property
    def one_frame(self) -> bool:
        """Whether the receiver takes no fragments (option `whole_messages`).

        RFC 6455 section 5.4; cases G01 G02 G05 G06 G07 G13 G14 S01 X06.
        """
        conditions = self._conditions
        return conditions.repairs("message.fragmented") and bool(conditions.taken_by("whole_messages"))

    def looks_at(self, opcode: int) -> bool:
        """Whether any repair but those of text that is not UTF-8 concerns messages of this opcode."""
        conditions = self._conditions
        on = {rule_id for rule_id, _ in self._kinds} - {IN_CLEAR}
        if not may_be_wide(conditions.sent_by("utf8")):
            on -= {NOT_UTF8}
        if conditions.repairs("keepalive.heartbeat") and conditions.sent_by("heartbeats"):
            return True
        if "message.wrong-opcode" in on and retyped(opcode, conditions) != opcode:
            return True
        return opcode == Opcode.TEXT and (self.joins_json or bool(on - {"message.wrong-opcode"}))

    @property
    def joins_json(self) -> bool:
        """Whether JSON in several messages is put together. Cases G09 G10 J05."""
        return self._conditions.repairs(SPLIT_JSON)

    def needs_whole(self, opcode: int) -> bool:
        """Whether a message of this opcode must be there whole before it can go on."""
        conditions = self._conditions
        on = {rule_id for rule_id, _ in self._kinds}
        if self.one_frame:
            return True
        if opcode == Opcode.BINARY:
            return "message.wrong-opcode" in on and retyped(opcode, conditions) == Opcode.TEXT
        return bool(
            self.joins_json
            or on & {"message.byte-order-mark", "message.nul-padding", "message.several-json"}
            or (NOT_UTF8 in on and conditions.sent_by("utf8") not in ("replace", "close"))
        )


def retyped(opcode: int, conditions: Conditions) -> int:
    """The opcode that messages of this one take."""
    table = conditions.sent_by("retype")
    wanted = table.get(conditions.subprotocol, table.get("*"))
    return {"text": Opcode.TEXT, "binary": Opcode.BINARY}.get(wanted, opcode)


def _documents(text: str) -> list[str]:
    parts: list[str] = []
    decoder, position = json.JSONDecoder(), 0
    while position < len(text) and len(parts) < _MOST_DOCUMENTS:
        _, end = decoder.raw_decode(text, position)
        parts.append(text[position:end])
        position = end + len(text[end:]) - len(text[end:].lstrip())
    return parts
