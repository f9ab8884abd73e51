"""Repairs of single frames: one small function each, and the table that says for which rule and when.

To add one: write a function that changes the `Draft` where it departs from the rule and says whether it did,
and give it a line in the table. The first that drops a frame ends its repair.

Source: RFC 6455 section 5; RFC 7692 section 6.
"""

from collections.abc import Callable
from enum import Flag, auto
from typing import NamedTuple

from wsproxy.conformance import repairs_close
from wsproxy.conformance.conditions import Conditions, Draft
from wsproxy.conformance.frame_writer import ZERO_KEY
from wsproxy.protocol.frame import CONTROL_LIMIT, RSV1, Side
from wsproxy.protocol.opcodes import OPCODE_NAMES, Opcode

_FIN = 0x80
_LEAST_LENGTH = {4: 126, 10: 65536}

type FrameRepair = Callable[[Draft, Conditions], bool]


class Frames(Flag):
    """Which frames a repair is about."""

    DATA = auto()
    CLOSE = auto()
    OTHER_CONTROL = auto()
    CONTROL = CLOSE | OTHER_CONTROL
    ANY = DATA | CONTROL


class Kind(NamedTuple):
    """A line of the table: the rule, which frames it is about, the repair.

    Without `option` it does nothing: one about the receiver, unless it is in `_OF_SENDER`.
    """

    rule_id: str
    frames: Frames
    repair: FrameRepair
    option: str | None = None


def draft_opcode(draft: Draft, conditions: Conditions) -> bool:
    """The opcodes of an early draft (option `opcodes`), as they were read. draft-hybi-06 4.2; case D05."""
    return bool(conditions.sent_by("opcodes")) and draft.frame.header[0] & 0xF != draft.frame.opcode


def fin_missing(draft: Draft, _: Conditions) -> bool:
    """A message whose only frame lacked FIN, as it was read. RFC 6455 section 5.4."""
    return draft.fin and draft.frame.header[0] < _FIN


def mask(draft: Draft, conditions: Conditions) -> bool:
    """A client masks. RFC 6455 section 5.1.

    Cases M02 M03 M05 M06 M09 M10 M11 M13 M14 P10 P11 P17 P18 X01 J10 Q02.
    """
    if conditions.side is Side.SERVER or draft.key is not None:
        return False
    draft.key = conditions.new_key()
    return True


def unmask(draft: Draft, conditions: Conditions) -> bool:
    """A server does not. RFC 6455 section 5.1; cases M01 M07."""
    if conditions.side is Side.CLIENT or draft.key is None:
        return False
    draft.key = None
    return True


def zero_key(draft: Draft, conditions: Conditions) -> bool:
    """For a receiver that unmasks wrongly (option `zero_key`). RFC 6455 section 5.3; case Q01."""
    if draft.key is None or draft.key == ZERO_KEY or not conditions.taken_by("zero_key"):
        return False
    draft.key = ZERO_KEY
    return True


def reserved_bits(draft: Draft, conditions: Conditions) -> bool:
    """Bits that no extension defines. RFC 6455 section 5.2; cases F02 F07 F11."""
    if not draft.rsv & ~conditions.rsv_defined:
        return False
    draft.rsv &= conditions.rsv_defined
    return True


def rsv1_on_control(draft: Draft, _: Conditions) -> bool:
    """A control frame is never compressed. RFC 7692 section 6.1."""
    if not draft.rsv & RSV1:
        return False
    draft.rsv &= ~RSV1
    return True


def rsv1_on_continuation(draft: Draft, conditions: Conditions) -> bool:
    """The first fragment says it for all. RFC 7692 section 6.1; case Z07."""
    taken = conditions.deflate[1]
    if not draft.rsv & RSV1 or draft.opcode != Opcode.CONTINUATION or (taken and taken.per_frame):
        return False
    draft.rsv &= ~RSV1
    return True


def reserved_opcode(draft: Draft, conditions: Conditions) -> bool:
    """A frame no strict receiver knows. RFC 6455 section 5.2; cases O01 O03 O05."""
    if draft.opcode in OPCODE_NAMES:
        return False
    if not draft.is_control and conditions.sent_by("reserved_opcodes") == "binary":
        draft.opcode = Opcode.BINARY
    else:
        draft.dropped = True
    return True


def minimal_length(draft: Draft, _: Conditions) -> bool:
    """The fewest bytes; every rewritten header has them. RFC 6455 section 5.2; cases L05 L10 L11 L13 L15."""
    header, length = draft.frame.header, draft.frame.length
    if length is None or length > 0xFFFF or len(header) == 2:
        return False
    return length < _LEAST_LENGTH.get(len(header) - (4 if draft.frame.masking_key is not None else 0), 0)


