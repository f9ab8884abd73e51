"""A recording row by row, in the order in which a JSONL recording holds it."""

from collections import Counter
from collections.abc import Iterator
from heapq import merge
from typing import Any, NamedTuple

from sqlalchemy import Table, func, select

from wsproxy.store import schema
from wsproxy.store.failures import lost_frames
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


def session_records(pages: Pages, version: int, session_id: int, state: SessionState) -> Iterator[Record]:
    """The rows of a session: its own, its events in order, those of both sides.

    One that is still being recorded is as it was at one moment, and interrupted there. Raises RecordingError
    if frames are gone: the rows would be refused where they are read again.
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
    frames: Counter[int] = Counter()
    for record in merge(*events, key=lambda record: int(record.values["id"])):
        if record.table is schema.frames:
            frames[record.values["side"]] += 1
        yield record
    for row in side_rows:
        side = row.id - session_id * 2
        if row.frames != frames[side]:
            raise lost_frames(session_id, side_of(side), row.frames, frames[side])
        yield Record(schema.sides, session_id, dict(row._mapping))


def exchange_records(pages: Pages, version: int) -> Iterator[Record]:
    """The rows of all HTTP exchanges."""
    if version >= schema.since(schema.http_exchanges):
        yield from _rows(pages, version, schema.http_exchanges, 0, None)


def _rows(pages: Pages, version: int, of: Table, first: int, last: int | None) -> Iterator[Record]:
    for row in pages.rows(select_rows(of, version), of.c.id, first, last):
        yield Record(of, schema.session_of(first), dict(row._mapping))
