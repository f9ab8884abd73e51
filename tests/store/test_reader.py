"""Reading, while somebody writes, where nothing can be written, and when there is nothing to read."""

import gc
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.recording import (
    AT,
    HELLO,
    REQUEST,
    RESPONSE,
    START,
    read_streams,
    record_session,
    recording_to,
    wait_until,
)
from tests.store.test_durability import kill_feeder
from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.store.limits import WriterLimits
from wsproxy.store.model import ChangeKind
from wsproxy.store.reader import open_recording
from wsproxy.store.session_recorder import Changed


def test_a_recording_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place, limits=WriterLimits(tick=0.001, wal_start=1 << 16)) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.SERVER, HELLO * 1000, AT)
        wait_until(lambda: recorder.backlog == 0, "the first data to be stored")
        with open_recording(str(place)) as recording:
            halfway = recording.stream(1, Side.SERVER)
            assert next(halfway) == RESPONSE
            assert next(halfway) == HELLO
            for _ in range(20):
                session.receive_data(Side.SERVER, HELLO * 200 + HELLO[:3], AT)
                session.receive_data(Side.SERVER, HELLO[3:], AT)
                assert (HELLO * 60_000).startswith(
                    b"".join(recording.stream(1, Side.SERVER))[len(RESPONSE) :]
                )
            wait_until(lambda: recorder.backlog == 0, "all data to be stored")
            assert len(b"".join(halfway)) == 999 * len(HELLO)
            assert recording.session(1).server.frames == 1000 + 20 * 201
            assert b"".join(recording.stream(1, Side.SERVER)) == RESPONSE + HELLO * (1000 + 20 * 201)


def test_how_each_direction_ended_has_its_place_among_the_frames(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.CLIENT, HELLO, AT + 1)
        session.receive_eof(Side.CLIENT, "fin", AT + 2)
        session.receive_data(Side.SERVER, HELLO + HELLO[:2], AT + 3)
        session.receive_eof(Side.SERVER, "rst", AT + 4)
        session.end(AT + 5)
        recorder.open_session(START)
    with open_recording(str(place)) as recording:
        ended, interrupted = recording.sessions()
        from_client, from_server = (stored.id for stored in recording.events(1))
    client, server = ended.client, ended.server
    assert (client.tcp_end, client.tcp_ended_at_ns, client.last_at_ns) == ("fin", AT + 2, AT + 1)
    assert (server.tcp_end, server.tcp_ended_at_ns, server.last_at_ns) == ("rst", AT + 4, AT + 3)
    assert client.tcp_end_id is not None
    assert server.tcp_end_id is not None
    assert from_client < client.tcp_end_id < from_server < server.tcp_end_id
    assert (interrupted.client.tcp_end, interrupted.client.tcp_end_id) == ("open", None)


def test_a_recording_stays_open_when_recorders_come_and_go(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [(Side.SERVER, HELLO)])
    with open_recording(str(place)) as recording:
        assert len(list(recording.sessions())) == 1
        for count in (2, 3):
            record_session(place, [(Side.SERVER, HELLO * count)])
            assert len(list(recording.sessions())) == count
            assert b"".join(recording.stream(count, Side.SERVER)) == RESPONSE + HELLO * count
        copied = tmp_path / "copied.db"
        shutil.copy(place, copied)
    assert read_streams(copied, 3)[Side.SERVER] == HELLO * 3


def test_the_tail_is_of_the_same_moment_as_the_frames(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.CLIENT, HELLO + HELLO[:3], AT)
        wait_until(lambda: recorder.backlog == 0, "the frame's beginning to be stored")
        with open_recording(str(place)) as recording:
            stream = recording.stream(1, Side.CLIENT)
            assert [next(stream), next(stream)] == [REQUEST, HELLO]
            session.receive_data(Side.CLIENT, HELLO[3:] + HELLO, AT)
            wait_until(lambda: recorder.backlog == 0, "the rest to be stored")
            assert list(stream) == [HELLO[:3]]
            assert recording.tail(1, Side.CLIENT) == b""


@pytest.fixture
def read_only() -> Iterator[list[Path]]:
    """Folders put into the list are mounted read-only by `mount_read_only`, and freed at the end."""
    folders: list[Path] = []
    yield folders
    for folder in folders:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def mount_read_only(folder: Path, mounted: list[Path]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a folder read-only")
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    mounted.append(folder)
    subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)


