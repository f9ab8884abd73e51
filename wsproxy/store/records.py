"""A recording row by row, in the order in which a JSONL recording holds it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from heapq import merge
from typing import Any, NamedTuple

from sqlalchemy import Table, func, select

from wsproxy.store import schema
from wsproxy.store.failures import lost
from wsproxy.store.messages import is_plain
from wsproxy.store.model import SessionState
from wsproxy.store.pages import Pages
from wsproxy.store.rows import side_of
from wsproxy.store.selects import select_rows

EVENT_TABLES = (
    schema.frames,
    schema.frame_pieces,
    schema.opaque_pieces,
    schema.assembled_messages,
    schema.changes,
    schema.findings,
)
"""What a session is made of; where rows have the same id, in this order."""


class Record(NamedTuple):
    """One row: its values by the names of its columns. `session_id` is 0 for an HTTP exchange."""

    table: Table
    session_id: int
    values: dict[str, Any]


class Counts:
    """How many frames and messages of each side there are among the rows of a session."""

    def __init__(self) -> None:
        self.frames: Counter[int] = Counter()
        self.messages: Counter[int] = Counter()
        self._plain = 0

    def add(self, event: Record) -> None:
        """Count the next one."""
        number, side = event.values["id"], event.values["side"]
        if event.table is schema.frames:
            self.frames[side] += 1
            if is_plain(event.values):
                self.messages[side] += 1
                self._plain = number
        elif event.table is schema.assembled_messages and number != self._plain:
            self.messages[side] += 1

    def lost(self, side: int, recorded: Mapping[str, Any]) -> tuple[str, int, int] | None:
        """Of what there is not as much as a row of `sides` says, with how many that says and there are.

        More messages are none too many: what a session under way leaves unfinished is put among the rows that
        were there when they were counted.
        """
        if self.frames[side] != recorded["frames"]:
            return "frames", recorded["frames"], self.frames[side]
        if self.messages[side] < recorded["messages"]:
            return "messages", recorded["messages"], self.messages[side]
        return None


def session_records(pages: Pages, version: int, session_id: int, state: SessionState) -> Iterator[Record]:
    """The rows of a session: its own, its events in order, those of both sides.

    One that is still being recorded is as it was at one moment, and interrupted there. Raises RecordingError
    if frames or messages are gone: the rows would be refused where they are read again.
    """
    first, beyond = schema.first_id(session_id), schema.first_id(session_id + 1)
    of = schema.sessions
    own = select_rows(of, version).where(of.c.id == session_id)
    sides = select_rows(schema.sides, version).where(
        schema.sides.c.id.between(session_id * 2, session_id * 2 + 1)
    )
    with pages.transaction() as connection:
        last_ids = [
            connection.scalar(select(func.max(events.c.id)).where(events.c.id > first, events.c.id < beyond))
            for events in EVENT_TABLES
        ]
        own_rows = pages.checked(connection, own)
        side_rows = pages.checked(connection, sides.order_by(schema.sides.c.id))
    settled = SessionState.INTERRUPTED if state is SessionState.OPEN else state
    for row in own_rows:
        yield Record(of, session_id, {**row._mapping, "state": settled.value})
    events = (
        _rows(pages, version, events, first, last)
        for events, last in zip(EVENT_TABLES, last_ids, strict=True)
        if last is not None
    )
    counts = Counts()
    for record in merge(*events, key=lambda record: int(record.values["id"])):
        counts.add(record)
        yield record
    for row in side_rows:
        side, values = row.id - session_id * 2, dict(row._mapping)
        if gone := counts.lost(side, values):
            raise lost(session_id, side_of(side), *gone)
        yield Record(schema.sides, session_id, values)


def exchange_records(pages: Pages, version: int) -> Iterator[Record]:
    """The rows of all HTTP exchanges."""
    if version >= schema.since(schema.http_exchanges):
        yield from _rows(pages, version, schema.http_exchanges, 0, None)


def _rows(pages: Pages, version: int, of: Table, first: int, last: int | None) -> Iterator[Record]:
    for row in pages.rows(select_rows(of, version), of.c.id, first, last):
        yield Record(of, schema.session_of(first), dict(row._mapping))
