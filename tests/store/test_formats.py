"""Recordings of older formats: read as they are, brought up to date when recorded to."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.everything import everything
from tests.store.recording import AT, START, record_session, recording_to
from wsproxy.protocol.frame import Side
from wsproxy.store import schema
from wsproxy.store.migrations import MIGRATIONS
from wsproxy.store.model import ChangeKind, ChangeRules, HttpExchange
from wsproxy.store.reader import open_recording
from wsproxy.store.session_recorder import Changed, SessionRecorder

FORMAT_1 = Path(__file__).with_name("format1.db")
"""A session with changes, a finding, fragments and a tail, recorded when that was the format."""

EXCHANGE = HttpExchange(
    started_at_ns=AT,
    ended_at_ns=AT + 1,
    client_address="127.0.0.1:50000",
    server_address="127.0.0.1:9006",
    target="http://device:9006/\0\udc80",
    request_head=b"GET / HTTP/1.1\r\n\r\n",
    request_body=b"",
    response_head=b"HTTP/1.1 426 Upgrade Required\r\n\r\n",
    response_body=b"\0\xff",
    request_body_length=0,
    response_body_length=5_000_000_000,
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A recording of format 1 that may be written to."""
    return Path(shutil.copy(FORMAT_1, tmp_path / "old.db"))


def version_of(place: Path) -> int:
    with closing(sqlite3.connect(place)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_what_the_first_format_did_not_have_says_since_when_it_is_there() -> None:
    with closing(sqlite3.connect(FORMAT_1)) as connection:
        for table in schema.metadata.sorted_tables:
            present = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
            assert bool(present) == (schema.since(table) == 1), f"{table.name}: give it info=came_with(…)"
            later = {column.name for column in table.columns if schema.since(column) > 1}
            if present:
                missing = set(table.columns.keys()) - present
                assert missing == later, (
                    f"{table.name}: give the new column info=came_with(…), and add a step"
                )
            newest = max(map(schema.since, [table, *table.columns]))
            assert newest <= len(MIGRATIONS), "add a step to MIGRATIONS"


def test_an_old_recording_is_read_as_it_is(old: Path) -> None:
    old.chmod(0o444)
    with open_recording(str(old)) as recording:
        start = recording.session("last").start
        assert start.redaction is None
        assert [change.rules for change in recording.changes(1)] == [(), ()]
        assert [change.kind for change in recording.changes(1)] == [ChangeKind.REPLACED, ChangeKind.INJECTED]
        assert {each.kind: each.rules for each in recording.change_rules(1)} == {
            ChangeKind.REPLACED: (),
            ChangeKind.INJECTED: (),
        }
        assert b"".join(recording.stream_sent(1, Side.SERVER)).startswith(start.response_head + b"\x81\x02ok")
        assert list(recording.exchanges()) == []
        assert [found.detail for found in recording.findings(1)] == ["reserved bit 1 is set"]
        assert [stored.message.payload for stored in recording.search("Hi")] == [b"Hi!"]
    assert old.read_bytes() == FORMAT_1.read_bytes()


def test_an_old_recording_is_brought_up_to_date_when_recorded_to(old: Path) -> None:
    with open_recording(str(old)) as recording:
        before = everything(recording)
        with recording_to(old) as recorder:
            recorder.exchange(EXCHANGE)
        # One that was opened before goes on reading.
        assert everything(recording) == before
    assert version_of(old) == len(MIGRATIONS)
    with open_recording(str(old)) as recording:
        after = everything(recording)
        exchanges = list(recording.exchanges())
    assert [found for found in before if found not in after] == [0]
    assert [found for found in after if found not in before] == [*exchanges, 1]


def test_changes_keep_their_rules(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    rules = ("frame.mask", "frame.rsv")
    changed = Changed(ChangeKind.DROPPED, Side.CLIENT, 0, 3, b"", rules)

    def change(session: SessionRecorder) -> None:
        for _ in range(2):
            session.change(changed, AT)

    record_session(place, [(Side.CLIENT, b"\x81\x01a")], then=change)
    record_session(place, [(Side.CLIENT, b"\x81\x01a")])
    with open_recording(str(place)) as recording:
        assert [change.rules for change in recording.changes(1)] == [rules, rules]
        assert recording.change_rules(1) == {ChangeRules(Side.CLIENT, ChangeKind.DROPPED, rules)}
        assert recording.change_rules(2) == set()


def test_exchanges_are_kept(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place) as recorder:
        recorder.exchange(EXCHANGE)
        recorder.open_session(START).end(AT)
        recorder.exchange(EXCHANGE)
    with open_recording(str(place)) as recording:
        stored = list(recording.exchanges())
        assert [exchange.id for exchange in stored] == [1, 2]
        assert len(list(recording.sessions())) == 1
    exchange = stored[0].exchange
    assert exchange.target == "http://device:9006/\\x00\\udc80"
    assert (exchange.response_body, exchange.response_body_length) == (b"\0\xff", 5_000_000_000)
