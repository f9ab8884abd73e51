"""Recordings that hold what no recorder writes: read as far as they make sense, refused clearly where not."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.run import check_error, wsproxy_here
from tests.store.recording import AT, record_session
from tests.wire.build import frame
from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.store.model import ChangeKind
from wsproxy.store.reader import open_recording
from wsproxy.store.schema import MOST_SESSIONS
from wsproxy.store.session_recorder import Changed


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A session with a masked text message, and a change."""
    made = tmp_path / "recording.db"
    record_session(
        made,
        [(Side.CLIENT, frame(1, b"Hello", key=b"\1\2\3\4"))],
        then=lambda session: session.change(Changed(ChangeKind.DROPPED, Side.CLIENT, 0, 11, b""), AT),
    )
    return made


def spoil(place: Path, statement: str) -> None:
    """Do what no recorder does."""
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ("masking_key = x''", "a masking key of 0 bytes"),
        ("masking_key = x'010203'", "a masking key of 3 bytes"),
        ("masking_key = zeroblob(9)", "a masking key of 9 bytes"),
        ("header = x''", "a frame without a header"),
    ],
)
def test_frames_that_are_none(place: Path, spoilt: str, said: str) -> None:
    spoil(place, f"UPDATE frames SET {spoilt}")
    for words in (("show", "1", "--hex"), ("show", "1", "--json"), ("lint",)):
        done = wsproxy_here(words[0], str(place), *words[1:])
        assert done.code == 2
        assert "is damaged" in done.err
        assert said in done.err
    with closing(sqlite3.connect(place)) as connection:
        (frame_id,) = connection.execute("SELECT id FROM frames").fetchone()
    with open_recording(str(place)) as recording, pytest.raises(RecordingError, match=said):
        list(recording.payload(frame_id))


@pytest.mark.parametrize("number", [MOST_SESSIONS, 1 << 62])
def test_a_session_number_beyond_all(place: Path, number: int) -> None:
    spoil(place, f"UPDATE sessions SET id = {number}")
    if number == MOST_SESSIONS:
        spoil(place, f"UPDATE sides SET id = id - 2 + {number} * 2")
        check_error(wsproxy_here("ls", str(place)), 2, "is damaged", "none that a session can have")
    with open_recording(str(place)) as recording, pytest.raises(RecordingError, match="is damaged"):
        list(recording.search("Hello"))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE frames SET side = 2", "side is 2"),
        ("UPDATE frames SET side = -1", "side is -1"),
        ("UPDATE frames SET header = x''", '"header" is empty'),
        ("UPDATE frames SET opcode = -1", '"opcode" is -1, not a whole number from 0'),
        ("UPDATE changes SET end_offset = -1", '"end_offset" is -1'),
        ("UPDATE frames SET masking_key = x'01'", "a masking key of 1 bytes"),
        ("UPDATE sessions SET target = CAST(x'610062' AS TEXT)", "target holds NUL"),
        ("UPDATE sides SET tcp_end_id = 5", '"tcp_end_position" is'),
    ],
)
def test_nothing_is_exported_that_could_not_be_read(place: Path, statement: str, said: str) -> None:
    spoil(place, statement)
    text = place.with_suffix(".jsonl")
    check_error(wsproxy_here("export", str(place), "-o", str(text)), 2, "cannot be written as JSONL", said)
    assert not text.exists()
