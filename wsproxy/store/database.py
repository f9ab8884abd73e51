"""The writer's hold on a recording: one connection, its place among the recorders, and its end."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from wsproxy.errors import RecordingError
from wsproxy.store import leases
from wsproxy.store.checkpointer import Checkpointer
from wsproxy.store.engine import TURN_S, reading_engine, remove_sqlite, sqlite_connection, writing_engine
from wsproxy.store.failures import explained
from wsproxy.store.inserts import placeholder
from wsproxy.store.limits import WriterLimits
from wsproxy.store.location import Location
from wsproxy.store.migrations import migrate, stored_version


class Database:
    """A recording opened for writing; used by one thread at a time.

    `hold` is called with True when the relay must pause because the disk does not keep up, and with False
    when it may go on. `clock` gives nanoseconds since the epoch. Raises RecordingError if it cannot be
    opened.
    """

    def __init__(
        self, location: Location, limits: WriterLimits, hold: Callable[[bool], None], clock: Callable[[], int]
    ) -> None:
        self.location = location
        self._clock = clock
        _check_first(location)
        self._made = location.path is not None and not location.path.exists()
        try:
            self._engine = writing_engine(location, limits.lock_timeout)
            self._open(location)
        except BaseException:
            self.remove_made()
            raise
        self._renewed_at_ns = clock()
        self._file = _identity(location)
        self._checkpointer = (
            Checkpointer(self._engine, location.path, limits, hold) if location.path is not None else None
        )

    def _open(self, location: Location) -> None:
        with explained(location):
            self._connection = self._engine.connect()
            try:
                self.mark = placeholder(self._connection)
                with self._connection.begin():
                    migrate(self._connection, location)
                    leases.bury_dead(self._connection, self._clock())
                    self.recorder_id = leases.register(self._connection, self._clock())
            except BaseException:
                self._connection.close()
                raise

    def remove_made(self) -> None:
        """Remove the files of a recording that could not be made; not of one that had been there before."""
        if self._made and self.location.path is not None:
            with suppress(OSError):
                remove_sqlite(self.location.path)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction, committed at the end; raises RecordingError if the database fails."""
        with explained(self.location):
            with self._connection.begin():
                yield self._connection
            if _identity(self.location) != self._file:
                # SQLite goes on to write to what nobody can open any more.
                raise RecordingError(
                    f"{self.location} was deleted, moved or replaced while it was recorded to: what was not"
                    " moved with it is lost; record to a place that is left alone"
                )
            self.look_after_log()

    def look_after_log(self) -> None:
        """Keep SQLite's write-ahead log from growing; to be called now and then between transactions."""
        if self._checkpointer is not None:
            self._checkpointer.look(self._connection)

    def leave_turn(self) -> None:
        """Let other recorders write to the same SQLite file; to be called between transactions under load."""
        if self._checkpointer is not None:
            time.sleep(TURN_S)

    @property
    def renewal_due(self) -> bool:
        """Whether it is time for `renew`."""
        return self._clock() - self._renewed_at_ns > leases.RENEWAL_S * 1_000_000_000

    def renew(self, connection: Connection) -> None:
        """Say, in the transaction under way, that this recorder lives, and see whether the others do."""
        self._renewed_at_ns = self._clock()
        leases.renew(connection, self.recorder_id, self._renewed_at_ns)
        leases.bury_dead(connection, self._renewed_at_ns)

    def close(self) -> None:
        """Take leave of the other recorders, and leave one plain file behind if nobody else has it open."""
        # What happens as a transaction begins comes as the driver's own error.
        with suppress(SQLAlchemyError, sqlite3.Error), self._connection.begin():
            leases.retire(self._connection, self.recorder_id, self._clock())
        if self._checkpointer is not None:
            self._checkpointer.stop()
            raw = sqlite_connection(self._connection)
            # Out of WAL mode a recording can be read from anywhere, also where nothing can be written beside
            # it. While somebody has it open it stays in it, but the file alone holds everything.
            for pragma in ("wal_checkpoint(TRUNCATE)", "journal_mode=DELETE"):
                with suppress(sqlite3.Error):
                    raw.execute(f"PRAGMA {pragma}").fetchall()
        self._connection.close()
        self._engine.dispose()


def _identity(location: Location) -> tuple[int, int] | None:
    """Which file it is, whatever its name; None for none."""
    if location.path is None:
        return None
    try:
        found = location.path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _check_first(location: Location) -> None:
    """See that a file is a recording before anything is done to it: even WAL mode would change it."""
    if location.path is None or not location.path.is_file() or not location.path.stat().st_size:
        return
    engine = reading_engine(location)
    with explained(location), engine.connect() as connection:
        stored_version(connection, location)
