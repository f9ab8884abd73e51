"""What `explain` prints: each part of the input drawn, its fields listed, what is odd marked, its payload
readable.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from wsproxy.cli.diagram import draw_frame
from wsproxy.cli.objects import finding_object, frame_object, message_object
from wsproxy.cli.paint import Line, Span, printable
from wsproxy.cli.pasted import LostByte, Opening, Reading
from wsproxy.cli.payload import payload_lines

if TYPE_CHECKING:
    from wsproxy.conformance.dissect import BytesPart, FramePart, Part
    from wsproxy.conformance.finding import Finding
    from wsproxy.protocol.describe import FieldSpan
    from wsproxy.protocol.frame import Frame, Side

_FIELD_NAMES = {
    "fin": "FIN",
    "rsv": "RSV1 RSV2 RSV3",
    "masked": "MASK",
    "length7": "payload length",
    "length": "extended payload length",
    "masking_key": "masking key",
}
_ODD_FIELDS = {
    "frame.rsv-bits": "rsv",
    "deflate.rsv1-on-control": "rsv",
    "deflate.rsv1-on-continuation": "rsv",
    "frame.reserved-opcode": "opcode",
    "frame.unmasked-by-client": "masked",
    "frame.masked-by-server": "masked",
    "frame.masking-key-zero": "masking_key",
    "frame.length-not-minimal": "length",
    "control.fragmented": "fin",
    "control.too-long": "length",
    "message.orphan-continuation": "opcode",
    "message.interrupted": "opcode",
    "close.one-byte-payload": "payload",
    "close.reserved-code": "payload",
    "close.invalid-code": "payload",
    "close.unassigned-code": "payload",
    "close.reason-not-utf8": "payload",
    "message.text-not-utf8": "payload",
    "deflate.damaged": "payload",
}
_HEX_SHOWN = 8
_BINARY = 0x2


def part_lines(part: "Part", number: int, limit: int) -> Iterator[Line | str]:
    """Everything there is to say about one part; `number` counts frames, `limit` bounds the payload's
    lines.
    """
    from wsproxy.conformance.dissect import FramePart

    if isinstance(part, FramePart):
        yield from _frame_lines(part, number, limit)
        return
    yield _title(_bytes_title(part), part.offset, len(part.data))
    if part.is_head or part.findings[0].rule_id == "stream.http-bytes":
        text = part.data.decode("utf-8", "backslashreplace").strip()
        yield from (f"    {printable(line)}" for line in text.splitlines())
    else:
        yield from (f"    {line}" for line in payload_lines(_BINARY, part.data, limit))
    yield from map(finding_line, part.findings)


def finding_line(finding: "Finding") -> Line:
    """What is odd, in words, with the rule it departs from."""
    about = f"  ({finding.rule.section}, {finding.rule_id})"
    return [Span("  ! ", "odd"), Span(printable(finding.detail)), Span(about, "dim")]


def _title(text: str, offset: int, size: int) -> Line:
    where = f"  byte {offset}" if size == 1 else f"  bytes {offset} to {offset + size - 1}"
    return [Span(text, "title"), Span(where, "dim")]


def _bytes_title(part: "BytesPart") -> str:
    if part.is_head:
        return "Response head" if part.data.lstrip().startswith(b"HTTP/") else "Request head"
    return {"stream.opaque": "Opaque bytes", "frame.length-top-bit": "Opaque bytes"}.get(
        part.findings[0].rule_id, "Not a frame"
    )


def _frame_lines(part: "FramePart", number: int, limit: int) -> Iterator[Line | str]:
    frame = part.frame
    yield _title(f"Frame {number}: {_frame_summary(part)}", part.offset, part.size)
    yield ""
    odd = frozenset(_odd_field(finding, part.fields) for finding in part.findings)
    yield from draw_frame(frame, part.fields, odd)
    yield ""
    yield from _field_lines(part, odd)
    if part.findings:
        yield ""
        yield from map(finding_line, part.findings)
    said = _said(part)
    if said:
        yield ""
        yield from (f"  {line}" for line in payload_lines(*said, limit))
    message = part.message
    if message and (message.frames > 1 or message.compressed):
        yield ""
        how = ", decompressed" if message.compressed and not message.error else ""
        yield [Span(f"  The message, of {_count(message.frames, 'frame')}{how}:", "title")]
        yield from (f"  {line}" for line in payload_lines(message.opcode, message.payload, limit))


def _said(part: "FramePart") -> tuple[int, bytes] | None:
    """The frame's own payload as opcode and bytes, unless the diagram has said all, or the message will."""
    message = part.message
    if not part.frame.payload or (message and message.compressed and message.frames == 1):
        return None
    return part.frame.opcode, part.frame.payload


