"""Reading a recording: plain values, streamed, never a whole session at once."""

import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Select, Table, func, select

from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.protocol.message import MESSAGE_LIMIT
from wsproxy.store import rows, schema
from wsproxy.store.engine import reading_engine
from wsproxy.store.leases import dead_recorders
from wsproxy.store.loading import loaded
from wsproxy.store.location import Location, parse_location
from wsproxy.store.messages import MESSAGES
from wsproxy.store.migrations import check_version
from wsproxy.store.model import (
    ChangeRules,
    StoredChange,
    StoredEvent,
    StoredExchange,
    StoredFinding,
    StoredFrame,
    StoredMessage,
    StoredSession,
)
from wsproxy.store.pages import Pages
from wsproxy.store.records import Record, exchange_records, session_records
from wsproxy.store.search import Search
from wsproxy.store.selects import of_side, select_rows, select_sessions
from wsproxy.store.sent import apply_changes
from wsproxy.store.session_rows import any_open, stored_session
from wsproxy.store.wire_events import WireEvents

_MOST_CHANGE_RULES = 1000


def open_recording(path_or_url: str) -> "Recording":
    """Open a recording for reading; it is never modified, and may be written to meanwhile.

    Raises RecordingError if there is none, or if it is damaged, of a newer format, or something else.
    """
    location = parse_location(path_or_url)
    if location.jsonl is None:
        return _opened(location, lambda: None)
    place, forget = loaded(location)
    try:
        return _opened(place, forget)
    except BaseException:
        forget()
        raise


def _opened(location: Location, forget: Callable[[], None]) -> "Recording":
    pages = Pages(reading_engine(location), location)
    try:
        with pages.transaction() as connection:
            version = check_version(connection, location)
    except RecordingError:
        pages.close()
        raise
    return Recording(pages, location, version, forget)


