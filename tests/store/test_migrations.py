"""Formats, and the views to browse."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from tests.store.recording import AT, START, record_session, recording_to
from tests.wire.build import frame
from wsproxy.protocol.frame import Side
from wsproxy.store import migrations, schema
from wsproxy.store.limits import WriterLimits
from wsproxy.store.views import create_views


def query(place: Path, sql: str) -> list[dict[str, object]]:
    connection = sqlite3.connect(place)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(sql)]
    finally:
        connection.close()


def test_a_recording_says_what_it_is(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [])
    assert query(place, "PRAGMA user_version") == [{"user_version": len(migrations.MIGRATIONS)}]
    assert query(place, "PRAGMA application_id") == [{"application_id": int.from_bytes(b"wspx", "big")}]
    assert query(place, "PRAGMA page_size") == [{"page_size": 16384}]


def test_a_recording_goes_forward_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [(Side.SERVER, b"\x81\x05Hello")])

    def add_column(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE sessions ADD COLUMN note TEXT")

    steps = (*migrations.MIGRATIONS, ("notes", add_column))
    monkeypatch.setattr(migrations, "MIGRATIONS", steps)
    with recording_to(place):
        pass
    assert query(place, "PRAGMA user_version") == [{"user_version": len(steps)}]
    assert query(place, "SELECT note FROM sessions") == [{"note": None}]
    with recording_to(place):
        pass


def test_a_step_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [])

    def fail_half_way(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE sessions ADD COLUMN note TEXT")
        raise KeyboardInterrupt

    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, ("half", fail_half_way)))
    with pytest.raises(KeyboardInterrupt), recording_to(place):
        pass
    assert query(place, "PRAGMA user_version") == [{"user_version": len(migrations.MIGRATIONS) - 1}]
    with pytest.raises(sqlite3.OperationalError):
        query(place, "SELECT note FROM sessions")


def test_a_person_can_browse(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    data = (
        frame(1, "höflich".encode())
        + frame(1, b"frag", fin=False)
        + frame(9, b"\x00\xffping")
        + frame(0, b"ment")
        + frame(2, bytes(300))
        + frame(11, b"", rsv=7)
        + frame(8, b"\x03\xe8bye")
    )
    record_session(place, [(Side.CLIENT, frame(1, b"masked", key=b"abcd")), (Side.SERVER, data)])
    assert query(place, "SELECT * FROM session_list") == [
        {
            "number": 1,
            "started": "2023-11-14 22:13:20",
            "state": "ended",
            "seconds": 0.0,
            "target": "ws://device:9006/chat",
            "subprotocol": None,
            "client_address": "127.0.0.1:50000",
            "server_address": "127.0.0.1:9006",
            "client_frames": 1,
            "server_frames": 7,
            "client_bytes": 12,
            "server_bytes": len(data),
            "close_code": 1000,
            "close_reason": "bye",
            "closed_by": "server",
            "client_end": "open",
            "server_end": "open",
        }
    ]
    rows = query(place, "SELECT time, side, opcode, payload_length, flags, header, payload FROM frame_list")
    assert [tuple(row.values()) for row in rows] == [
        ("2023-11-14 22:13:20.000000", "client", "text", 6, "FIN MASK", "818661626364", "masked"),
        ("2023-11-14 22:13:20.000000", "server", "text", 8, "FIN", "8108", "höflich"),
        ("2023-11-14 22:13:20.000000", "server", "text", 4, "", "0104", "frag"),
        ("2023-11-14 22:13:20.000000", "server", "ping", 6, "FIN", "8906", "00FF70696E67"),
        ("2023-11-14 22:13:20.000000", "server", "continuation", 4, "FIN", "8004", "6D656E74"),
        ("2023-11-14 22:13:20.000000", "server", "binary", 300, "FIN", "827E012C", "00" * 256),
        ("2023-11-14 22:13:20.000000", "server", "reserved 11", 0, "FIN RSV1 RSV2 RSV3", "FB00", ""),
        ("2023-11-14 22:13:20.000000", "server", "close", 5, "FIN", "8805", "03E8627965"),
    ]
    rows = query(place, "SELECT number, side, opcode, payload_length, frames, payload FROM message_list")
    assert [tuple(row.values()) for row in rows] == [
        (1, "client", "text", 6, 1, "masked"),
        (2, "server", "text", 8, 1, "höflich"),
        (5, "server", "text", 8, 2, "fragment"),
        (6, "server", "binary", 300, 1, "00" * 256),
    ]


def test_the_view_of_messages_goes_by_the_primary_keys(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [])
    plan = query(place, "EXPLAIN QUERY PLAN SELECT * FROM messages WHERE id > 5 ORDER BY id LIMIT 9")
    steps = [str(row["detail"]) for row in plan]
    assert steps[0] == "MERGE (UNION ALL)"
    assert not [step for step in steps if "TEMP B-TREE" in step or step.startswith("SCAN")]


def test_microseconds_are_shown(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place, limits=WriterLimits(tick=0.001)) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.SERVER, b"\x81\x00", AT + 1_002_003_999)
        session.end(AT + 2_500_000_000)
    assert query(place, "SELECT time FROM frame_list") == [{"time": "2023-11-14 22:13:21.002003"}]
    assert query(place, "SELECT seconds FROM session_list") == [{"seconds": 2.5}]


def test_any_database_gets_the_view_of_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_engine("sqlite://")
    monkeypatch.setattr(engine.dialect, "name", "other")
    with engine.begin() as connection:
        schema.metadata.create_all(connection)
        create_views(connection)
        views = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'view'").scalars()
        assert list(views) == ["messages"]
