"""What one frame, or one assembled message, departs from: pure functions, one per family of rules.

A check never looks at more than the frame, what its side sent before (`FrameContext`) and the
dialect-free facts in the header bytes, so the same checks serve a live relay, a recording and a handful
of pasted bytes.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from wsproxy.conformance.charset import guess_charset
from wsproxy.conformance.checks_deflate import DAMAGED, deflate_rule, is_deflate_fault
from wsproxy.conformance.finding import Finding
from wsproxy.conformance.in_clear import close_in_clear, code_in_four_bytes
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.frame import CONTROL_LIMIT, NO_FRAME, RSV1, Frame, OpaqueData, Side
from wsproxy.protocol.message import NOT_AGREED, Message
from wsproxy.protocol.opcodes import (
    ASSIGNED_CLOSE_CODES,
    LOCAL_CLOSE_CODES,
    OPCODE_NAMES,
    Opcode,
    close_code_name,
    opcode_name,
)

_ABOUT_FRAMES = re.compile(r"\(RFC (?:6455 section 5\.4|7692 section 6(?:\.1)?)\)")
# Length bytes a header of each total size (without its masking key) has, and the least that needs them.
_SHOWN = 16
_LEAST_LENGTH = {4: 126, 6: 126, 10: 65536}


@dataclass(frozen=True, slots=True)
class FrameContext:
    """What is known about a side before its next frame.

    `rsv_defined` holds the reserved bits that the negotiated extensions give a meaning (RSV1 is 0b100);
    `per_frame` says that frames, not messages, are compressed, `control_open` that the last frame was the
    beginning of a fragmented control frame.
    """

    side: Side
    rsv_defined: int = 0
    per_frame: bool = False
    message_open: bool = False
    control_open: bool = False
    closed: bool = False

    def after(self, frame: Frame) -> "FrameContext":
        """The context of the frame that follows `frame`."""
        begun = frame.is_control or (self.control_open and frame.opcode == Opcode.CONTINUATION)
        control_open = begun and not frame.fin and not self.message_open
        closed = self.closed or frame.opcode == Opcode.CLOSE
        # 00 00 where no message is under way begins none: two stray zeros look like that.
        nothing = frame.opcode == Opcode.CONTINUATION and not frame.length
        message_open = self.message_open if begun or (nothing and not frame.fin) else not frame.fin
        if (control_open, closed, message_open) == (self.control_open, self.closed, self.message_open):
            return self
        return replace(self, message_open=message_open, control_open=control_open, closed=closed)


def context_for(side: Side, extensions: str | None) -> FrameContext:
    """The context of a side's first frame, by the Sec-WebSocket-Extensions value of the response.

    An extension other than compression may give a meaning to any reserved bit.
    """
    if not extensions:
        return FrameContext(side)
    deflate = DeflateParameters.from_extension_header(extensions)
    if deflate is None:
        return FrameContext(side, rsv_defined=0b111)
    return FrameContext(side, rsv_defined=RSV1, per_frame=deflate.per_frame)


type FrameCheck = Callable[[Frame, FrameContext], Iterator[tuple[str, str]]]


def check_frame(frame: Frame, context: FrameContext) -> list[Finding]:
    """Everything this frame departs from, most basic first. Frames of dialects without a length have no
    rules.

    Of a frame whose payload data came in pieces only the header is checked.
    """
    if frame.length is None:
        return []
    return [
        Finding(rule_id, detail, context.side, frame.offset)
        for check in FRAME_CHECKS
        for rule_id, detail in check(frame, context)
    ]


def check_message(message: Message, side: Side) -> list[Finding]:
    """What only shows once a message is assembled: its compression and its text encoding."""
    found: list[tuple[str, str]] = []
    if message.compressed and message.error:
        # How its frames follow each other is in the error too, and is what the checks of frames report.
        parts = message.error.split("; ")
        found = [(deflate_rule(part), part) for part in parts if is_deflate_fault(part)]
        rest = [part for part in parts if not is_deflate_fault(part) and not _ABOUT_FRAMES.search(part)]
        found += [(DAMAGED, "; ".join(rest))] if rest else []
    if message.opcode == Opcode.TEXT and not found and not compressed_unasked(message):
        found.extend(_not_utf8("message.text-not-utf8", message.payload, whole=not message.truncated))
    return [Finding(rule_id, detail, side, message.start_offset) for rule_id, detail in found]


def compressed_unasked(message: Message) -> bool:
    """Whether it is marked as compressed, which nobody agreed to: it is no text as it stands, and its frames
    are what departs.
    """
    return message.error is not None and NOT_AGREED in message.error


def check_between_frames(data: OpaqueData, side: Side) -> list[Finding]:
    """What bytes are that a repair took out from between frames, by the rule it says; they are named once."""
    rule_id = data.reason.removeprefix(NO_FRAME)
    if not rule_id.startswith("stream."):
        # A body is named with the head that announced it.
        return []
    shown = data.data[:_SHOWN].hex(" ") + (" …" if len(data.data) > _SHOWN else "")
    size = f"{len(data.data):,} byte{'s' * (len(data.data) != 1)}"
    return [Finding(rule_id, f"{size} between frames: {shown}", side, data.offset)]


def check_opaque(data: OpaqueData, side: Side) -> list[Finding]:
    """Why frames can no longer be told apart, of the first bytes for which that is so."""
    return [Finding(opaque_rule(data), data.reason, side, data.offset)]


def opaque_rule(data: OpaqueData) -> str:
    """The rule that these first opaque bytes depart from."""
    top_bit = len(data.data) > 2 and data.data[1] & 0x7F == 127 and data.data[2] >= 0x80
    return "frame.length-top-bit" if top_bit else "stream.opaque"


def check_masking(frame: Frame, context: FrameContext) -> Iterator[tuple[str, str]]:
    """Clients mask, servers do not. Source: RFC 6455 sections 5.1 and 5.3."""
    if context.side is Side.SERVER:
        if frame.masking_key is not None:
            yield (
                "frame.masked-by-server",
                f"masked with {frame.masking_key.hex(' ')}, but sent by the server",
            )
    elif frame.masking_key is None:
        yield "frame.unmasked-by-client", "not masked, but sent by the client"
    elif not any(frame.masking_key):
        yield "frame.masking-key-zero", "masked with 00 00 00 00, which changes nothing"


def check_reserved_bits(frame: Frame, context: FrameContext) -> Iterator[tuple[str, str]]:
    """Reserved bits need an extension. Source: RFC 6455 section 5.2, RFC 7692 section 6."""
    undefined = frame.rsv & ~context.rsv_defined
    if undefined:
        bits = " and ".join(f"RSV{n}" for n in (1, 2, 3) if undefined & (RSV1 >> (n - 1)))
        verb = "are" if " and " in bits else "is"
        yield "frame.rsv-bits", f"{bits} {verb} set, and no extension was negotiated that defines it"
    elif frame.rsv & RSV1 and frame.is_control:
        yield "deflate.rsv1-on-control", f"RSV1 is set on a {opcode_name(frame.opcode)} frame"
    elif frame.rsv & RSV1 and frame.opcode == Opcode.CONTINUATION and not context.per_frame:
        yield "deflate.rsv1-on-continuation", "RSV1 is set again on a continuation frame"


def check_opcode(frame: Frame, context: FrameContext) -> Iterator[tuple[str, str]]:
    """Opcodes 3-7 and B-F are reserved. Source: RFC 6455 section 5.2."""
    if frame.opcode not in OPCODE_NAMES:
        kind = "control" if frame.is_control else "data"
        yield "frame.reserved-opcode", f"opcode 0x{frame.opcode:X} is reserved for a further {kind} frame"


def check_length(frame: Frame, context: FrameContext) -> Iterator[tuple[str, str]]:
    """The minimal number of bytes must be used. Source: RFC 6455 section 5.2."""
    length = frame.length or 0
    form = len(frame.header) - (4 if frame.masking_key is not None else 0)
    if length < _LEAST_LENGTH.get(form, 0):
        yield "frame.length-not-minimal", f"{length} is written in {form - 2} extra bytes, {_fewer(length)}"


def check_control(frame: Frame, context: FrameContext) -> Iterator[tuple[str, str]]:
    """Control frames are short and whole. Source: RFC 6455 section 5.5."""
    if not frame.is_control:
        return
    name = opcode_name(frame.opcode)
    if not frame.fin:
        yield "control.fragmented", f"a {name} frame without FIN"
    if (frame.length or 0) > CONTROL_LIMIT:
        yield "control.too-long", f"a {name} frame of {frame.length} bytes, {CONTROL_LIMIT} are allowed"


def check_close(frame: Frame, context: FrameContext) -> Iterator[tuple[str, str]]:
    """The close code and reason. Source: RFC 6455 sections 5.5.1 and 7.4."""
    if frame.opcode != Opcode.CLOSE or not frame.complete or not frame.payload:
        return
    if len(frame.payload) == 1:
        yield "close.one-byte-payload", f"one byte ({frame.payload.hex()}), where a close code takes two"
        return
    if close_in_clear(frame.payload, frame.masking_key) is not None:
        yield "frame.payload-unmasked", "its close code and reason make sense only as they came"
        return
    code = int.from_bytes(frame.payload[:2])
    if code in LOCAL_CLOSE_CODES:
        name = close_code_name(code)
        yield (
            "close.reserved-code",
            f"close code {code} ({name}) is for an endpoint's own use, not for the wire",
        )
    elif not 1000 <= code <= 4999:
        yield "close.invalid-code", f"close code {code}{_misread_code(frame.payload)}"
    elif code < 3000 and code not in ASSIGNED_CLOSE_CODES:
        yield "close.unassigned-code", f"close code {code} has no registered meaning"
    reason_at = 2 if code_in_four_bytes(frame.payload) is None else 4
    yield from _not_utf8("close.reason-not-utf8", frame.payload[reason_at:])


def check_sequence(frame: Frame, context: FrameContext) -> Iterator[tuple[str, str]]:
    """What may follow what. Source: RFC 6455 sections 5.4 and 5.5.1."""
    if context.closed:
        yield "close.frame-after", f"a {opcode_name(frame.opcode)} frame after this side's Close frame"
    if frame.is_control:
        return
    if frame.opcode == Opcode.CONTINUATION and context.control_open:
        yield "control.fragmented", "more of the control frame before it, as a continuation frame"
    elif frame.opcode == Opcode.CONTINUATION and not context.message_open:
        yield "message.orphan-continuation", "a continuation frame, but no message is under way"
    elif frame.opcode != Opcode.CONTINUATION and context.message_open:
        yield (
            "message.interrupted",
            f"a {opcode_name(frame.opcode)} frame before the message under way had ended",
        )


FRAME_CHECKS: tuple[FrameCheck, ...] = (
    check_masking,
    check_reserved_bits,
    check_opcode,
    check_length,
    check_control,
    check_close,
    check_sequence,
)
"""Every check of a single frame, in the order of a frame's fields."""


