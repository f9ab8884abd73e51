"""What keeps what a recorder takes in: a database, or nothing, where it is only shown."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from wsproxy.store.database import Database
from wsproxy.store.indexer import Indexer
from wsproxy.store.limits import WriterLimits
from wsproxy.store.sinks import DatabaseSink, NoSink, RowSink


class Keeper(Protocol):
    """Used by one thread at a time. `purpose` says what fails when it does; `mark` is how a statement's
    parameter is written.
    """

    purpose: str
    mark: str

    def transaction(self) -> AbstractContextManager[RowSink]:
        """Takes rows, and keeps them at the end; raises RecordingError if it cannot."""

    def committed(self, sessions: Iterable[int]) -> None:
        """These sessions were touched by the transaction that is over."""

    def leave_turn(self) -> None:
        """Let others write; to be called between transactions under load."""

    def idle(self, quiet_s: float, *, recording: bool) -> None:
        """Do what can wait: nothing has come for `quiet_s` seconds. `recording`: sessions are open."""

    def close(self) -> None:
        """Nothing more will come."""


class DatabaseKeeper:
    """Keeps rows in `database`, and texts in its index."""

    def __init__(self, database: Database, limits: WriterLimits) -> None:
        self.purpose = f"{database.location}: recording"
        self.mark = database.mark
        self._database = database
        self._indexer = Indexer(database)
        self._index_after = limits.index_after

    @contextmanager
    def transaction(self) -> Iterator[RowSink]:
        """A transaction of the database; the recorder's lease is renewed with it when that is due."""
        with self._database.transaction() as connection:
            yield DatabaseSink(connection, self._database.recorder_id)
            if self._database.renewal_due:
                self._database.renew(connection)

    def committed(self, sessions: Iterable[int]) -> None:
        """Their texts are to be indexed."""
        self._indexer.touch(sessions)

    def leave_turn(self) -> None:
        """Let other recorders write to the same SQLite file."""
        self._database.leave_turn()

    def idle(self, quiet_s: float, *, recording: bool) -> None:
        """Renew the lease, look after the write-ahead log, index."""
        if recording and self._database.renewal_due:
            with self.transaction():
                pass
        self._database.look_after_log()
        if quiet_s > self._index_after:
            self._indexer.step()

    def close(self) -> None:
        """Close the database."""
        self._indexer.close()
        self._database.close()


class NoKeeper:
    """Keeps nothing."""

    def __init__(self) -> None:
        self.purpose = "showing what passes"
        self.mark = "?"
        self._sink = NoSink()

    def transaction(self) -> AbstractContextManager[RowSink]:
        """Takes rows and forgets them."""
        return nullcontext(self._sink)

    def committed(self, sessions: Iterable[int]) -> None:
        """Nothing to do."""

    def leave_turn(self) -> None:
        """There is nobody to wait for."""

    def idle(self, quiet_s: float, *, recording: bool) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""
