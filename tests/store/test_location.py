"""Where a recording is."""

from pathlib import Path

import pytest

from wsproxy.errors import RecordingError
from wsproxy.store.location import parse_location


@pytest.mark.parametrize("text", ["a.db", "sqlite:///a.db"])
def test_a_path_and_its_url_are_the_same(text: str) -> None:
    assert parse_location(text).path == Path("a.db")
    assert str(parse_location(text)) == "a.db"


def test_a_servers_password_is_never_shown() -> None:
    location = parse_location("postgresql+psycopg://me:secret@host/db")
    assert location.path is None
    assert str(location) == "postgresql+psycopg://me:***@host/db"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no file"),
        (":memory:", "names no file"),
        ("a\0b", "names no file"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("what ever://x", "not a database URL"),
        ("postgresql://me:secret@host:port/db", r"^postgresql://\.\.\. is not a database URL"),
    ],
)
def test_what_names_no_recording_is_refused(text: str, words: str) -> None:
    with pytest.raises(RecordingError, match=words):
        parse_location(text)