def _frame_summary(part: "FramePart") -> str:
    from wsproxy.protocol.opcodes import opcode_name

    frame = part.frame
    if part.missing is None:
        return "a header cut short"
    flags = [name for name, present in (("FIN", frame.fin), ("masked", frame.masked)) if present]
    length = len(frame.payload) if frame.length is None else frame.length
    return ", ".join([opcode_name(frame.opcode), *flags, f"{_count(length, 'byte')} of payload data"])


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _odd_field(finding: "Finding", fields: "Sequence[FieldSpan]") -> str:
    name = _ODD_FIELDS.get(finding.rule_id, "")
    known = {span.name for span in fields}
    return "length7" if name == "length" and "length" not in known else name


def _field_lines(part: "FramePart", odd: frozenset[str]) -> Iterator[Line]:
    yield [Span(f"  {'byte.bit':<10}{'bytes':<25}{'field':<25}value", "dim")]
    shown = -1
    for span in part.fields:
        start, end = span.offset, span.offset + max(1, (span.bit + (span.width or 0) + 7) // 8)
        raw = "" if start == shown else part.frame.header[start:end].hex(" ").upper()
        shown = start
        value = _field_value(span, part.frame)
        yield _row(
            _place(span, part.offset), raw, _FIELD_NAMES.get(span.name, span.name), value, span.name in odd
        )
    payload = part.frame.payload
    if payload:
        wire = part.frame.serialize()[len(part.frame.header) :][: len(payload)]
        start = part.offset + len(part.frame.header)
        place = str(start) if len(payload) == 1 else f"{start}-{start + len(payload) - 1}"
        yield _row(place, _some_hex(wire), "payload data", _count(len(payload), "byte"), "payload" in odd)


def _row(place: str, raw: str, name: str, value: str, odd: bool) -> Line:
    style = "odd" if odd else ""
    return [
        Span(f"{'! ' if odd else '  '}{place:<10}", style or "dim"),
        Span(f"{raw:<25}"),
        Span(f"{name:<25}{value}", style),
    ]


def _some_hex(data: bytes) -> str:
    return data[:_HEX_SHOWN].hex(" ").upper() + ("…" if len(data) > _HEX_SHOWN else "")


def _place(span: "FieldSpan", base: int) -> str:
    first = base + span.offset
    width = span.width or 1
    if span.bit == 0 and width % 8 == 0:
        return str(first) if width == 8 else f"{first}-{first + width // 8 - 1}"
    last = span.bit + width - 1
    return f"{first}.{span.bit}" + (f"-{last}" if width > 1 else "")


def _field_value(span: "FieldSpan", frame: "Frame") -> str:
    from wsproxy.protocol.opcodes import opcode_name

    if not span.complete:
        return "cut short here"
    value = span.value
    if span.name == "fin":
        return "1  the message ends with this frame" if value else "0  more frames of this message follow"
    if span.name == "rsv" and isinstance(value, int):
        return " ".join(f"{value:03b}")
    if span.name == "opcode" and isinstance(value, int):
        return f"0x{value:X}  {opcode_name(value)}"
    if span.name == "masked":
        return "1  a masking key follows, as from clients" if value else "0  not masked, as from servers"
    if span.name == "length7" and value == frame.length:
        return f"{value}"
    if span.name == "length7":
        width = len(frame.header) - 2 - (4 if frame.masked else 0)
        return f"{value}  the length is in the next {width} bytes"
    return value.hex(" ").upper() if isinstance(value, bytes) else str(value)


def reading_lines(reading: Reading) -> Iterator[Line | str]:
    """Which bytes a terminal lost, and which reading fits."""
    total = len(reading.data)
    lost = reading.lost
    yield [Span(f"Text from a terminal: {len(lost)} of the {total} bytes do not show in it.", "title")]
    yield from map(_lost_line, lost[:12])
    if len(lost) > 12:
        yield f"    … {len(lost) - 12} more"
    yield f"  In this reading header and payload data come out even: {_header_said(reading)}"
    if reading.trailing_line_end:
        yield "  The line end at the very end of the text is taken as the terminal's."


def _header_said(reading: Reading) -> str:
    data = reading.data[reading.start :]
    size = {126: 4, 127: 10}.get(data[1] & 0x7F, 2)
    length = int.from_bytes(data[2:size]) if size > 2 else data[1] & 0x7F
    header = data[:size].hex(" ").upper()
    return f"{header} is {_first_byte(data[0])}, {_count(length, 'byte')} of payload data."


def _lost_line(lost: LostByte) -> Line:
    shown = "??" if lost.value is None else f"{lost.value:02X}"
    how = "shown as U+FFFD" if lost.how == "undecodable" else "a control character, not shown"
    others = " or ".join(f"{other:02X} ({_first_byte(other)})" for other in lost.others[:2])
    meaning = f": {_first_byte(lost.value)}" if lost.others and lost.value is not None else ""
    note = f"; {others} would fit as well" if others else ""
    return [Span(f"    byte {lost.offset:<6}", "dim"), Span(shown, "odd"), Span(f"  {how}{meaning}{note}")]


def _first_byte(value: int) -> str:
    from wsproxy.protocol.opcodes import opcode_name

    return f"{'FIN, ' if value & 0x80 else ''}{opcode_name(value & 0x0F)}"


def opening_lines(found: Sequence[Opening]) -> Iterator[Line | str]:
    """What can be told of a text that breaks off, or does not come out even."""
    yield [
        Span("Text from a terminal: some bytes do not show in it, and no reading comes out even.", "title")
    ]
    for number, opening in enumerate(found):
        least, most = opening.lengths
        lengths = f"{least} bytes" if least == most else f"{least} to {most} bytes"
        masked = ", masked (what it says is lost)" if opening.masked else ""
        begins = f", which begins with {opening.payload!r}" if opening.payload else ""
        likely = "   likeliest" if number == 0 and len(found) > 1 else ""
        yield [
            Span(f"    {' '.join(opening.header):<30}", "odd"),
            Span(f"payload data of {lengths}{masked}{begins}"),
            Span(likely, "dim"),
        ]
    yield "  ?? is a byte the text does not show: U+FFFD, or a control character that was swallowed."


def part_object(part: "Part", side: "Side") -> dict[str, Any]:
    """A part as a JSON object; offsets and sizes in bytes of the input."""
    from wsproxy.conformance.dissect import BytesPart

    about = {"side": side.value, "findings": [finding_object(finding) for finding in part.findings]}
    if isinstance(part, BytesPart):
        kind = "head" if part.is_head else "bytes"
        return {"part": kind, "offset": part.offset, "data": part.data.hex(), **about}
    fields = [
        {**span._asdict(), "value": span.value.hex() if isinstance(span.value, bytes) else span.value}
        for span in part.fields
    ]
    message = part.message and message_object(part.message)
    frame = {**frame_object(part.frame), "missing": part.missing, "fields": fields, "message": message}
    return {"part": "frame", "size": part.size, **frame, **about}
