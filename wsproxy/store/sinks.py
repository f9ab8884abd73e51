"""Where the rows of what is decoded go: into the transaction under way, or nowhere."""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, bindparam, update

from wsproxy.store import schema
from wsproxy.store.model import HttpExchange, SessionEnd, SessionStart, SessionState
from wsproxy.store.rows import RowBatch, row_values

_UPDATE_SESSION = update(schema.sessions).where(schema.sessions.c.id == bindparam("session_id"))
_UPDATE_SIDE = update(schema.sides).where(schema.sides.c.id == bindparam("side_id"))


class RowSink(Protocol):
    """Takes rows."""

    def open_session(self, start: SessionStart) -> int:
        """Add a session that is open; its number."""

    def add_sides(self, rows: Sequence[dict[str, object]]) -> None:
        """Add the rows of its sides."""

    def update_sides(self, rows: Sequence[dict[str, object]]) -> None:
        """Change such rows, each named by its `side_id`."""

    def end_session(self, session_id: int, end: SessionEnd) -> None:
        """Change a session into one that has ended."""

    def add_exchange(self, exchange: HttpExchange) -> None:
        """Add a plain HTTP exchange."""

    def insert(self, batch: RowBatch) -> None:
        """Take the rows of `batch`, which is empty then."""


class DatabaseSink:
    """Writes rows within the transaction of `connection`."""

    def __init__(self, connection: Connection, recorder_id: int) -> None:
        self._connection = connection
        self._recorder_id = recorder_id

    def open_session(self, start: SessionStart) -> int:
        """Add a session that is open; its number."""
        values = {"recorder_id": self._recorder_id, "state": SessionState.OPEN.value, **row_values(start)}
        key = self._connection.execute(schema.sessions.insert().values(values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def add_sides(self, rows: Sequence[dict[str, object]]) -> None:
        """Add the rows of its sides."""
        self._connection.execute(schema.sides.insert(), rows)

    def update_sides(self, rows: Sequence[dict[str, object]]) -> None:
        """Change such rows, each named by its `side_id`."""
        self._connection.execute(_UPDATE_SIDE, rows)

    def end_session(self, session_id: int, end: SessionEnd) -> None:
        """Change a session into one that has ended."""
        values: dict[str, Any] = {
            "session_id": session_id,
            "state": SessionState.ENDED.value,
            "ended_at_ns": end.ended_at_ns,
            "close_code": end.close_code,
            "close_reason": end.close_reason,
            "closed_by": end.closed_by,
        }
        self._connection.execute(_UPDATE_SESSION, values)

    def add_exchange(self, exchange: HttpExchange) -> None:
        """Add a plain HTTP exchange."""
        values = {"recorder_id": self._recorder_id, **row_values(exchange)}
        self._connection.execute(schema.http_exchanges.insert().values(values))

    def insert(self, batch: RowBatch) -> None:
        """Insert the rows of `batch`, which is empty then."""
        batch.insert(self._connection)


class NoSink:
    """Numbers sessions, from 1, and forgets all rows."""

    def __init__(self) -> None:
        self._sessions = 0

    def open_session(self, start: SessionStart) -> int:
        """The session's number."""
        self._sessions += 1
        return self._sessions

    def add_sides(self, rows: Sequence[dict[str, object]]) -> None:
        """Forget them."""

    def update_sides(self, rows: Sequence[dict[str, object]]) -> None:
        """Forget them."""

    def end_session(self, session_id: int, end: SessionEnd) -> None:
        """Forget it."""

    def add_exchange(self, exchange: HttpExchange) -> None:
        """Forget it."""

    def insert(self, batch: RowBatch) -> None:
        """Empty `batch`."""
        batch.clear()
