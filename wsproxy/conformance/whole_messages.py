"""A message that is there whole: what becomes of it, and how it is written anew.

Source: RFC 6455 section 5.6; RFC 7692 section 6.
"""

from collections.abc import Callable

from wsproxy.conformance.checks_deflate import UNMARKED
from wsproxy.conformance.conditions import Conditions, Draft
from wsproxy.conformance.hold import Hold
from wsproxy.conformance.json_depth import JsonDepth
from wsproxy.conformance.large_frame import NOT_UTF8
from wsproxy.conformance.outlet import Outlet
from wsproxy.conformance.repairs_close import INVALID_DATA, TOO_BIG
from wsproxy.conformance.repairs_deflate import Compression
from wsproxy.conformance.repairs_messages import IN_CLEAR, SPLIT_JSON, MessageDraft, MessageRepairs
from wsproxy.conformance.utf8_stream import begins_utf8, completion, is_utf8
from wsproxy.protocol.frame import RSV1, Frame
from wsproxy.protocol.inflate import Fragment
from wsproxy.protocol.opcodes import Opcode

MESSAGES = (Opcode.TEXT, Opcode.BINARY)


class WholeMessages:
    """Mends the messages of one side. `heartbeat` says whether a payload is one, and answers it.

    `carried` is the beginning of a character that the next message may go on with.
    """

    __slots__ = (
        "_conditions",
        "_heartbeat",
        "_one_frame",
        "_outlet",
        "_plain",
        "_repairs",
        "carried",
        "compression",
        "watches_text",
    )

    def __init__(self, conditions: Conditions, outlet: Outlet, heartbeat: Callable[[bytes], bool]) -> None:
        self.compression = Compression(conditions)
        self._conditions = conditions
        self._outlet = outlet
        self._heartbeat = heartbeat
        self._repairs = MessageRepairs(conditions)
        follows, looks_at = self.compression.follows, self._repairs.looks_at
        self._plain = () if follows else tuple(opcode for opcode in MESSAGES if not looks_at(opcode))
        self.watches_text = conditions.repairs(NOT_UTF8) or conditions.repairs(IN_CLEAR)
        self.carried = b""
        no_fragments = conditions.other_dialect and not outlet.writer.fragments
        self._one_frame = self._repairs.one_frame or no_fragments

    def passes_plain(self, opcode: int) -> bool:
        """Whether an uncompressed message of that opcode in one frame needs no look but at its text."""
        return opcode in self._plain

    def is_right(self, frame: Frame) -> bool:
        """Whether the frame is a message that no repair of messages is about."""
        if (
            self.carried
            or not frame.fin
            or frame.rsv & RSV1
            or frame.opcode not in self._plain
            or not frame.complete
        ):
            return False
        return frame.opcode != Opcode.TEXT or not self.watches_text or is_utf8(frame.payload)

    def wanted(self, first: Frame) -> bool:
        """Whether the message with this first frame must be there whole; also true if it is already."""
        if (first.rsv & RSV1 and self.compression.mends) or (first.fin and first.complete):
            return True
        if first.opcode == Opcode.TEXT and self.compression.may_be_unmarked(first.payload):
            return True
        return self._one_frame or self._repairs.needs_whole(first.opcode)

    def goes_on(self, hold: Hold) -> bool:
        """Whether the JSON document in a message that is whole goes on in the next one."""
        if not self._repairs.joins_json or hold.opcode != Opcode.TEXT:
            return False
        if hold.json is None:
            first = hold.items[0].frame
            if first.rsv or not JsonDepth.begins(first.payload):
                return False
            hold.json = JsonDepth()
        for payload in hold.new_payloads():
            hold.json.receive(payload)
        return not hold.json.whole and not hold.json.broken

    def mend(self, hold: Hold) -> MessageDraft | None:
        """The message as it must go on; None if its frames can, as they are or with another header."""
        compression, fragments = self.compression, hold.fragments()
        message = MessageDraft(hold.opcode, b"".join(fragment.data for fragment in fragments))
        if len(hold.items) == 1:
            message.key = hold.items[0].frame.masking_key
        if hold.opcode == Opcode.TEXT and not fragments[0].rsv1 and compression.unmarked(message.payload):
            fragments = [Fragment(True, message.payload)]
            message.rules.append(UNMARKED)
        if not fragments[0].rsv1:
            if compression.follows:
                compression.pass_plain(message.payload)
            self._mend_plain(hold, message)
            return message if message.rules else None
        if not compression.mends:
            return None
        verdict = compression.judge(hold.opcode, fragments)
        message.rules += verdict.rules
        if verdict.payload is None or verdict.too_large:
            self._cannot_mend(message, too_large=verdict.too_large)
            return message if verdict.rules else None
        message.payload = verdict.payload
        self._mend_plain(hold, message)
        if message.rules and not verdict.rules:
            compression.end()
        return message if message.rules else None

    def write(self, message: MessageDraft, first: Frame, rsv: int = 0) -> bytes:
        """A message written anew, under its first frame's key where there is a right one."""
        out: list[bytes] = []
        writer = self._outlet.writer
        for part in message.parts or ():
            key = writer.key()
            if key is not None and first.masking_key and not out:
                key = first.masking_key
            out.append(self._outlet.fragments(Draft(first, message.opcode, True, rsv, key, part)))
        return b"".join(out)

    def _cannot_mend(self, message: MessageDraft, *, too_large: bool) -> None:
        if too_large:
            message.fail = TOO_BIG
        elif self._conditions.sent_by("inflate_failure") == "close":
            message.fail = INVALID_DATA

    def _mend_plain(self, hold: Hold, message: MessageDraft) -> None:
        if self._heartbeat(message.payload):
            message.rules.append("keepalive.heartbeat")
            return
        self._take_carried(message)
        self._repairs.apply(message)
        self.carried = message.tail
        message.parts = message.parts or [message.payload]
        if len(hold.items) > 1 and self._one_frame:
            message.rules.append("message.fragmented")
        if sum(item.frame.fin for item in hold.members) > 1:
            message.rules.append(SPLIT_JSON)

    def _take_carried(self, message: MessageDraft) -> None:
        """The rest of a character that the last message began with, if this one has it. Case U01."""
        carried, self.carried = self.carried, b""
        if carried and message.opcode == Opcode.TEXT:
            size = len(completion(carried))
            if begins_utf8(carried + message.payload[:size]):
                message.payload = carried + message.payload
                message.rules.append(NOT_UTF8)
