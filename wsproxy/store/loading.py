"""Rows of one recording on their way into another."""

import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, select

from wsproxy.errors import RecordingError
from wsproxy.store import leases, schema
from wsproxy.store.database import Database
from wsproxy.store.engine import scratch_engine
from wsproxy.store.failures import explained
from wsproxy.store.inserts import Insert, placeholder
from wsproxy.store.jsonl_file import read_records
from wsproxy.store.limits import WriterLimits
from wsproxy.store.location import Location
from wsproxy.store.migrations import make_tables
from wsproxy.store.records import Record

_BATCH_SIZE = 1 << 20
_ROW_SIZE = 200
_NUMBERED = (schema.sessions, schema.http_exchanges)


def load_records(location: Location, records: Iterable[Record], clock: Callable[[], int]) -> list[int]:
    """Add sessions and HTTP exchanges to a recording; their numbers stay as they are if there is none yet.

    Returns the numbers of the sessions. Raises RecordingError if it cannot be written; then everything is as
    it was.
    """
    database = Database(location, WriterLimits(), lambda held: None, clock)
    try:
        with database.transaction() as connection:
            numbers = _load(connection, database.recorder_id, records)
    except BaseException:
        database.close()
        database.remove_made()
        raise
    database.close()
    return numbers


def _load_scratch(location: Location, records: Iterable[Record]) -> None:
    """Make a recording that is to be read once, and by us."""
    assert location.path is not None
    engine = scratch_engine(location.path)
    with explained(location), engine.connect() as connection, connection.begin():
        make_tables(connection)
        now_ns = time.time_ns()
        recorder_id = leases.register(connection, now_ns)
        _load(connection, recorder_id, records)
        leases.retire(connection, recorder_id, now_ns)


def _load(connection: Connection, recorder_id: int, records: Iterable[Record]) -> list[int]:
    loader = _Loader(connection, recorder_id)
    for record in records:
        loader.add(record)
    loader.flush()
    return loader.sessions


def loaded(location: Location) -> tuple[Location, Callable[[], None]]:
    """Where a JSONL recording can be read as a database, and what to call when it has been.

    Raises RecordingError if it is none.
    """
    assert location.jsonl is not None
    assert location.path is not None
    if location.path.exists() and location.path.stat().st_size:
        return location, lambda: None
    if not location.jsonl.exists():
        raise RecordingError(f"{location} does not exist: check the path, or record something first")
    folder = tempfile.TemporaryDirectory(prefix="wsproxy-", ignore_cleanup_errors=True)
    try:
        place = location.kept_in(Path(folder.name) / "recording.db")
        _load_scratch(place, read_records(location.jsonl, location))
    except BaseException:
        folder.cleanup()
        raise
    return place, folder.cleanup


class _Loader:
    """Gathers rows, and inserts them many at a time."""

    def __init__(self, connection: Connection, recorder_id: int) -> None:
        self.sessions: list[int] = []
        self._connection = connection
        self._recorder_id = recorder_id
        # Elsewhere others may add sessions meanwhile, and the database counts.
        self._chooses = connection.dialect.name == "sqlite"
        self._after = {table: _last_id(connection, table) for table in _NUMBERED}
        self._first = {table: after > 0 for table, after in self._after.items()}
        tables, mark = schema.metadata.sorted_tables, placeholder(connection)
        self._inserts = {table: Insert(table, mark, named=True) for table in tables}
        self._rows: dict[Table, list[tuple[Any, ...]]] = {}
        self._size = 0
        self._session = 0

    def add(self, record: Record) -> None:
        """Take one row, under its number here."""
        values = dict(record.values)
        if "recorder_id" in record.table.c:
            values["recorder_id"] = self._recorder_id
        if record.table in _NUMBERED:
            self._number(record.table, values)
            if not self._chooses:
                return
        elif self._session != record.session_id:
            _move(record, values, self._session)
        row = tuple(values[column.name] for column in record.table.columns)
        self._rows.setdefault(record.table, []).append(row)
        self._size += _ROW_SIZE + sum(len(value) for value in row if isinstance(value, bytes | str))
        if self._size > _BATCH_SIZE:
            self.flush()

    def flush(self) -> None:
        """Insert what was gathered; sessions before what refers to them."""
        for table in schema.metadata.sorted_tables:
            if rows := self._rows.pop(table, None):
                self._inserts[table].rows(self._connection, rows)
        self._size = 0

    def _number(self, table: Table, values: dict[str, Any]) -> None:
        """Find the number that a session or an exchange has here."""
        if not self._chooses:
            del values["id"]
            key = self._connection.execute(table.insert().values(values)).inserted_primary_key
            assert key is not None
            values["id"] = int(key[0])
        elif self._first[table]:
            values["id"] = self._after[table] + 1
        self._after[table] = values["id"]
        if table is schema.sessions:
            self._session = values["id"]
            self.sessions.append(self._session)


def _move(record: Record, values: dict[str, Any], session_id: int) -> None:
    """Give a row the ids it has in another session."""
    if record.table is schema.sides:
        values["id"] += (session_id - record.session_id) * 2
        names = ["tcp_end_id"]
    else:
        names = ["id", "frame_id"]
    moved = schema.first_id(session_id) - schema.first_id(record.session_id)
    for name in names:
        if values.get(name) is not None:
            values[name] += moved


def _last_id(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.max(table.c.id))) or 0