def test_a_recording_can_be_read_on_read_only_media(tmp_path: Path, read_only: list[Path]) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [(Side.SERVER, HELLO)])
    mount_read_only(tmp_path, read_only)
    with open_recording(str(place)) as recording:
        assert b"".join(recording.stream(1, Side.SERVER)) == RESPONSE + HELLO


def test_a_killed_recorders_recording_can_be_read_on_read_only_media(
    tmp_path: Path, read_only: list[Path]
) -> None:
    place = tmp_path / "recording.db"
    kill_feeder(place, tmp_path / "log", "small", 0.0, 0.2)
    with open_recording(str(place)) as recording:
        before = [b"".join(recording.stream(1, side)) for side in Side]
    mount_read_only(tmp_path, read_only)
    with open_recording(str(place)) as recording:
        assert [b"".join(recording.stream(1, side)) for side in Side] == before


def test_a_log_without_its_index_on_read_only_media_is_a_clear_error(
    tmp_path: Path, read_only: list[Path]
) -> None:
    kill_feeder(tmp_path / "recording.db", tmp_path / "log", "small", 0.0, 0.2)
    copied = tmp_path / "copied"
    copied.mkdir()
    for name in ("recording.db", "recording.db-wal"):
        shutil.copy(tmp_path / name, copied)
    mount_read_only(copied, read_only)
    with pytest.raises(RecordingError, match="must be read where its folder is writable"):
        open_recording(str(copied / "recording.db"))


def test_reading_changes_nothing(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    kill_feeder(place, tmp_path / "log", "small", 0.0, 0.2)
    contents = {name: (tmp_path / name).read_bytes() for name in ("recording.db", "recording.db-wal")}
    with open_recording(str(place)) as recording:
        assert len(list(recording.frames(1))) > 0
        assert len(list(recording.search("nothing"))) == 0
    assert {name: (tmp_path / name).read_bytes() for name in contents} == contents


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        (7, "has no session 7: `wsproxy ls` shows which it has"),
        ("7", "has no session 7"),
        ("-1", "'-1' is not a session: give its number, or last"),
        ("first", "'first' is not a session: give its number, or last"),
        ("²", "'²' is not a session"),
        ("9" * 30, "has no session 999"),
    ],
)
def test_a_session_that_does_not_exist_is_named(tmp_path: Path, ref: int | str, words: str) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [])
    with open_recording(str(place)) as recording, pytest.raises(RecordingError) as caught:
        recording.session(ref)
    assert words in str(caught.value)


def test_a_recording_may_have_no_sessions(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place):
        pass
    with open_recording(str(place)) as recording:
        assert list(recording.sessions()) == []
        assert list(recording.frames(1)) == []
        assert list(recording.messages(1)) == []
        assert list(recording.events(1)) == []
        with pytest.raises(RecordingError, match="has no sessions yet: record something first"):
            recording.session("last")
        with pytest.raises(RecordingError, match="has no session 1"):
            list(recording.stream(1, Side.CLIENT))


def test_a_recording_that_fails_while_it_is_read_is_a_clear_error(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [(Side.SERVER, HELLO)])
    with open_recording(str(place)) as recording:
        other = sqlite3.connect(place)
        other.execute("DROP TABLE changes")
        other.close()
        with pytest.raises(RecordingError, match="no such table: changes"):
            list(recording.changes(1))
        with pytest.raises(RecordingError, match="no such table: changes"):
            list(recording.stream_sent(1, Side.SERVER))
        assert b"".join(recording.stream(1, Side.SERVER)) == RESPONSE + HELLO


def test_many_sessions_are_listed(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place) as recorder:
        for _ in range(300):
            recorder.open_session(START).end(AT)
    with open_recording(str(place)) as recording:
        assert [session.id for session in recording.sessions()] == list(range(1, 301))


def test_a_reading_that_is_left_ends_with_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "recording.db"
    record_session(
        place,
        [(Side.SERVER, b"\x81\x01a")],
        then=lambda session: session.change(Changed(ChangeKind.DROPPED, Side.SERVER, 0, 3, b""), AT),
    )
    raised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    with open_recording(str(place)) as recording:
        left: list[object] = [recording.changes_by_offset(1, Side.SERVER)]
        next(left[0])  # type: ignore[call-overload]
        # An error's traceback may hold it in a ring like this one.
        left.append(left)
    del left
    gc.collect()
    assert raised == []
