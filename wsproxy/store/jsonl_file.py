"""JSONL recordings as files: read line by line, written in one go."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from wsproxy.errors import RecordingError
from wsproxy.store import schema
from wsproxy.store.failures import explained
from wsproxy.store.jsonl_lines import FORMAT, LineError, decode, encode, first_line, record_of
from wsproxy.store.location import Location
from wsproxy.store.records import EVENT_TABLES, Counts, Record

LINE_LIMIT = 64 << 20
"""The longest line there may be, in bytes."""

_UPGRADE = "upgrade wsproxy"
_BOM = b"\xef\xbb\xbf"


def read_records(path: Path, location: Location) -> Iterator[Record]:
    """The rows in a JSONL file, in its order, which is seen to be that of a recording.

    Raises RecordingError, with the number of the line, for anything else.
    """
    order = _Order()
    number = 0
    with explained(location), path.open("rb") as file:
        while line := file.readline(LINE_LIMIT + 1):
            number += 1
            try:
                found = _record(line, number)
                if found is not None:
                    order.check(found)
                    yield found
            except LineError as error:
                raise _refused(location, number, str(error)) from None
    if not number:
        raise RecordingError(f"{location} is empty, not a recording: check the path")
    if order.missing_sides:
        raise _refused(location, number + 1, "is missing: a session ends with a line for each side")


def write_records(path: Path, records: Iterable[Record], location: Location) -> None:
    """Write a JSONL file, in place of one that may be there once it is complete; for its owner only.

    Raises RecordingError if that cannot be done.
    """
    made = path.with_name(path.name + ".new")
    with explained(location):
        made.unlink(missing_ok=True)
        try:
            handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(handle, "w", encoding="utf-8", newline="\n") as file:
                for text in _lines(records, location):
                    file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                made.chmod(path.stat().st_mode & 0o777)
            made.replace(path)
        except BaseException:
            made.unlink(missing_ok=True)
            raise


def _lines(records: Iterable[Record], location: Location) -> Iterator[str]:
    yield first_line()
    for record in records:
        try:
            text = encode(record)
        except LineError as error:
            raise RecordingError(f"{location} cannot be written as JSONL: {error}") from None
        if len(text) > LINE_LIMIT // 4 and len(text.encode()) >= LINE_LIMIT:
            raise RecordingError(
                f"{location} cannot be written as JSONL: a line would be longer than {LINE_LIMIT >> 20} MiB;"
                " record to a SQLite file"
            )
        yield text


class _Order:
    """Whether each line may stand where it does."""

    def __init__(self) -> None:
        self.missing_sides = 0
        self._session = self._exchange = self._position = 0
        self._rank = 0
        self._counts = Counts()

    def check(self, record: Record) -> None:
        """Take the next row; raises LineError if it may not come now."""
        number = record.values["id"]
        if record.table is schema.http_exchanges:
            if self.missing_sides or number <= self._exchange:
                raise LineError('"exchange" is out of order: exchanges come last, by their number')
            self._exchange = number
        elif record.table is schema.sessions:
            if self.missing_sides or self._exchange or number <= self._session:
                raise LineError('"session" is out of order: sessions come one after another, by their number')
            self._session, self._position, self._rank, self.missing_sides = number, 0, 0, 2
            self._counts = Counts()
        elif record.session_id != self._session or not self.missing_sides:
            raise LineError(f'"session" is {record.session_id}, among the lines of session {self._session}')
        elif record.table is schema.sides:
            if number != self._session * 2 + 2 - self.missing_sides:
                raise LineError('"side" is out of order: the client comes first, then the server, at the end')
            self._check_counts(2 - self.missing_sides, record)
            self.missing_sides -= 1
        else:
            self._check_event(record, number)

    def _check_counts(self, side: int, record: Record) -> None:
        if gone := self._counts.lost(side, record.values):
            what, recorded, found = gone
            lines = "frames" if what == "frames" else "messages (or of frames that are one)"
            raise LineError(f'"{what}" is {recorded}, and there are {found} lines of {lines} of this side')

    def _check_event(self, record: Record, number: int) -> None:
        rank = EVENT_TABLES.index(record.table)
        if self.missing_sides < 2 or (number, rank) <= (self._position, self._rank):
            raise LineError('"position" is out of order: each line of a session has a greater one')
        self._position, self._rank = number, rank
        self._counts.add(record)


def _record(line: bytes, number: int) -> Record | None:
    """The row that a line stands for; None for the first line. Raises LineError."""
    if len(line) > LINE_LIMIT:
        raise LineError(f"is longer than {LINE_LIMIT >> 20} MiB")
    if line.startswith(_BOM):
        raise LineError("begins with a byte order mark: save the file as UTF-8 without one")
    if not line.endswith(b"\n"):
        raise LineError("is cut short: the file ends in the middle of it")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise LineError(f"is not UTF-8 ({error.reason} at byte {error.start})") from None
    kind, fields = decode(text)
    if number > 1:
        return record_of(kind, fields)
    if kind != "recording" or type(fields.get("format")) is not int:
        raise LineError(f"is not {first_line()}, as in a recording")
    if fields["format"] != FORMAT:
        raise LineError(f"says format {fields['format']}, and this wsproxy knows {FORMAT}: {_UPGRADE}")
    return None


def _refused(location: Location, number: int, what: str) -> RecordingError:
    advice = "" if what.endswith(_UPGRADE) else "; mend that line, or restore the file from a copy"
    return RecordingError(f"{location}: line {number} {_as_sentence(what)}{advice}")


def _as_sentence(what: str) -> str:
    return f"cannot be taken: {what}" if what.startswith('"') else what
