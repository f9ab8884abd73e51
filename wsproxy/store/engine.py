"""Connections to a recording, for writing and for reading."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.pool import NullPool

from wsproxy.errors import RecordingError
from wsproxy.store.failures import explained
from wsproxy.store.location import Location

PAGE_SIZE = 16384
"""Measured with 64 KiB pieces: 800 MB/s, against 560 with 8 KiB pages and 400 with 4 KiB; 32 KiB gain another
tenth and double what a commit of a single small frame writes."""

_CACHE_KIB = 4096

TURN_S = 0.001
"""How often a recorder asks for its turn to write, and how long one under load leaves to others between two.
"""

_COMPANIONS = ("", "-wal", "-shm", "-journal")
_SQLITE_MAGIC = b"SQLite format 3\0"
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")


def writing_engine(location: Location, lock_timeout: float) -> Engine:
    """An engine that writes to `location`; a SQLite file and its folders are created if missing.

    `lock_timeout`: how many seconds to wait for other programs that write to the same SQLite file.

    Raises RecordingError if that cannot be done, or if the file is something else.
    """
    with explained(location):
        if location.path is None:
            return _server_engine(location)
        _create_private_file(location.path)
        _check_magic(location.path, location)
        begin = partial(_begin_writing, timeout=lock_timeout)
        return _sqlite_engine(location.path, "rw", begin, _WRITER_PRAGMAS)


def scratch_engine(path: Path) -> Engine:
    """An engine that fills a new SQLite file which nobody needs if that fails, or after a power cut."""
    return _sqlite_engine(path, "rwc", _begin_reading, _SCRATCH_PRAGMAS)


def reading_engine(location: Location) -> Engine:
    """An engine that reads `location` and cannot change it.

    Raises RecordingError if there is nothing, or something else.
    """
    with explained(location):
        if location.path is None:
            return _server_reading_engine(location)
        if not location.path.exists():
            raise RecordingError(f"{location} does not exist: check the path, or record something first")
        if not location.path.stat().st_size:
            raise RecordingError(f"{location} is empty, not a recording: check the path")
        _check_magic(location.path, location)
        _undo_half_written(location.path)
        return _sqlite_engine(location.path, "ro", _begin_reading, _READER_PRAGMAS)


# In WAL mode a killed process loses nothing it has committed, whatever `synchronous` says: the bytes are with
# the operating system. NORMAL syncs at checkpoints only, so a power cut can cost the last half minute or so
# of a recording, but never the recording; OFF could cost all of it, FULL would sync twenty times a second.
# Checkpoints are made by `Checkpointer`; `journal_size_limit` makes the WAL file's size follow what is in it.
_WRITER_PRAGMAS = (
    f"PRAGMA page_size={PAGE_SIZE}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA journal_size_limit=4194304",
    f"PRAGMA cache_size=-{_CACHE_KIB}",
    "PRAGMA busy_timeout=0",
)

# Neither a journal to roll back with nor a wait for the disk: opening a JSONL recording takes half as long.
_SCRATCH_PRAGMAS = (f"PRAGMA page_size={PAGE_SIZE}", "PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF")

# A file may be made to do harm: what its schema says is not trusted, and its pages are looked at with care.
_READER_PRAGMAS = ("PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON")


def _sqlite_engine(
    path: Path, mode: str, begin: Callable[[sqlite3.Connection], None], pragmas: tuple[str, ...]
) -> Engine:
    uri = _uri(path, mode)

    def connect() -> sqlite3.Connection:
        # isolation_level None: transactions begin where we say so, not where the driver guesses.
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            for pragma in pragmas:
                connection.execute(pragma)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        begin(sqlite_connection(connection))

    return engine


def _uri(path: Path, mode: str) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"


def _begin_reading(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")


def _begin_writing(connection: sqlite3.Connection, timeout: float) -> None:
    """Wait for the turn of this recorder.

    SQLite itself asks again ever more seldom, at last ten times a second: it would hardly ever meet the
    moment between two transactions of a recorder under load.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(TURN_S)
        else:
            return


def sqlite_connection(connection: Connection) -> sqlite3.Connection:
    """The driver's connection, for what must be done outside of transactions."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


def _server_engine(location: Location) -> Engine:
    try:
        return create_engine(location.url, poolclass=NullPool)
    except NoSuchModuleError as error:
        raise RecordingError(
            f"{location}: no database of that kind is known; use sqlite:/// or postgresql+psycopg://"
        ) from error
    except ModuleNotFoundError as error:
        raise RecordingError(
            f"{location}: the driver {error.name} is not installed; for PostgreSQL: pip install"
            " 'wsproxy[postgresql]'"
        ) from error


def _server_reading_engine(location: Location) -> Engine:
    engine = _server_engine(location)
    if engine.dialect.name == "postgresql":
        # By default each statement of a transaction would see what was committed before it.
        return engine.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
    return engine


def _create_private_file(path: Path) -> None:
    """Create the file for its owner only: recordings hold passwords and tokens. SQLite's -wal and -shm follow
    it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not (path.is_file() or path.is_dir()):
        # Reading from a pipe would wait for ever.
        raise RecordingError(f"{path} is a pipe or a device, which keeps nothing: name a file")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _undo_half_written(path: Path) -> None:
    """What a recorder was changing as it was killed, at the very end of its work, is undone by somebody who
    may write.
    """
    journal = path.with_name(path.name + "-journal")
    if not journal.is_file() or not (size := journal.stat().st_size):
        return
    with journal.open("rb") as file:
        file.seek(max(0, size - len(_JOURNAL_MAGIC)))
        # One that ends so names another file, which SQLite might remove: none of ours does.
        if file.read() == _JOURNAL_MAGIC:
            return
    with suppress(sqlite3.Error), closing(sqlite3.connect(_uri(path, "rw"), uri=True)) as connection:
        connection.execute("PRAGMA schema_version").fetchall()


def remove_sqlite(path: Path) -> None:
    """Remove a SQLite file and what belongs to it, the file itself first: without it the rest is nothing."""
    for ending in _COMPANIONS:
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _check_magic(path: Path, location: Location) -> None:
    with path.open("rb") as file:
        start = file.read(len(_SQLITE_MAGIC))
    if start and start != _SQLITE_MAGIC:
        raise RecordingError(f"{location} is not a recording (not even a SQLite database): check the path")