def guessed_length(draft: Draft, conditions: Conditions) -> bool:
    """The length was written in a way that had to be guessed. Cases L01 L02 L03 L06 L07 L17."""
    length = draft.frame.length or 0
    return conditions.guessed is not None and length > 125


def other_dialect(draft: Draft, conditions: Conditions) -> bool:
    """Every frame is written anew where the two sides frame differently. Cases D01 D02 D03 L01 L02."""
    return conditions.other_dialect


def control_in_one_frame(draft: Draft, _: Conditions) -> bool:
    """Control frames have FIN. RFC 6455 section 5.5; cases C01 C07 C09."""
    if draft.fin:
        return False
    draft.fin = True
    return True


def control_size(draft: Draft, _: Conditions) -> bool:
    """At most 125 bytes, of a reason no character cut in two. RFC 6455 section 5.5; cases C02 C03 C05 C06."""
    if len(draft.payload) <= CONTROL_LIMIT and (draft.frame.length or 0) <= CONTROL_LIMIT:
        return False
    payload = draft.payload
    if draft.opcode == Opcode.CLOSE and len(payload) > CONTROL_LIMIT:
        draft.payload = payload[:2] + repairs_close.cut_text(payload[2:], CONTROL_LIMIT - 2)
    else:
        draft.payload = payload[:CONTROL_LIMIT]
    return True


FRAME_REPAIRS = (
    Kind("frame.draft-opcode", Frames.ANY, draft_opcode, "opcodes"),
    Kind("message.fin-missing", Frames.DATA, fin_missing),
    Kind("frame.reserved-opcode", Frames.ANY, reserved_opcode),
    Kind("frame.length-encoding", Frames.ANY, guessed_length),
    Kind("frame.dialect", Frames.ANY, other_dialect),
    Kind("frame.unmasked-by-client", Frames.ANY, mask),
    Kind("frame.masked-by-server", Frames.ANY, unmask),
    Kind("frame.key-not-zero", Frames.ANY, zero_key, "zero_key"),
    Kind("frame.rsv-bits", Frames.ANY, reserved_bits),
    Kind("deflate.rsv1-on-control", Frames.CONTROL, rsv1_on_control),
    Kind("deflate.rsv1-on-continuation", Frames.DATA, rsv1_on_continuation),
    Kind("frame.length-not-minimal", Frames.ANY, minimal_length),
    Kind("control.fragmented", Frames.CONTROL, control_in_one_frame),
    Kind("frame.payload-unmasked", Frames.CLOSE, repairs_close.payload_in_clear),
    Kind("control.too-long", Frames.CONTROL, control_size),
    Kind("close.one-byte-payload", Frames.CLOSE, repairs_close.one_byte),
    Kind("close.reason-not-utf8", Frames.CLOSE, repairs_close.reason_not_utf8),
    Kind("close.reserved-code", Frames.CLOSE, repairs_close.reserved_code),
    Kind("close.invalid-code", Frames.CLOSE, repairs_close.invalid_code),
    Kind("close.unassigned-code", Frames.CLOSE, repairs_close.unassigned_code),
    Kind("close.unknown-code", Frames.CLOSE, repairs_close.code_not_known, "close_codes"),
    Kind("close.empty", Frames.CLOSE, repairs_close.empty_close, "close_with_code"),
)
"""Every repair of a single frame, in the order they are tried."""


_OF_SENDER = frozenset({"opcodes"})


class FrameRepairs:
    """The repairs of one side's frames that the profile switches on."""

    __slots__ = ("_conditions", "_kinds", "_rules")

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        on = [kind for kind in FRAME_REPAIRS if conditions.repairs(kind.rule_id) and self._matters(kind)]
        self._rules = frozenset(kind.rule_id for kind in on)
        self._kinds = {
            frames: [(kind.rule_id, kind.repair) for kind in on if frames in kind.frames]
            for frames in (Frames.DATA, Frames.CLOSE, Frames.OTHER_CONTROL)
        }

    def on(self, rule_id: str) -> bool:
        """Whether that repair is."""
        return rule_id in self._rules

    def apply(self, draft: Draft) -> Draft:
        """Mend what departs; the draft itself."""
        opcode = draft.opcode
        frames = Frames.DATA if opcode < 0x8 else Frames.CLOSE if opcode == 0x8 else Frames.OTHER_CONTROL
        for rule_id, repair in self._kinds[frames]:
            if repair(draft, self._conditions):
                draft.rules.append(rule_id)
                if draft.dropped:
                    break
        return draft

    def _matters(self, kind: Kind) -> bool:
        conditions, option = self._conditions, kind.option
        if kind.repair is other_dialect:
            return conditions.other_dialect
        ask = conditions.sent_by if option in _OF_SENDER else conditions.taken_by
        return option is None or bool(ask(option))
