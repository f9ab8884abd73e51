"""Shows sessions while they are recorded, without ever holding them up."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from wsproxy.cli.mended import beside_frames
from wsproxy.cli.ration import OVERHEAD, LiveLimits, Ration, Taken, take
from wsproxy.cli.seen import SessionSight
from wsproxy.errors import UsageError

if TYPE_CHECKING:
    from wsproxy.cli.paint import Line, Output
    from wsproxy.cli.views import Lines, View
    from wsproxy.protocol.frame import Frame, Side
    from wsproxy.protocol.session import SessionEvent
    from wsproxy.store.model import SessionEnd, SessionStart
    from wsproxy.store.session_recorder import Changed, Found

_IDLE_S = 1.0
_TOGETHER = 64
_FIRST_CONTROL = 0x8
_CLOSE_PATIENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class _Received:
    """What a side sent; `missed` is the last data frame before it that was not shown."""

    session_id: int
    side: "Side"
    at_ns: int
    taken: Taken
    missed: "Frame | None"


@dataclass(frozen=True, slots=True)
class _Started:
    session_id: int
    start: "SessionStart"


@dataclass(frozen=True, slots=True)
class _Ended:
    session_id: int
    end: "SessionEnd"


@dataclass(frozen=True, slots=True)
class _Repaired:
    session_id: int
    changes: "tuple[Changed, ...]"

    @property
    def size(self) -> int:
        """What it keeps in memory, in bytes."""
        return sum(OVERHEAD + len(change.sent) for change in self.changes)


@dataclass(frozen=True, slots=True)
class _Departed:
    session_id: int
    findings: "tuple[Found, ...]"


@dataclass(frozen=True, slots=True)
class _Skipped:
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Said:
    lines: "tuple[Line | str, ...]"


type _Item = _Said | _Started | _Received | _Ended | _Repaired | _Departed | _Skipped


class LiveDisplay:
    """An observer that prints in a thread of its own, and counts what comes too fast to be read.

    A terminal that is slow, or was stopped, makes it show less; neither the recorder nor the relay waits for
    it. `on_broken` is called, in that thread, when the reader of the output has left.
    """

    def __init__(
        self,
        view: "View",
        output: "Output",
        *,
        limits: LiveLimits | None = None,
        on_broken: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._view = view
        self._output = output
        self._ration = Ration(limits or LiveLimits(), clock)
        self._on_broken = on_broken
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._skipped: dict[str, int] = {}
        self._missed: dict[tuple[int, str], Frame] = {}
        self._sights: dict[int, SessionSight] = {}
        self._thread = threading.Thread(target=self._run, name="wsproxy display", daemon=True)
        self._thread.start()

    def session_started(self, session_id: int, start: "SessionStart") -> None:
        """A session's opening handshake is over."""
        self._queue.put(_Started(session_id, start))

    def events_received(
        self, session_id: int, side: "Side", at_ns: int, events: "Sequence[SessionEvent]"
    ) -> None:
        """A side sent something: take what there is room for, count the rest."""
        with self._lock:
            taken = take(events, self._ration.room())
            if taken.things:
                self._report_skipped()
                missed = self._missed.pop((session_id, side), None)
                self._queue.put(_Received(session_id, side, at_ns, taken, missed))
                self._ration.use(taken.things, taken.size)
            if taken.used < len(events):
                self._skip(session_id, side, events[taken.used :])

    def changes_made(self, session_id: int, changes: "Sequence[Changed]") -> None:
        """Something else was sent on."""
        with self._lock:
            if self._ration.room() > 0:
                repaired = _Repaired(session_id, tuple(changes))
                self._queue.put(repaired)
                self._ration.use(1, repaired.size)

    def findings_made(self, session_id: int, findings: "Sequence[Found]") -> None:
        """Departures from rules."""
        self._queue.put(_Departed(session_id, tuple(findings)))

    def session_ended(self, session_id: int, end: "SessionEnd") -> None:
        """A session is over."""
        with self._lock:
            self._report_skipped()
            for side in ("client", "server"):
                self._missed.pop((session_id, side), None)
        self._queue.put(_Ended(session_id, end))

    def say(self, *lines: "Line | str") -> None:
        """Print lines of one's own, behind what came before them."""
        with self._lock:
            self._report_skipped()
        self._queue.put(_Said(lines))

    def close(self) -> None:
        """Show what waits, unless that takes long."""
        with self._lock:
            self._report_skipped()
        self._queue.put(None)
        self._thread.join(_CLOSE_PATIENCE_S)

    def _skip(self, session_id: int, side: "Side", events: "Sequence[SessionEvent]") -> None:
        from wsproxy.protocol.frame import Frame

        last: Frame | None = None
        count = 0
        for event in events:
            if type(event) is Frame:
                count += 1
                last = event if event.opcode < _FIRST_CONTROL else last
        if last is not None:
            self._missed[session_id, side] = last._replace(payload=b"")
        if count:
            self._skipped[side] = self._skipped.get(side, 0) + count

    def _report_skipped(self) -> None:
        if self._skipped:
            self._queue.put(_Skipped(self._skipped))
            self._skipped = {}

    def _run(self) -> None:
        try:
            while self._show_some():
                pass
        except BrokenPipeError:
            self._on_broken()
        except UsageError as error:
            click.echo(f"wsproxy: {error}; nothing more is shown", err=True)

    def _show_some(self) -> bool:
        """Print what waits, in one go; returns False when there will be no more."""
        items: list[_Item | None] = []
        with contextlib.suppress(queue.Empty):
            items.append(self._queue.get(timeout=_IDLE_S))
            while len(items) < _TOGETHER:
                items.append(self._queue.get_nowait())
        if not items:
            with self._lock:
                self._report_skipped()
        for item in items:
            if item is not None:
                self._output.print_all(self._lines(item))
        self._output.flush()
        with self._lock:
            for item in items:
                if isinstance(item, _Received):
                    self._ration.free(item.taken.things, item.taken.size)
                elif isinstance(item, _Repaired):
                    self._ration.free(1, item.size)
        return None not in items

    def _lines(self, item: _Item) -> "Lines":
        if isinstance(item, _Started):
            self._sights[item.session_id] = SessionSight(item.start.extensions)
            return self._view.started(item.session_id, item.start)
        if isinstance(item, _Ended):
            self._sights.pop(item.session_id, None)
            return self._view.ended(item.session_id, item.end)
        if isinstance(item, _Repaired):
            return self._view.repaired(item.session_id, item.changes)
        if isinstance(item, _Departed):
            return self._departed_lines(item)
        if isinstance(item, _Skipped):
            return self._view.skipped(item.counts)
        if isinstance(item, _Said):
            return item.lines
        return self._event_lines(item)

    def _departed_lines(self, item: _Departed) -> "Lines":
        """What was not said of the frames that were shown."""
        sight = self._sights.get(item.session_id)
        beside = beside_frames(item.findings)
        for found in item.findings:
            if found in beside or (sight is not None and not sight.has_named(found)):
                yield from self._view.found(item.session_id, found)

    def _event_lines(self, item: _Received) -> "Lines":
        sight = self._sights.get(item.session_id)
        if sight is None:
            return
        if item.missed is not None:
            sight.skip(item.side, [item.missed])
        for seen in sight.see_all(item.side, item.at_ns, item.taken.events):
            yield from self._view.seen(item.session_id, seen)