class Recording:
    """A recording opened for reading, to be used by one thread, and closed (it is a context manager).

    Everything is read as the iterators are consumed; every method raises RecordingError when the database
    fails.
    """

    def __init__(self, pages: Pages, location: Location, version: int, forget: Callable[[], None]) -> None:
        self._pages = pages
        self._wire = WireEvents(pages)
        self.location = location
        self._version = version
        self._forget = forget
        self._select_sessions = select_sessions(version)
        self._has_exchanges = version >= schema.since(schema.http_exchanges)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        self._pages.close()
        self._forget()

    def sessions(self) -> Iterator[StoredSession]:
        """All sessions, oldest first."""
        for row in self._pages.rows(self._select_sessions, schema.sessions.c.id, 0):
            yield self._sessions([row])[0]

    def session(self, ref: int | str) -> StoredSession:
        """The session with this number, or the "last" one; raises RecordingError if there is none."""
        if ref == "last":
            statement = self._select_sessions.order_by(schema.sessions.c.id.desc()).limit(1)
        elif str(ref).isdecimal():
            statement = self._select_sessions.where(
                schema.sessions.c.id == min(int(ref), schema.MOST_SESSIONS)
            )
        else:
            raise RecordingError(f"{ref!r} is not a session: give its number, or last")
        found = self._sessions(self._pages.fetch(statement))
        if found:
            return found[0]
        if ref == "last":
            raise RecordingError(f"{self.location} has no sessions yet: record something first")
        raise RecordingError(f"{self.location} has no session {ref}: `wsproxy ls` shows which it has")

    def events(self, session_id: int, side: Side | None = None, *, after: int = 0) -> Iterator[StoredEvent]:
        """What was on the wire, in the order seen; with `side`, of that side only; `after` an event's id, the
        rest.
        """
        return self._wire.events(session_id, side, after)

    def frames(self, session_id: int, side: Side | None = None, *, after: int = 0) -> Iterator[StoredFrame]:
        """The frames, in the order in which they began."""
        return self._pages.converted(self._rows(schema.frames, session_id, side, after), rows.stored_frame)

    def payload(self, frame_id: int) -> Iterator[bytes]:
        """The payload data of a frame, all that was recorded of it, in the pieces in which it is kept."""
        found = self._pages.fetch(select(schema.frames).where(schema.frames.c.id == frame_id))
        for frame in self._pages.converted(found, rows.frame):
            yield frame.payload
            if not frame.complete:
                yield from self._later_payload(frame_id)

    def messages(
        self, session_id: int, side: Side | None = None, *, after: int = 0, limit: int = MESSAGE_LIMIT
    ) -> Iterator[StoredMessage]:
        """The assembled messages, by when they were complete, each with at most `limit` bytes of payload."""
        statement = of_side(select(MESSAGES), MESSAGES.c.side, side)
        first = max(after, schema.first_id(session_id))
        last = schema.first_id(session_id + 1) - 1

        def read(row: Any) -> StoredMessage:
            payload = row.payload
            if payload is None:
                payload = _joined(self.payload(row.id), limit)
            return rows.message(row, payload[:limit])

        return self._pages.converted(self._pages.rows(statement, MESSAGES.c.id, first, last), read)

    def stream(self, session_id: int, side: Side) -> Iterator[bytes]:
        """Every byte received from `side`, its head included."""
        start = self.session(session_id).start
        yield start.request_head if side is Side.CLIENT else start.response_head
        yield from self._wire.received(session_id, side)

    def stream_sent(self, session_id: int, side: Side) -> Iterator[bytes]:
        """Every byte that was sent on for what was received from `side`, its head included."""
        start = self.session(session_id).start
        if side is Side.CLIENT:
            yield start.request_head if start.request_head_sent is None else start.request_head_sent
        else:
            yield start.response_head if start.response_head_sent is None else start.response_head_sent
        yield from apply_changes(
            self._wire.received(session_id, side), self.changes_by_offset(session_id, side)
        )

    def changes_by_offset(self, session_id: int, side: Side) -> Iterator[StoredChange]:
        """What was sent on in place of what `side` sent, in the order in which it stands in its stream."""
        changes = schema.changes
        statement = select_rows(changes, self._version).where(
            changes.c.side == rows.side_number(side),
            changes.c.id.between(schema.first_id(session_id), schema.first_id(session_id + 1) - 1),
        )
        by_offset = self._pages.sorted_rows(statement.order_by(changes.c.start_offset, changes.c.id))
        yield from self._pages.converted(by_offset, rows.change)

    def tail(self, session_id: int, side: Side) -> bytes:
        """The bytes received from `side` that are part of no event: a frame under way, or cut short."""
        return self._wire.tail(session_id, side)

    def changes(self, session_id: int, side: Side | None = None) -> Iterator[StoredChange]:
        """What was sent on in place of something received, in the order in which it was done."""
        found = self._rows(schema.changes, session_id, side, 0, select_rows(schema.changes, self._version))
        return self._pages.converted(found, rows.change)

    def change_rules(self, session_id: int) -> frozenset[ChangeRules]:
        """What kinds of changes there are, and for which rules: each once, and at most 1,000."""
        changes = schema.changes
        first, last = schema.first_id(session_id), schema.first_id(session_id + 1) - 1
        of_session = select_rows(changes, self._version).where(changes.c.id.between(first, last)).subquery()
        columns = of_session.c.side, of_session.c.kind, of_session.c.rules
        found = self._pages.fetch(select(*columns).distinct().limit(_MOST_CHANGE_RULES))
        return frozenset(self._pages.converted(found, rows.change_rules))

    def findings(self, session_id: int, side: Side | None = None) -> Iterator[StoredFinding]:
        """The departures from rules that were seen while recording."""
        return self._pages.converted(self._rows(schema.findings, session_id, side, 0), rows.finding)

    def exchanges(self) -> Iterator[StoredExchange]:
        """The plain HTTP exchanges that passed, by when they were over, refused handshakes among them."""
        exchanges = schema.http_exchanges
        if self._has_exchanges:
            yield from map(rows.exchange, self._pages.rows(select(exchanges), exchanges.c.id, 0))

    def exchange(self, number: int) -> StoredExchange:
        """The HTTP exchange with this number; raises RecordingError if there is none."""
        if self._has_exchanges:
            exchanges = schema.http_exchanges
            for row in self._pages.fetch(select(exchanges).where(exchanges.c.id == number)):
                return rows.exchange(row)
        raise RecordingError(f"{self.location} has no HTTP exchange {number}")

    def exchange_count(self) -> int:
        """How many HTTP exchanges there are."""
        if not self._has_exchanges:
            return 0
        return int(self._pages.fetch(select(func.count()).select_from(schema.http_exchanges))[0][0])

    def records(self, session_ids: Sequence[int] | None = None) -> Iterator[Record]:
        """The rows of everything, or of these sessions only, as other formats are made of them."""
        sessions = self.sessions() if session_ids is None else map(self.session, session_ids)
        for session in sessions:
            yield from session_records(self._pages, self._version, session.id, session.state)
        if session_ids is None:
            yield from exchange_records(self._pages, self._version)

    def search(self, text: str) -> Iterator[StoredMessage]:
        """The text messages that hold a word beginning with each of the words in `text`.

        Raises UsageError if there is no word in it, RecordingError if this Python's SQLite has no FTS5.
        """
        return Search(
            self._pages, lambda session_id, after: self.messages(session_id, after=after), text
        ).results()

    def _sessions(self, found: list[Any]) -> list[StoredSession]:
        with self._pages.transaction() as connection:
            dead = dead_recorders(connection, time.time_ns()) if any_open(found) else set()
        return list(self._pages.converted(found, lambda row: stored_session(row, dead)))

    def _rows(
        self,
        of: Table,
        session_id: int,
        side: Side | None,
        after: int,
        statement: Select[Any] | None = None,
    ) -> Iterator[Any]:
        first, last = schema.first_id(session_id), schema.first_id(session_id + 1) - 1
        statement = of_side(select(of) if statement is None else statement, of.c.side, side)
        return self._pages.rows(statement, of.c.id, max(after, first), last)

    def _later_payload(self, frame_id: int) -> Iterator[bytes]:
        pieces = schema.frame_pieces
        statement = select(pieces).where(pieces.c.frame_id == frame_id)
        last = schema.first_id(schema.session_of(frame_id) + 1) - 1
        for row in self._pages.rows(statement, pieces.c.id, frame_id, last):
            yield row.payload
            if row.last:
                return


def _joined(chunks: Iterator[bytes], limit: int) -> bytes:
    joined = bytearray()
    for chunk in chunks:
        joined += chunk
        if len(joined) >= limit:
            break
    return bytes(joined)
