"""What was on the wire, put together again from the tables it is kept in."""

from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Table, func, select

from wsproxy.protocol.frame import Side, WireEvent
from wsproxy.store import rows, schema
from wsproxy.store.model import StoredEvent
from wsproxy.store.pages import Pages
from wsproxy.store.selects import of_side

_TABLES: tuple[tuple[Table, Callable[[Any], WireEvent]], ...] = (
    (schema.frames, rows.frame),
    (schema.frame_pieces, rows.frame_piece),
    (schema.opaque_pieces, rows.opaque_data),
)


class _Snapshot(NamedTuple):
    """How far a session was recorded at one moment: the id of the last row, and what is in none, by side."""

    last_id: int
    tails: dict[Side, bytes]


class WireEvents:
    """Reads what was on the wire of sessions, each time as far as it is recorded when asked."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def events(self, session_id: int, side: Side | None, after: int) -> Iterator[StoredEvent]:
        """Those with an id over `after`, in the order seen; with `side`, of that side only."""
        return self._events(session_id, side, after, self._snapshot(session_id).last_id)

    def received(self, session_id: int, side: Side) -> Iterator[bytes]:
        """Every byte received from `side` behind its head."""
        snapshot = self._snapshot(session_id)
        for stored in self._events(session_id, side, 0, snapshot.last_id):
            yield stored.event.serialize()
        yield snapshot.tails[side]

    def tail(self, session_id: int, side: Side) -> bytes:
        """The bytes received from `side` that are part of no event."""
        return self._snapshot(session_id).tails[side]

    def _events(self, session_id: int, side: Side | None, after: int, last: int) -> Iterator[StoredEvent]:
        after = max(after, schema.first_id(session_id))
        return _merged(self._of_table(of, read, side, after, last) for of, read in _TABLES)

    def _of_table(
        self, of: Table, read: Callable[[Any], WireEvent], side: Side | None, after: int, last: int
    ) -> Iterator[StoredEvent]:
        found = self._pages.rows(of_side(select(of), of.c.side, side), of.c.id, after, last)
        return self._pages.converted(found, lambda row: rows.stored_event(row, read(row)))

    def _snapshot(self, session_id: int) -> _Snapshot:
        first, beyond = schema.first_id(session_id), schema.first_id(session_id + 1)
        sides = schema.sides
        with self._pages.transaction() as connection:
            last_ids = [
                connection.scalar(select(func.max(of.c.id)).where(of.c.id > first, of.c.id < beyond))
                for of, _ in _TABLES
            ]
            tails = {
                side: self._pages.checked(
                    connection,
                    select(sides.c.tail).where(sides.c.id == session_id * 2 + rows.side_number(side)),
                )
                for side in Side
            }
        return _Snapshot(
            max(row_id or first for row_id in last_ids),
            {side: found[0].tail if found else b"" for side, found in tails.items()},
        )


def _merged(wires: Iterable[Iterator[StoredEvent]]) -> Iterator[StoredEvent]:
    """All of them by id. Most sessions have frames only: then there is nothing to merge."""
    begun = [chain((first,), rest) for rest in wires if (first := next(rest, None)) is not None]
    yield from begun[0] if len(begun) == 1 else merge(*begun, key=attrgetter("id"))