def _fewer(length: int) -> str:
    return "7 bits are enough" if length <= CONTROL_LIMIT else "2 are enough"


def _misread_code(payload: bytes) -> str:
    """What a close code outside the range probably was, so that a reader need not work it out."""
    little_endian = int.from_bytes(payload[:2], "little")
    if payload.isdigit() and len(payload) == 4:
        return f": the code {payload.decode()} was written as text"
    if 1000 <= little_endian <= 4999:
        return f": {little_endian} with its bytes swapped"
    if code_in_four_bytes(payload) is not None:
        return f": {code_in_four_bytes(payload)} in four bytes"
    if payload[0] == 0 and 1000 <= payload[1] + 0x300 <= 1014:
        return f": {payload[1] + 0x300} without its high byte"
    if payload[:2].isascii() and payload[:2].decode().isprintable():
        return f": the payload is text ({payload[:2].decode()!r}...) without a close code"
    return ", where 1000 to 4999 exist"


def _not_utf8(rule_id: str, data: bytes, *, whole: bool = True) -> Iterator[tuple[str, str]]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(data, final=whole)
    except UnicodeDecodeError as error:
        position = error.start
        if error.reason == "unexpected end of data":
            yield rule_id, f"cut in the middle of a character: {data[position:].hex(' ')} at byte {position}"
        else:
            guess = guess_charset(data)
            maybe = f"; it may be {guess}" if guess else ""
            yield rule_id, f"byte 0x{data[position]:02X} at byte {position}: {error.reason}{maybe}"
