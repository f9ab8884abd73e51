"""A frame drawn as RFC 6455 section 5.2 draws one: 32 bits a row under a ruler, every field in its box."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wsproxy.cli.paint import Line, Span, printable

if TYPE_CHECKING:
    from wsproxy.protocol.describe import FieldSpan
    from wsproxy.protocol.frame import Frame

_ROW_BITS = 32
_GUTTER = 6
_PAYLOAD_ROWS = 3
_LABELS = {
    "fin": "FIN",
    "masked": "MASK",
    "length7": "Payload len",
    "length": "Extended payload length",
    "masking_key": "Masking-key",
}
_BITS_SHOWN = 16


@dataclass(frozen=True, slots=True)
class _Cell:
    """A field's box: `lines` are what stands in it, from the top; `start` and `width` are in bits.

    A field that may be cut by the end of a row has `data`, its bytes, which stand under their own bits.
    """

    start: int
    width: int
    lines: tuple[str, ...]
    odd: bool = False
    data: bytes = b""
    value: str = ""


def draw_frame(frame: "Frame", fields: "Sequence[FieldSpan]", odd: frozenset[str]) -> list[Line]:
    """The frame as boxes, rows numbered from its offset; `odd` names the fields to mark with `!` (`rsv`,
    `masked`, ..., `payload`).
    """
    cells = [cell for span in fields for cell in _field_cells(span, frame.header, odd)]
    payload_start = len(frame.header) * 8
    shown = _shown_payload(frame)
    cells += _payload_cells(frame, shown, "payload" in odd)
    end = payload_start + shown * 8
    lines = [*_ruler()]
    rows = list(range(0, max(end, 1), _ROW_BITS))
    boxes = {row: [part for cell in cells for part in _parts(cell, row)] for row in rows}
    before: list[_Cell] = []
    for row in rows:
        lines.append(_border(before, boxes[row]))
        lines += _content(frame.offset + row // 8, boxes[row])
        before = boxes[row]
    rest = len(frame.payload) - shown
    if rest:
        lines += [
            _border(before, [_Cell(0, _ROW_BITS, ())]),
            _more(frame.offset + rows[-1] // 8 + _ROW_BITS // 8, rest),
        ]
        before = [_Cell(0, _ROW_BITS, ())]
    lines.append(_border(before, []))
    return lines


def _ruler() -> Iterator[Line]:
    gutter = " " * (_GUTTER + 1)
    tens = "".join(f"{bit // 10:<20}" for bit in range(0, _ROW_BITS, 10))
    yield [Span(gutter + tens.rstrip(), "dim")]
    yield [Span(gutter + " ".join(str(bit % 10) for bit in range(_ROW_BITS)), "dim")]


def _field_cells(span: "FieldSpan", header: bytes, odd: frozenset[str]) -> Iterator[_Cell]:
    start = span.offset * 8 + span.bit
    width = span.width if span.width is not None else 8
    width = min(width, len(header) * 8 - start) if not span.complete else width
    if width <= 0:
        return
    marked = span.name in odd
    if span.name == "rsv" and width == 3:
        for bit in range(3):
            yield _Cell(
                start + bit,
                1,
                (*f"RSV{bit + 1}", _bits(header, start + bit, 1)),
                marked and bool(span.value & 4 >> bit),
            )
        return
    label = _LABELS.get(span.name, span.name)
    if width == 1:
        yield _Cell(start, 1, (*f"{label:<4}"[:4], _bits(header, start, 1)), marked)
        return
    raw = header[start // 8 : (start + width + 7) // 8]
    if not span.complete:
        yield _Cell(start, width, (label,), marked, raw, "cut short here")
    elif width > _BITS_SHOWN:
        value = "" if isinstance(span.value, bytes) else f"= {span.value}"
        yield _Cell(start, width, (label,), marked, raw, value)
    else:
        lines = (label, *_value_lines(span, raw), "", "")[:4]
        yield _Cell(start, width, (*lines, _bits(header, start, width)), marked)


def _value_lines(span: "FieldSpan", raw: bytes) -> tuple[str, ...]:
    from wsproxy.protocol.opcodes import opcode_name

    if span.name == "opcode":
        name = opcode_name(span.value)
        return (f"0x{span.value:X}", {"continuation": "cont."}.get(name, name)[:7])
    if len(raw) > 1:
        return (f"{raw.hex(' ').upper()} = {span.value}",)
    return (str(span.value),)


def _bits(header: bytes, start: int, width: int) -> str:
    number = int.from_bytes(header)
    return " ".join(str(number >> (len(header) * 8 - 1 - bit) & 1) for bit in range(start, start + width))


def _shown_payload(frame: "Frame") -> int:
    """How many bytes of the payload are drawn byte by byte: whole rows, or all of a small one."""
    room = -len(frame.header) % 4 + _PAYLOAD_ROWS * 4
    return min(len(frame.payload), room if len(frame.payload) <= room else room - 8)


def _payload_cells(frame: "Frame", shown: int, odd: bool) -> Iterator[_Cell]:
    """One cell for the payload bytes of each row, in which every byte stands under its own eight bits."""
    wire = frame.serialize()[len(frame.header) :][:shown]
    start = len(frame.header)
    at = 0
    while at < shown:
        count = min(4 - (start + at) % 4, shown - at)
        seen, said = wire[at : at + count], frame.payload[at : at + count]
        label = "Payload data" if at == 0 else "Payload data continued"
        yield _Cell((start + at) * 8, count * 8, (label, *_byte_lines(seen, said, frame.masked)), odd)
        at += count


def _byte_lines(seen: bytes, said: bytes, masked: bool) -> tuple[str, ...]:
    """The bytes, each in the middle of its 15 columns, and the characters they are, if they are any."""
    if masked:
        cells = [f"{a:02X} → {b:02X}" for a, b in zip(seen, said, strict=True)]
    else:
        cells = [f"{byte:02X}" for byte in seen]
    characters = [f"{chr(byte)!r}"[1:-1] if 0x20 <= byte < 0x7F or byte in b"\r\n\t" else "" for byte in said]
    return " ".join(f"{cell:^15}" for cell in cells), " ".join(f"{c:^15}" for c in characters)


def _parts(cell: _Cell, row: int) -> Iterator[_Cell]:
    """The part of the cell that lies in this row, named where it begins and `continued` after that."""
    start, end = max(cell.start, row), min(cell.start + cell.width, row + _ROW_BITS)
    if start >= end:
        return
    lines = cell.lines
    if cell.data:
        label = cell.lines[0] if start == cell.start else "(continued)"
        data = cell.data[(start - cell.start) // 8 : (end - cell.start) // 8]
        hex_line, _ = _byte_lines(data, data, masked=False)
        lines = (label, hex_line, cell.value if end == cell.start + cell.width else "")
    yield _Cell(start - row, end - start, lines, cell.odd)


def _content(offset: int, cells: Sequence[_Cell]) -> Iterator[Line]:
    height = max((len(cell.lines) for cell in cells), default=0)
    while height > 1 and not any(line.strip() for cell in cells for line in cell.lines[height - 1 : height]):
        height -= 1
    for index in range(height):
        gutter = f"{offset:>{_GUTTER - 1}} " if index == 0 else " " * _GUTTER
        line = [Span(gutter, "dim"), Span("│", "dim")]
        for cell in cells:
            text = cell.lines[index] if index < len(cell.lines) else ""
            line += [Span(_fit(text, cell.width), _style(cell, index)), Span("│", "dim")]
        yield line


def _style(cell: _Cell, index: int) -> str:
    if cell.odd:
        return "odd"
    labels = 4 if cell.width == 1 else 1
    return "" if index < labels else "value"


def _fit(text: str, bits: int) -> str:
    room = bits * 2 - 1
    text = printable(text)
    if len(text) > room:
        text = text[:room] if room < 4 else text[: room - 1] + "…"
    return f"{text:^{room}}"


def _border(above: Sequence[_Cell], below: Sequence[_Cell]) -> Line:
    """The line between two rows: a corner, a tee or a cross wherever boxes meet, `!` over an odd field."""
    up = {edge for cell in above for edge in (cell.start, cell.start + cell.width)}
    down = {edge for cell in below for edge in (cell.start, cell.start + cell.width)}
    width = max(up | down, default=0)
    marked = {2 * cell.start + cell.width for cell in below if cell.odd}
    spans = [Span(" " * _GUTTER, "dim")]
    for column in range(2 * width + 1):
        edge = column // 2 if column % 2 == 0 else -1
        if column in marked and edge not in (up | down):
            spans.append(Span("!", "odd"))
        else:
            spans.append(Span(_joint(edge, up, down, width), "dim"))
    return _merged(spans)


def _joint(edge: int, up: set[int], down: set[int], width: int) -> str:
    above, below = edge in up, edge in down
    left = edge > 0
    right = 0 <= edge < width
    if not above and not below:
        return "─"
    if not left:
        return "├" if above and below else "└" if above else "┌"
    if not right:
        return "┤" if above and below else "┘" if above else "┐"
    return "┼" if above and below else "┴" if above else "┬"


def _merged(spans: Sequence[Span]) -> Line:
    line: Line = []
    for span in spans:
        if line and line[-1].style == span.style:
            line[-1] = Span(line[-1].text + span.text, span.style)
        else:
            line.append(span)
    return line


def _more(offset: int, rest: int) -> Line:
    text = f"Payload data continued: {rest} more bytes"
    return [Span(f"{offset:>{_GUTTER - 1}} ", "dim"), Span("┊", "dim"), Span(f"{text:^63}"), Span("┊", "dim")]
