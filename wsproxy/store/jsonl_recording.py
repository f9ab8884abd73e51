"""A JSONL recording at work: recorded into a SQLite file beside it, which becomes lines of text at the end.

What a killed recorder leaves is that file: whoever reads, reads it, and the next recorder goes on with it.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from wsproxy.errors import RecordingError
from wsproxy.store.engine import remove_sqlite
from wsproxy.store.failures import explained
from wsproxy.store.jsonl_file import read_records, write_records
from wsproxy.store.loading import load_records
from wsproxy.store.location import Location
from wsproxy.store.reader import open_recording


class Work:
    """The right to record to a JSONL recording, which one recorder has at a time.

    `finish` writes the file and gives it up; `abandon` leaves what was recorded to the next recorder. `load`
    False: the file is to be replaced. Raises RecordingError if another has it, or if the file is no
    recording.
    """

    def __init__(self, location: Location, *, load: bool = True) -> None:
        assert location.jsonl is not None
        assert location.path is not None
        self._location = location
        self._text, self._database = location.jsonl, location.path
        self._lock_path = _beside(self._text, ".lock")
        self._found = False
        with explained(location):
            self._text.parent.mkdir(parents=True, exist_ok=True)
            self._lock = self._locked()
            try:
                if load:
                    self._load()
                elif self._database.exists():
                    raise RecordingError(
                        f"{location} was left unfinished by a recorder: record or import to it, or remove"
                        f" {self._database.name}"
                    )
            except BaseException:
                self.abandon()
                raise

    def _locked(self) -> int:
        while True:
            handle = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Whoever had it may have removed the file since it was opened here.
                if _is_still(self._lock_path, handle):
                    return handle
            except BlockingIOError:
                os.close(handle)
                raise RecordingError(
                    f"{self._location} is being recorded to by another program: wait for its end, or record"
                    " to a SQLite file, which many can share"
                ) from None
            os.close(handle)

    def _load(self) -> None:
        """Have what the file holds in the database, unless a killed recorder has left that there."""
        if self._database.exists() and self._database.stat().st_size:
            self._found = True
            return
        if not self._text.exists() or not self._text.stat().st_size:
            return
        made = _beside(self._text, ".loading")
        remove_sqlite(made)
        try:
            place = self._location.kept_in(made)
            load_records(place, read_records(self._text, self._location), time.time_ns)
            made.replace(self._database)
        finally:
            remove_sqlite(made)

    def finish(self) -> None:
        """Write all of it as text. Raises RecordingError if that fails; then nothing is lost, and nothing
        given up.
        """
        with open_recording(str(self._text)) as recording:
            write_records(self._text, recording.records(), self._location)
        remove_sqlite(self._database)
        self.abandon()

    def give_up(self) -> bool:
        """Remove what was recorded, unless a killed recorder's is among it, and let another recorder have it;
        whether everything is as it was found.
        """
        if not self._found:
            remove_sqlite(self._database)
        self.abandon()
        return not self._found

    def abandon(self) -> None:
        """Let another recorder have it."""
        self._lock_path.unlink(missing_ok=True)
        os.close(self._lock)


def remove_recording(location: Location) -> None:
    """Remove the files of a recording, if it is kept in files; for one that could not be made."""
    for path in (location.jsonl, location.path):
        if path is not None:
            with suppress(OSError):
                remove_sqlite(path)


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
