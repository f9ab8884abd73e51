"""Where a recording is: a path, or any SQLAlchemy URL."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from wsproxy.errors import RecordingError

_JSONL, _PART = ".jsonl", ".part"


@dataclass(frozen=True, slots=True)
class Location:
    """A recording's place. `path` is the file of a SQLite recording, None for any other database.

    `jsonl` is the file of a JSONL recording; its `path` is where it is a database while it is recorded to.
    """

    url: URL
    path: Path | None
    jsonl: Path | None = None

    def kept_in(self, path: Path) -> "Location":
        """The same recording, in this SQLite file."""
        return Location(_sqlite_url(str(path)), path, self.jsonl)

    def __str__(self) -> str:
        if self.jsonl is not None:
            return str(self.jsonl)
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)


def parse_location(path_or_url: str) -> Location:
    """The place that a path or an SQLAlchemy URL names.

    Raises RecordingError for what is neither, and for a database that exists in memory only.
    """
    if "://" not in path_or_url:
        if not path_or_url or path_or_url == ":memory:" or "\0" in path_or_url:
            raise RecordingError(f"{path_or_url!r} names no file: give a path such as wsproxy.db")
        return _file(path_or_url)
    try:
        url = make_url(path_or_url)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise RecordingError(
            # Not the whole of it: there may be a password in it.
            f"{path_or_url.partition('://')[0]}://... is not a database URL; write it as sqlite:///FILE or"
            " postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
        ) from error
    if backend != "sqlite":
        return Location(url, None)
    if not url.database or url.database == ":memory:":
        raise RecordingError(
            f"{path_or_url} is a database in memory: nothing of it would be kept; name a file"
        )
    return _file(url.database)


def shown_place(path_or_url: str) -> str:
    """The place as a user named it, without the password a URL may have in it."""
    return str(parse_location(path_or_url)) if "://" in path_or_url else path_or_url


def _file(path: str) -> Location:
    if not path.endswith(_JSONL):
        return Location(_sqlite_url(path), Path(path))
    return Location(_sqlite_url(path + _PART), Path(path + _PART), Path(path))


def _sqlite_url(path: str) -> URL:
    return URL.create("sqlite", database=path)
