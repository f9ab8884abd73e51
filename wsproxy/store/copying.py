"""A recording written anew, session by session, through a recorder."""

import threading
from collections.abc import Iterator, Sequence
from heapq import merge
from typing import NamedTuple

from wsproxy.conformance.checker import WITNESSED
from wsproxy.conformance.finding import Finding
from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import OpaqueData, Side
from wsproxy.protocol.grammar import DIALECTS
from wsproxy.store.limits import WriterLimits
from wsproxy.store.model import (
    StoredChange,
    StoredEvent,
    StoredSession,
    TcpEnd,
)
from wsproxy.store.reader import Recording
from wsproxy.store.redaction import Redaction, redaction_from_json
from wsproxy.store.schema import POSITION_BITS
from wsproxy.store.session_recorder import Changed, SessionRecorder
from wsproxy.store.writer import Recorder


class _Ended(NamedTuple):
    """A TCP direction ended, in the order of ids."""

    id: int
    side: Side
    how: TcpEnd
    at_ns: int


type _Item = StoredEvent | StoredChange | _Ended


class Copied(NamedTuple):
    """How much was copied."""

    sessions: int
    exchanges: int


def copy_recording(
    source: Recording,
    place: str,
    *,
    redaction: Redaction | None = None,
    sessions: Sequence[int | str] = (),
    limits: WriterLimits | None = None,
) -> Copied:
    """Write `sessions` of `source` (all of them, and the plain HTTP exchanges, if none are named) to `place`,
    redacted. Times stay; sessions are numbered anew, and checked anew for findings.

    Raises RecordingError if either recording fails, or a session needs a grammar that is not ours: nothing
    that a recording names is run.
    """
    stored = [source.session(each) for each in sessions] or list(source.sessions())
    for session in stored:
        _check(session)
    copier = _Copier(source, place, redaction, limits)
    try:
        for session in stored:
            copier.copy(session)
        count = 0 if sessions else copier.copy_exchanges()
    finally:
        copier.close()
    return Copied(len(stored), count)


def _check(session: StoredSession) -> None:
    for name in (session.start.client_dialect, session.start.server_dialect):
        if name not in DIALECTS:
            raise RecordingError(
                f"session {session.id} was recorded with the grammar {name}, which a recording cannot bring"
                " along: name the other sessions"
            )
    if session.start.redaction is not None:
        redaction_from_json(session.start.redaction)


class _Copier:
    def __init__(
        self, source: Recording, place: str, redaction: Redaction | None, limits: WriterLimits | None
    ) -> None:
        self._source = source
        self._failure: RecordingError | None = None
        self._relaxed = threading.Event()
        self._relaxed.set()
        self._recorder = Recorder(
            place, limits=limits, on_failure=self._fail, on_pressure=self._press, redaction=redaction
        )
        self._recorder.start()

    def copy(self, session: StoredSession) -> None:
        """Copy a session; one that was not seen to end is interrupted in the copy."""
        target = self._recorder.open_session(session.start, self._repairs(session))
        for item in self._items(session):
            self._wait()
            _put(target, item)
        for each in self._source.findings(session.id):
            if each.rule_id in WITNESSED:
                target.finding(each.rule_id, each.detail, each.side, each.offset, each.at_ns)
        if session.end is not None:
            target.end(session.end.ended_at_ns)

    def copy_exchanges(self) -> int:
        """Copy the plain HTTP exchanges; how many there were."""
        count = 0
        for stored in self._source.exchanges():
            self._wait()
            self._recorder.exchange(stored.exchange)
            count += 1
        return count

    def close(self) -> None:
        """Store what waits. Raises RecordingError if not all could be stored."""
        self._recorder.close()
        if self._failure is not None:
            raise self._failure

    def _items(self, session: StoredSession) -> Iterator[_Item]:
        ends: list[_Item] = [end for side in Side if (end := _end(session, side)) is not None]
        sources: list[Iterator[_Item]] = [
            self._source.events(session.id),
            self._source.changes(session.id),
            iter(sorted(ends, key=_id)),
        ]
        tails = {side: self._source.tail(session.id, side) for side in Side}
        for item in merge(*sources, key=_id):
            if isinstance(item, _Ended):
                yield from self._tail(session, item.side, tails)
            yield item
        for side in Side:
            yield from self._tail(session, side, tails)

    def _repairs(self, session: StoredSession) -> list[Finding]:
        """What was mended in the opening handshake; all other findings are made anew."""
        return [
            Finding(each.rule_id, each.detail, each.side, None)
            for each in self._source.findings(session.id)
            if each.repaired and each.offset is None
        ]

    def _tail(self, session: StoredSession, side: Side, tails: dict[Side, bytes]) -> Iterator[StoredEvent]:
        data = tails.pop(side, b"")
        if data:
            event = OpaqueData(0, data, "")
            yield StoredEvent(0, session.id, side, session.counts(side).last_at_ns, event)

    def _wait(self) -> None:
        self._relaxed.wait()
        if self._failure is not None:
            raise self._failure

    def _press(self, pressed: bool) -> None:
        if pressed:
            self._relaxed.clear()
        else:
            self._relaxed.set()

    def _fail(self, error: RecordingError) -> None:
        self._failure = error
        self._relaxed.set()


def _id(item: _Item) -> int:
    return item.id


def _end(session: StoredSession, side: Side) -> _Ended | None:
    counts = session.counts(side)
    if counts.tcp_end is TcpEnd.OPEN:
        return None
    last = (session.id + 1) << POSITION_BITS
    at_ns = counts.tcp_ended_at_ns
    return _Ended(
        last if counts.tcp_end_id is None else counts.tcp_end_id,
        side,
        counts.tcp_end,
        session.last_at_ns if at_ns is None else at_ns,
    )


def _put(target: SessionRecorder, item: _Item) -> None:
    match item:
        case StoredEvent():
            target.receive_data(item.side, item.event.serialize(), item.at_ns)
        case StoredChange():
            place = (item.start_offset, item.end_offset)
            target.change(Changed(item.kind, item.side, *place, item.sent, item.rules), item.at_ns)
        case _Ended():
            target.receive_eof(item.side, item.how, item.at_ns)
