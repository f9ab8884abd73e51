"""How two sessions laid side by side are printed: their differences, JSON lines, or two columns."""

import shutil
from collections import deque
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Protocol

from wsproxy.cli.objects import json_line, payload_object
from wsproxy.cli.paint import Line, Output, Span, printable

if TYPE_CHECKING:
    from wsproxy.replay.compare import Comparison, Difference, Row
    from wsproxy.replay.transcript import Told

_WIDTH, _LEAST_WIDTH = 120, 60
_EXCERPT = 400
_BINARY, _CLOSE = 0x2, 0x8
_ONE_SIDED = {"missing": "-", "added": "+"}


class DiffView(Protocol):
    """Takes a comparison as it is made."""

    def row(self, row: "Row") -> None:
        """The next message of both, or what concerns a side."""

    def end(self, comparison: "Comparison") -> None:
        """That was all."""


def make_view(output: Output, as_json: bool, side_by_side: bool, context: int) -> DiffView:
    """The view that was asked for."""
    if as_json:
        return JsonDiff(output)
    if side_by_side:
        width = shutil.get_terminal_size((_WIDTH, 0)).columns
        return ColumnDiff(output, max(_LEAST_WIDTH, width))
    return TextDiff(output, max(0, context))


class TextDiff:
    """The differences, each with a few messages around it."""

    def __init__(self, output: Output, context: int) -> None:
        self._output = output
        self._context = context
        self._before: deque[Row] = deque(maxlen=context)
        self._skipped = 0
        self._after = 0

    def row(self, row: "Row") -> None:
        """The next row."""
        if row.differences:
            self._flush()
            self._output.print_all(_difference_lines(row))
            self._after = self._context
        elif self._after:
            self._after -= 1
            self._output.print(_message_line(" ", row))
        else:
            self._skipped += len(self._before) == self._context
            self._before.append(row)

    def end(self, comparison: "Comparison") -> None:
        """The counts."""
        self._skipped += len(self._before)
        self._before.clear()
        if comparison.counts:
            self._flush()
        self._output.print(summary(comparison))

    def _flush(self) -> None:
        if self._skipped:
            self._output.print([Span(f"  … {self._skipped:,} the same", "dim")])
        self._output.print_all(_message_line(" ", row) for row in self._before)
        self._before.clear()
        self._skipped = 0


class JsonDiff:
    """An object for each difference, and one for the counts; bytes are hex."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def row(self, row: "Row") -> None:
        """The next row."""
        for difference in row.differences:
            value = {
                "type": "difference",
                "kind": difference.kind.value,
                "side": row.side.value,
                "first": told_object(row.first),
                "second": told_object(row.second),
                "lines": difference.lines,
            }
            self._output.print(json_line(value))

    def end(self, comparison: "Comparison") -> None:
        """The counts."""
        counts = {kind.value: count for kind, count in sorted(comparison.counts.items())}
        self._output.print(json_line({"type": "summary", "same": comparison.same, "differences": counts}))


class ColumnDiff:
    """All of both sessions: the first on the left, the second on the right."""

    def __init__(self, output: Output, width: int) -> None:
        self._output = output
        self._column = (width - len("client ") - 3) // 2

    def row(self, row: "Row") -> None:
        """The next row."""
        if row.first is None and row.second is None:
            for difference in row.differences:
                self._output.print([Span(f"{row.side}: {difference.kind}", "title")])
                self._columns(difference)
            return
        left, right = (("" if told is None else told_text(told)) for told in (row.first, row.second))
        self._print(left, _mark(row), right, row)
        for difference in row.differences:
            if difference.kind in ("framing", "turn", "timing"):
                self._columns(difference)

    def end(self, comparison: "Comparison") -> None:
        """The counts."""
        self._output.print(summary(comparison))

    def _columns(self, difference: "Difference") -> None:
        left = [line[2:] for line in difference.lines if not line.startswith("+ ")]
        right = [line[2:] for line in difference.lines if not line.startswith("- ")]
        for one, other in zip_longest(left, right, fillvalue=""):
            self._print(f"  {one}", "|", f"  {other}")

    def _print(self, left: str, mark: str, right: str, row: "Row | None" = None) -> None:
        style = "" if row is None else row.side.value
        padded = _fitted(left, self._column).ljust(self._column)
        odd = "odd" if mark != " " else ""
        self._output.print(
            [
                Span(f"{style:<7}{padded}", style),
                Span(f" {mark} ", odd),
                Span(_fitted(right, self._column), style),
            ]
        )


def summary(comparison: "Comparison") -> str:
    """What the comparison came to, in a line."""
    total = comparison.counts.total()
    same = f"{comparison.same:,} messages and control frames are the same"
    if not total:
        return f"no differences: {same}"
    counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(comparison.counts.items()))
    return f"{total:,} difference{'s' if total > 1 else ''} ({counts}); {same}"


def told_object(told: "Told | None") -> dict[str, Any] | None:
    """A message or control frame in its session."""
    from wsproxy.protocol.opcodes import opcode_name

    if told is None:
        return None
    message = told.message
    return {
        "number": message.number,
        "opcode": message.opcode,
        "opcode_name": opcode_name(message.opcode),
        "length": message.length,
        "frames": told.frames,
        "compressed": told.compressed,
        "error": told.error,
        "at_ns": message.at_ns,
        "gap_ns": told.gap_ns,
        "turn": told.turn,
        **payload_object(message.opcode, message.payload),
    }


def told_text(told: "Told") -> str:
    """The same in a line, its beginning only if it is long."""
    from wsproxy.cli.payload import payload_lines
    from wsproxy.protocol.opcodes import opcode_name

    message = told.message
    payload = message.payload[:_EXCERPT]
    if message.opcode == _CLOSE:
        said = " ".join(payload_lines(_CLOSE, payload))
    elif message.opcode == _BINARY:
        said = payload.hex(" ")
    else:
        said = printable(payload.decode(errors="backslashreplace"))
    return f"{message.number:>4} {opcode_name(message.opcode):<6} {message.length:>7,} B  {said}"


def _difference_lines(row: "Row") -> list[Line | str]:
    kinds = ", ".join(difference.kind for difference in row.differences)
    mark = _ONE_SIDED.get(kinds, "!")
    lines: list[Line | str] = []
    if row.first is None and row.second is None:
        lines.append([Span(f"! {row.side}: {kinds}", "odd")])
    else:
        lines.append([*_message_line(mark, row), Span(f"  ({kinds})", "odd")])
    for difference in row.differences:
        lines += [f"      {line}" for line in difference.lines]
    return lines


def _message_line(mark: str, row: "Row") -> Line:
    told = row.first or row.second
    assert told is not None
    text = _fitted(told_text(told), _WIDTH - 20)
    return [Span(f"{mark} ", "odd"), Span(f"{row.side:<6}", row.side.value), Span(f" {text}")]


def _mark(row: "Row") -> str:
    if row.first is None:
        return ">"
    if row.second is None:
        return "<"
    return "|" if row.differences else " "


def _fitted(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
