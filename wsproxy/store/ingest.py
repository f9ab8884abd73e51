"""What waits to be stored: how it is decoded, shown to observers, and becomes rows."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import load_dialect
from wsproxy.protocol.overwrite import overwritten
from wsproxy.protocol.session import SessionEvent
from wsproxy.store.limits import WriterLimits
from wsproxy.store.model import HttpExchange, Observer
from wsproxy.store.redacting import RedactedLog
from wsproxy.store.redaction import Redaction
from wsproxy.store.rows import RowBatch
from wsproxy.store.session_log import SessionLog
from wsproxy.store.session_recorder import (
    Changed,
    Found,
    Item,
    Opened,
    Operation,
    ReachedEnd,
    SessionItem,
    SessionRecorder,
)
from wsproxy.store.sinks import RowSink

_log = logging.getLogger(__name__)

# A slice of data is the smallest piece of work; with so many events in it, it is made smaller, or may grow
# again.
_MOST_UNTOLD = 4096
_MANY_EVENTS, _FEW_EVENTS = 4096, 1024


class Ingest:
    """Everything that was taken over from the event loop and is not committed yet.

    `done(size, count)` is called when `count` items with `size` bytes need no more memory. With `redaction`
    nothing is stored, or shown to observers, that it does not let pass.
    """

    def __init__(
        self,
        mark: str,
        limits: WriterLimits,
        observers: Sequence[Observer],
        done: Callable[[int, int], None],
        redaction: Redaction | None = None,
    ) -> None:
        self._limits = limits
        self._observers = list(observers)
        self._done = done
        self._redaction = redaction
        self.frames = 0
        """How many frames are committed."""
        self._batch = RowBatch(mark)
        self._logs: dict[SessionRecorder, SessionLog] = {}
        self._touched: dict[SessionLog, None] = {}
        self._waiting: deque[tuple[float, SessionItem]] = deque()
        self._untold: dict[SessionLog, deque[Changed]] = {}
        self._position = 0
        self._slice = limits.slice_size

    @property
    def waiting(self) -> bool:
        """Whether something was taken over and not stored."""
        return bool(self._waiting)

    @property
    def recording(self) -> bool:
        """Whether any session is open."""
        return bool(self._logs)

    def take(self, sink: RowSink, items: Iterable[Item]) -> None:
        """Take over `items`, and store at once what need not wait for its turn.

        So every session with data waiting has its row, and what is known of changes is never behind the data.
        """
        now = time.monotonic()
        for item in items:
            if isinstance(item, HttpExchange):
                self._add_exchange(sink, item)
                continue
            session, what, _, at_ns = item
            if isinstance(what, Opened):
                self._open(sink, session, what)
                self._done(len(what.start.request_head) + len(what.start.response_head), 1)
            elif isinstance(what, Changed | Found) and self._redaction is None:
                self._note(session, what, at_ns)
            else:
                self._waiting.append((now, item))

    def store_until(self, sink: RowSink, deadline: float) -> None:
        """Store what waits, until `deadline` (of `time.monotonic`), but something in any case."""
        late = False
        while self._waiting and not late:
            late = time.monotonic() >= deadline
            session, what, data, at_ns = self._waiting[0][1]
            log = self._logs.get(session)
            if isinstance(what, Side):
                self._store_slice(log, what, data, at_ns)
                if self._batch.size >= self._limits.batch_size:
                    sink.insert(self._batch)
                continue
            self._waiting.popleft()
            if isinstance(what, Changed | Found):
                self._note(session, what, at_ns)
                continue
            self._done(0, 1)
            if log is not None:
                self._end(sink, session, log, what, at_ns)

    def finish(self, sink: RowSink) -> None:
        """Complete the transaction: insert what was gathered, and the state of every side that has moved."""
        sink.insert(self._batch)
        undecoded = self._overdue(time.monotonic() - self._limits.spool_age) if self._waiting else {}
        touched = self._touched | dict.fromkeys(undecoded)
        rows = [row for log in touched for row in log.touched_sides(undecoded.get(log, {}))]
        if rows:
            sink.update_sides(rows)

    def let_go(self, sink: RowSink) -> None:
        """Store what is held back of sessions that are still open: there will be no more of them."""
        for log in self._logs.values():
            self._touched[log] = None
            self._flush(log, log.last_at_ns)
        self.finish(sink)

    def committed(self) -> list[int]:
        """The sessions that the transaction, now committed, has touched."""
        sessions = [log.session_id for log in self._touched]
        self.frames += sum(log.new_frames() for log in self._touched)
        self._touched.clear()
        return sessions

    def _open(self, sink: RowSink, session: SessionRecorder, opened: Opened) -> None:
        dialects = {
            Side.CLIENT: load_dialect(opened.start.client_dialect),
            Side.SERVER: load_dialect(opened.start.server_dialect),
        }
        redaction, removed = self._redaction, set[str]()
        if redaction is not None:
            start = redaction.start(opened.start, removed)
            opened = replace(opened, start=start, repairs=redaction.repairs(opened.repairs, removed))
        start = opened.start
        session.session_id = session_id = sink.open_session(start)
        log = (
            SessionLog(session_id, opened, dialects, self._limits)
            if redaction is None
            else RedactedLog(session_id, opened, dialects, self._limits, redaction, removed)
        )
        self._logs[session] = log
        sink.add_sides(log.new_sides())
        self._tell(lambda observer: observer.session_started(session_id, start))
        self._add_findings(log, start.started_at_ns)

    def _add_exchange(self, sink: RowSink, exchange: HttpExchange) -> None:
        sink.add_exchange(exchange if self._redaction is None else self._redaction.exchange(exchange))
        self._done(exchange.size, 1)

    def _note(self, session: SessionRecorder, what: Changed | Found, at_ns: int) -> None:
        log = self._logs.get(session)
        if isinstance(what, Changed):
            size = len(what.sent)
            if log is not None:
                log.change(what, at_ns, self._batch)
                if self._observers:
                    told = what if log.spools else replace(what, sent=overwritten(len(what.sent)))
                    self._untold.setdefault(log, deque(maxlen=_MOST_UNTOLD)).append(told)
        else:
            size = len(what.detail)
            if log is not None:
                log.finding(what, at_ns, self._batch)
        self._done(size, 1)

    def _store_slice(self, log: SessionLog | None, side: Side, data: bytes, at_ns: int) -> None:
        """Store the next slice of the data that has waited longest."""
        start, end = self._position, self._position + self._slice
        if end >= len(data):
            end = len(data)
            self._waiting.popleft()
        self._position = end if end < len(data) else 0
        if log is not None:
            part = data if end - start == len(data) else data[start:end]
            self._touched[log] = None
            events = log.receive_data(side, part, at_ns, self._batch)
            if len(events) > _MANY_EVENTS:
                self._slice //= 2
            elif len(events) < _FEW_EVENTS:
                self._slice = min(self._slice * 2, self._limits.slice_size)
            self._tell_events(log.session_id, side, at_ns, events)
            self._tell_changes(log, side)
            self._add_findings(log, at_ns)
        self._done(end - start, end == len(data))

    def _end(
        self, sink: RowSink, session: SessionRecorder, log: SessionLog, what: Operation, at_ns: int
    ) -> None:
        """A TCP direction, or the session, has ended."""
        self._touched[log] = None
        if isinstance(what, ReachedEnd):
            events = log.receive_eof(what, at_ns, self._batch)
            self._tell_events(log.session_id, what.side, at_ns, events)
            self._add_findings(log, at_ns)
            return
        self._flush(log, at_ns)
        end = log.end(at_ns)
        self._tell_changes(log, Side.CLIENT, last=True)
        self._untold.pop(log, None)
        self._add_findings(log, at_ns)
        sink.end_session(log.session_id, end)
        del self._logs[session]
        self._tell(lambda observer: observer.session_ended(log.session_id, end))

    def _flush(self, log: SessionLog, at_ns: int) -> None:
        for side, events in log.flush(at_ns, self._batch):
            self._tell_events(log.session_id, side, at_ns, events)

    def _overdue(self, before: float) -> dict[SessionLog, dict[Side, bytes]]:
        """The data that was taken over before then and still waits."""
        parts: dict[SessionLog, dict[Side, list[bytes]]] = {}
        position = self._position
        for taken_at, (session, what, data, _) in self._waiting:
            if taken_at > before:
                break
            log = self._logs.get(session)
            if log is not None and log.spools and isinstance(what, Side):
                parts.setdefault(log, {}).setdefault(what, []).append(data[position:])
            position = 0
        return {
            log: {side: b"".join(chunks) for side, chunks in sides.items()} for log, sides in parts.items()
        }

    def _tell_changes(self, log: SessionLog, side: Side, *, last: bool = False) -> None:
        """Tell of the changes to what `side` has sent so far, which are known before that itself."""
        untold = self._untold.get(log)
        if not untold:
            return
        known = log.received(side)
        told: list[Changed] = []
        for _ in range(len(untold)):
            change = untold.popleft()
            late = not last and (change.side is not side or change.start_offset > known)
            (untold if late else told).append(change)
        if told:
            self._tell(lambda observer: observer.changes_made(log.session_id, told))

    def _add_findings(self, log: SessionLog, at_ns: int) -> None:
        found = log.add_findings(at_ns, self._batch)
        if found and self._observers:
            self._tell(lambda observer: observer.findings_made(log.session_id, found))

    def _tell_events(self, session_id: int, side: Side, at_ns: int, events: Sequence[SessionEvent]) -> None:
        if self._observers and events:
            self._tell(lambda observer: observer.events_received(session_id, side, at_ns, events))

    def _tell(self, what: Callable[[Observer], None]) -> None:
        for observer in tuple(self._observers):
            try:
                what(observer)
            except Exception:
                # Recording goes on without it: a fault in a display must not cost what passes.
                _log.exception("an observer failed and is told no more")
                self._observers.remove(observer)
