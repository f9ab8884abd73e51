"""Which frames are right as they are, told by the first two bytes of their header."""

from typing import NamedTuple

from wsproxy.conformance.conditions import Conditions
from wsproxy.conformance.utf8_stream import is_utf8
from wsproxy.conformance.whole_messages import WholeMessages
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import LEAST_EXTENDED, Side
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.masking import apply_mask_from_start
from wsproxy.protocol.opcodes import Opcode

_ANY_LENGTH = 1 << 63


class Verdict(NamedTuple):
    """A frame of such a length needs no repair outside a message; if `is_text`, it must be UTF-8, too."""

    least: int
    most: int
    is_text: bool


_LOOK_CLOSER = Verdict(1, 0, False)


class Verdicts(dict[bytes, Verdict]):
    """The verdict on every first two bytes met, 65,536 at most."""

    def __init__(self, conditions: Conditions, dialect: Dialect, messages: WholeMessages) -> None:
        super().__init__()
        self._conditions = conditions
        self._messages = messages
        self._readable = dialect.name == RFC6455.name and not conditions.other_dialect

    def __missing__(self, prefix: bytes) -> Verdict:
        verdict = self[prefix] = self._judge(*prefix) if self._readable else _LOOK_CLOSER
        return verdict

    def takes(self, data: bytes, limit: int) -> bool:
        """Whether `data` is one frame of at most `limit` bytes, a message that needs no repair where none is
        under way: the common case, made cheap.
        """
        prefix = data[:2]
        if len(prefix) < 2:
            return False
        least, most, is_text = self[prefix]
        length, masked, body = prefix[1] & 0x7F, prefix[1] & 0x80, 2
        if length >= 126:
            body = 4 if length == 126 else 10
            length = int.from_bytes(data[2:body])
        body += 4 if masked else 0
        if body + length != len(data) or not least <= length <= most or length > limit:
            return False
        if not is_text:
            return True
        payload = data[body:]
        if masked:
            payload = apply_mask_from_start(payload, data[body - 4 : body])
        return payload.isascii() or is_utf8(payload)

    def distrust(self) -> None:
        """Nothing is right any more at first sight."""
        self._readable = False
        self.clear()

    def _judge(self, first: int, second: int) -> Verdict:
        conditions, opcode, length = self._conditions, first & 0xF, second & 0x7F
        right = first in (0x80 | Opcode.TEXT, 0x80 | Opcode.BINARY)
        right = right and (second >= 0x80) is (conditions.side is Side.CLIENT)
        right = right and not conditions.taken_by("zero_key") and not conditions.sent_by("opcodes")
        if not right or not self._messages.passes_plain(opcode):
            return _LOOK_CLOSER
        doubtful = not second or length >= 126 or opcode == Opcode.TEXT
        if doubtful and conditions.repairs("frame.length-encoding"):
            # An empty message, or a length that begins one byte too early; one that may be another.
            return _LOOK_CLOSER
        limit = conditions.taken_by("frame_limit") if conditions.repairs("frame.too-large") else 0
        is_text = opcode == Opcode.TEXT and self._messages.watches_text
        return Verdict(LEAST_EXTENDED.get(length, 0), limit or _ANY_LENGTH, is_text)
