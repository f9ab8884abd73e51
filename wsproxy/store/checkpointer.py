"""Copies SQLite's write-ahead log back into the file, beside the writer's thread instead of in it.

A checkpoint syncs to the disk, which may take seconds: in the writer's thread that would be seconds in which
nothing is committed. Here it runs on a connection of its own while the writer goes on. SQLite begins the log
anew at the first commit that finds all of it copied; under a steady flood there is always something left, so
the writer itself copies the rest once that is small. Only when traffic outruns the disk for so long that the
log reaches its limit, the relay must pause until it is copied.
"""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from enum import Enum, auto
from pathlib import Path
from threading import Event, Thread

from sqlalchemy import Connection, Engine

from wsproxy.store.engine import sqlite_connection
from wsproxy.store.limits import WriterLimits

_log = logging.getLogger(__name__)

_SMALL_REST = 1 << 20
_FRAME_HEADER = 24


class _Stage(Enum):
    IDLE = auto()
    COPYING = auto()
    """The thread is at work."""
    NEARLY = auto()
    """The writer should copy the rest."""


class Checkpointer:
    """Keeps the log of the SQLite file at `path` short; `hold(True)` is called when the relay must pause for
    it.

    `look` is called by the writer's thread, between transactions, with its connection.
    """

    def __init__(
        self, engine: Engine, path: Path, limits: WriterLimits, hold: Callable[[bool], None]
    ) -> None:
        self._engine = engine
        self._wal = path.with_name(path.name + "-wal")
        self._start, self._limit = limits.wal_start, limits.wal_limit
        self._hold = hold
        self._stage = _Stage.IDLE
        self._settled = 0
        """Up to which size nothing is to be done about the log: it is copied, or a reader stands in the way.
        """
        self._stopping = False
        self._wake = Event()
        self._thread = Thread(target=self._run, name="wsproxy-checkpointer", daemon=True)
        self._thread.start()

    def look(self, connection: Connection) -> None:
        """See how long the log has become, and do what is due."""
        size = self._size()
        if size < self._settled:
            self._settled = 0
        if self._stage is _Stage.NEARLY:
            copy_log(sqlite_connection(connection))
            self._settled = size
            self._stage = _Stage.IDLE
            self._hold(False)
        elif self._stage is _Stage.IDLE and size - self._settled > self._start:
            self._stage = _Stage.COPYING
            self._wake.set()
        elif size - self._settled > self._limit:
            self._hold(True)

    def stop(self) -> None:
        """End the thread."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        with closing(self._engine.raw_connection()) as connection:
            raw = connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            while not self._stopping:
                self._wake.wait()
                self._wake.clear()
                self._copy_most(raw)
                self._stage = _Stage.NEARLY

    def _copy_most(self, raw: sqlite3.Connection) -> None:
        copied = -1
        while not self._stopping:
            before, copied = copied, copy_log(raw)
            # No progress: somebody reads an old state of the recording, which must not be overwritten.
            if copied <= before or self._size() - copied <= _SMALL_REST:
                return

    def _size(self) -> int:
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0


def copy_log(raw: sqlite3.Connection) -> int:
    """Copy what can be copied without waiting; how many bytes of the log that makes, or 0 if it failed."""
    try:
        page_size = raw.execute("PRAGMA page_size").fetchone()[0]
        _, _, copied = raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.Error:
        # If it matters, the writer's next commit meets the same trouble, and tells.
        _log.debug("checkpoint failed", exc_info=True)
        return 0
    return int(copied) * (int(page_size) + _FRAME_HEADER)
