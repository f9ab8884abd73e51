"""Shows what is replayed, without ever holding it up."""

import queue
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from wsproxy.cli.paint import Line, Output, Span, printable

if TYPE_CHECKING:
    from wsproxy.replay.book import Noted

_WAITING = 2000
_CLOSE_PATIENCE_S = 3.0


class View(Protocol):
    """Lines for what happens."""

    def shown(self, noted: "Noted") -> Iterable[Line | str]:
        """Something happened."""

    def skipped(self, count: int) -> Iterable[Line | str]:
        """So many lines are not shown."""


class TextView:
    """For people."""

    def shown(self, noted: "Noted") -> Iterable[Line | str]:
        """Something happened."""
        prefix = f"{noted.connection:>4} "
        if noted.line is not None:
            style = noted.line.message.side.value
            yield [Span(prefix, "dim"), Span(printable(noted.line.text), "odd" if noted.line.note else style)]
        elif noted.mismatch is not None:
            for line in noted.mismatch.text.splitlines():
                yield [Span(prefix, "dim"), Span(printable(line), "odd")]
        else:
            yield [Span(prefix, "dim"), Span(printable(noted.text), "title")]

    def skipped(self, count: int) -> Iterable[Line | str]:
        """So many lines are not shown."""
        return [[Span(f"… {count:,} lines not shown, they come too fast", "dim")]]


class JsonView:
    """For machines: one object a line."""

    def shown(self, noted: "Noted") -> Iterable[Line | str]:
        """Something happened."""
        from wsproxy.cli.objects import json_line
        from wsproxy.replay.report import line_object, mismatch_object

        about = {"connection": noted.connection}
        if noted.line is not None:
            yield json_line({"type": "message", **about, **line_object(noted.line)})
        elif noted.mismatch is not None:
            yield json_line({"type": "mismatch", **about, **mismatch_object(noted.mismatch)})
        else:
            yield json_line({"type": "note", **about, "text": noted.text})

    def skipped(self, count: int) -> Iterable[Line | str]:
        """So many lines are not shown."""
        from wsproxy.cli.objects import json_line

        return [json_line({"type": "skipped", "lines": count})]


class ReplayDisplay:
    """Prints in a thread of its own; what a slow terminal has no time for is counted, mismatches are not left
    out.
    """

    def __init__(self, view: View, output: Output, *, quiet: bool) -> None:
        self._view = view
        self._output = output
        self._quiet = quiet
        self._queue: queue.SimpleQueue[Noted | int | None] = queue.SimpleQueue()
        self._skipped = 0
        self._on_broken: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._run, name="wsproxy display", daemon=True)
        self._thread.start()

    def on_broken(self, call: Callable[[], object]) -> None:
        """What to call, in the display's thread, when the reader of the output has left."""
        self._on_broken = call

    def show(self, noted: "Noted") -> None:
        """Something happened; never blocks."""
        if self._quiet and noted.mismatch is None:
            return
        if noted.line is not None and self._queue.qsize() >= _WAITING:
            self._skipped += 1
            return
        if self._skipped:
            self._queue.put(self._skipped)
            self._skipped = 0
        self._queue.put(noted)

    def close(self) -> None:
        """Print what waits, and end."""
        if self._skipped:
            self._queue.put(self._skipped)
        self._queue.put(None)
        self._thread.join(_CLOSE_PATIENCE_S)

    def _run(self) -> None:
        try:
            while (item := self._queue.get()) is not None:
                lines = self._view.skipped(item) if isinstance(item, int) else self._view.shown(item)
                self._output.print_all(lines)
                if self._queue.empty():
                    self._output.flush()
        except OSError:
            self._on_broken()
