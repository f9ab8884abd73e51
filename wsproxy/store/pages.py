"""Rows in the order of their ids, fetched a page at a time."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select

from wsproxy.store.failures import explained
from wsproxy.store.location import Location
from wsproxy.store.row_types import check_rows, damaged

# A transaction is held for no longer than a page: SQLite's log cannot be begun anew while somebody reads an
# old state of the recording. With frames of 64 KiB a page is 8 MiB.
_PAGE = 128


class Pages:
    """A connection that reads, for one thread at a time; raises RecordingError when the database fails."""

    def __init__(self, engine: Engine, location: Location) -> None:
        self._engine = engine
        self._location = location
        with explained(location):
            self._connection = engine.connect()
        self._sorting: set[Connection] = set()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All that is read within is of one moment."""
        with explained(self._location), self._connection.begin():
            yield self._connection

    def fetch(self, statement: Select[Any]) -> list[Row[Any]]:
        """The rows of a statement that yields few."""
        with self.transaction() as connection:
            return self.checked(connection, statement)

    def checked(self, connection: Connection, statement: Select[Any]) -> list[Row[Any]]:
        """The same within a transaction. Raises RecordingError for values that are not of their column's
        type.
        """
        rows = list(connection.execute(statement))
        check_rows(statement, rows, self._location)
        return rows

    def converted[T](self, rows: Iterable[Any], convert: Callable[[Any], T]) -> Iterator[T]:
        """What `convert` makes of each row; raises RecordingError for one of which it can make nothing."""
        for row in rows:
            try:
                value = convert(row)
            except (ValueError, LookupError) as error:
                raise damaged(self._location, f"row {row[0]} holds what none can ({error})") from error
            yield value

    def rows(
        self, statement: Select[Any], key: ColumnElement[int], after: int, last: int | None = None
    ) -> Iterator[Row[Any]]:
        """The rows whose `key`, their first column, is over `after` and at most `last`, by that key."""
        statement = statement.order_by(key).limit(_PAGE)
        if last is not None:
            statement = statement.where(key <= last)
        while True:
            page = self.fetch(statement.where(key > after))
            for row in page:
                if row[0] <= after:
                    raise damaged(self._location, f"row {row[0]} comes after row {after}")
                after = row[0]
                yield row
            if len(page) < _PAGE:
                return

    def sorted_rows(self, statement: Select[Any]) -> Iterator[Row[Any]]:
        """The rows of a statement that sorts what may be many, on a connection of its own, held to the
        end, or until this is closed.
        """
        with explained(self._location), self._engine.connect() as connection:
            self._sorting.add(connection)
            try:
                found = connection.execution_options(yield_per=_PAGE).execute(statement)
                for page in found.partitions(_PAGE):
                    check_rows(statement, page, self._location)
                    yield from page
            finally:
                self._sorting.discard(connection)

    def close(self) -> None:
        """Close the connection, and those of `sorted_rows` that nobody reads on from."""
        for connection in (*self._sorting, self._connection):
            connection.close()
        self._engine.dispose()
