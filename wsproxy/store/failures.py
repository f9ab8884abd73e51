"""What a database's error means to a user, in one line that says what to do."""

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from wsproxy.errors import DatabaseReachError, RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.store.location import Location

_FULL = "is on a disk that is full: free some space, or record to another disk"
_LOCKED = "is locked by another program: close what has it open and try again"
_UNWRITABLE = "cannot be written: make the file and its folder writable, or record to another place"
_FORBIDDEN = "may not be opened: check the permissions of the file and its folder, or use another place"

_DAMAGED = "is damaged: restore it from a copy, or save what can be read of it with `sqlite3 FILE .recover`"
_MISPLACED = "is below something that is not a directory: check the path"
_UNREACHED = (
    "cannot be reached: check that the server runs, and host, port, user, password and database in the URL"
)
_HALF_WRITTEN = (
    "was left half-written by a recorder that was killed: read it once where you may write to it, together"
    " with its -journal file"
)
_NO_SPACE = 256 << 10
# Of connections that failed or were ended; libpq gives none while it connects.
_UNREACHED_STATES = (None, "08000", "08001", "08003", "08004", "08006", "57P01", "57P02", "57P03")

_SQLITE: dict[int, str] = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _UNWRITABLE,
    sqlite3.SQLITE_PERM: _UNWRITABLE,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: "is not a recording (not even a SQLite database): check the path",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check the path and its permissions; a recording whose"
    " recorder was killed must be read where its folder is writable, together with its -wal file",
    sqlite3.SQLITE_IOERR: "cannot be read or written (input/output error): check the disk",
}

_SQLSTATES: dict[str, str] = {
    "53100": _FULL,
    "25006": "is read-only: connect to a server that accepts writes",
    "42501": "does not let this user do that: grant it the right to create and write tables",
}

_ERRNOS: dict[int, str] = {
    errno.ENOSPC: _FULL,
    errno.EISDIR: "is a directory: name a file in it",
    errno.ENOTDIR: _MISPLACED,
    errno.ENOENT: "does not exist: check the path",
    errno.EEXIST: _MISPLACED,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: _UNWRITABLE,
    errno.ENAMETOOLONG: "is too long a name: choose a shorter one",
    errno.ELOOP: "is a symbolic link that leads to itself: check the path",
}


@contextmanager
def explained(location: Location) -> Iterator[None]:
    """Turn what the database or the file system raises within into a RecordingError about `location`."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, UnicodeDecodeError, OverflowError) as error:
        raise explain(location, error) from error


def explain(location: Location, error: BaseException) -> RecordingError:
    """The RecordingError that tells a user what `error` means."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    meaning = _sqlite_meaning(location, cause) if isinstance(cause, sqlite3.Error) else _meaning(cause)
    detail = " ".join(str(cause).split())
    if (
        location.path is None
        and isinstance(error, OperationalError)
        and _sqlstate(cause) in _UNREACHED_STATES
    ):
        return DatabaseReachError(f"{location} {_UNREACHED} ({detail})")
    return RecordingError(f"{location} {meaning} ({detail})" if meaning else f"{location}: {detail}")


def _sqlite_meaning(location: Location, cause: sqlite3.Error) -> str | None:
    # The low byte is the primary code; the upper bytes say more than a user needs.
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_IOERR and location.path is not None and _is_full(location.path.parent):
        # What SQLite says when it is the -shm file that finds no room.
        return _FULL
    if getattr(cause, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_ROLLBACK:
        return _HALF_WRITTEN
    return _SQLITE.get(code)


def _meaning(cause: BaseException) -> str | None:
    if isinstance(cause, UnicodeDecodeError | OverflowError):
        return _DAMAGED
    if isinstance(cause, OSError):
        return _ERRNOS.get(cause.errno or 0)
    return _SQLSTATES.get(_sqlstate(cause) or "")


def _sqlstate(cause: BaseException) -> str | None:
    return getattr(cause, "sqlstate", None)


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _NO_SPACE
    except OSError:
        return False


def lost(session_id: int, side: Side, what: str, recorded: int, found: int) -> RecordingError:
    """What is wrong with a session that has fewer of `what` from a side than its row says."""
    return RecordingError(
        f"session {session_id} is damaged ({what} of the {side.value}: {recorded} were recorded, {found} are"
        " there): restore the recording from a copy"
    )
