"""Everything that can be wrong with a recording's place: one line that says what to do, and nothing lost."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.devices.nobody import dead_port
from tests.store.recording import (
    AT,
    HELLO,
    START,
    Callbacks,
    read_streams,
    record_session,
    recording_to,
    wait_until,
)
from wsproxy.errors import DatabaseReachError, RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.store.failures import explain
from wsproxy.store.limits import WriterLimits
from wsproxy.store.location import parse_location
from wsproxy.store.migrations import APPLICATION_ID, MIGRATIONS
from wsproxy.store.reader import open_recording
from wsproxy.store.session_recorder import SessionRecorder
from wsproxy.store.writer import Recorder


def start_recording(place: Path | str) -> None:
    with recording_to(place):
        pass


def start_reading(place: Path | str) -> None:
    open_recording(str(place)).close()


def refusal(do: Callable[[Path | str], None], place: Path | str) -> str:
    with pytest.raises(RecordingError) as caught:
        do(place)
    text = str(caught.value)
    assert "\n" not in text
    return text


def a_directory(folder: Path) -> Path:
    return folder


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("x")
    return folder / "file" / "recording.db"


def a_text(folder: Path) -> Path:
    (folder / "notes.txt").write_text("these are notes, not a recording\n" * 100)
    return folder / "notes.txt"


def anothers_database(folder: Path) -> Path:
    place = folder / "other.db"
    with sqlite3.connect(place) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    return place


def a_newer_recording(folder: Path) -> Path:
    place = folder / "newer.db"
    record_session(place, [])
    with sqlite3.connect(place) as connection:
        connection.execute(f"PRAGMA user_version={len(MIGRATIONS) + 7}")
    connection.close()
    return place


@pytest.mark.parametrize("do", [start_recording, start_reading])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (a_directory, "is a directory: name a file in it"),
        (below_a_file, "check the path"),
        (a_text, "is not a recording (not even a SQLite database): check the path"),
        (anothers_database, "is a SQLite database, but not a recording: check the path"),
        (a_newer_recording, f"has format {len(MIGRATIONS) + 7}, and this wsproxy knows formats up to"),
    ],
)
def test_what_is_no_recording_is_refused_and_left_alone(
    tmp_path: Path, do: Callable[[Path | str], None], make: Callable[[Path], Path], words: str
) -> None:
    place = make(tmp_path)
    before = place.read_bytes() if place.is_file() else b""
    assert words in refusal(do, place)
    assert (place.read_bytes() if place.is_file() else b"") == before


def test_nothing_can_be_read_where_nothing_is(tmp_path: Path) -> None:
    assert "does not exist" in refusal(start_reading, tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "empty.db").touch()
    assert "is empty" in refusal(start_reading, tmp_path / "empty.db")


def test_an_empty_file_can_be_recorded_to(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    record_session(tmp_path / "empty.db", [(Side.SERVER, HELLO)])
    assert read_streams(tmp_path / "empty.db")[Side.SERVER] == HELLO


def test_a_database_that_never_became_a_recording_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "begun.db"
    with sqlite3.connect(place) as connection:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.close()
    assert "without a recording in it" in refusal(start_reading, place)


def test_a_damaged_recording_is_a_loud_error(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [(Side.SERVER, HELLO * 5000)])
    data = bytearray(place.read_bytes())
    data[16384 * 4 :] = b"\xa5" * (len(data) - 16384 * 4)
    place.write_bytes(data)

    def read_all(place: Path | str) -> None:
        read_streams(place)

    assert "is damaged: restore it from a copy" in refusal(read_all, place)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Run as somebody whom permissions stop."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder that anybody can get to."""
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o755)
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    return folder


@pytest.mark.parametrize("deeper", ["recording.db", "new/recording.db"])
def test_an_unwritable_folder_is_refused(open_folder: Path, deeper: str) -> None:
    open_folder.chmod(0o555)
    with unprivileged():
        assert "may not be opened: check the permissions" in refusal(start_recording, open_folder / deeper)


@pytest.mark.parametrize(("mode", "words"), [(0o444, "may not be opened"), (0o644, "cannot be")])
def test_a_read_only_recording_can_be_read_but_not_recorded_to(
    open_folder: Path, mode: int, words: str
) -> None:
    with unprivileged():
        place = open_folder / "recording.db"
        record_session(place, [(Side.SERVER, HELLO)])
        place.chmod(mode)
    open_folder.chmod(0o555)
    with unprivileged():
        assert words in refusal(start_recording, place)
        assert read_streams(place)[Side.SERVER] == HELLO
        assert os.listdir(open_folder) == ["recording.db"]


def test_an_unreadable_recording_is_refused(open_folder: Path) -> None:
    with unprivileged():
        place = open_folder / "recording.db"
        record_session(place, [(Side.SERVER, HELLO)])
        place.chmod(0)
        for do in (start_recording, start_reading):
            assert "may not be opened: check the permissions" in refusal(do, place)


def test_a_locked_recording_is_refused_after_a_while(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [])
    other = sqlite3.connect(place, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        assert "is locked by another program" in refusal(start_recording, place)
    finally:
        other.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nosuch://host/db", "no database of that kind is known"),
        ("postgresql+pg8000://host/db", "the driver pg8000 is not installed"),
        ("postgresql+psycopg://nobody@/none?host=/nonexistent", "postgresql+psycopg://nobody@/none"),
    ],
)
@pytest.mark.parametrize("do", [start_recording, start_reading])
def test_a_server_that_cannot_be_used_is_named(
    do: Callable[[Path | str], None], url: str, words: str
) -> None:
    assert words in refusal(do, url)


def test_a_server_that_cannot_be_reached_is_not_a_recording_that_cannot_be_used() -> None:
    for do in (start_recording, start_reading):
        with dead_port() as port, pytest.raises(DatabaseReachError) as caught:
            do(f"postgresql+psycopg://nobody:hidden@127.0.0.1:{port}/none")
        text = str(caught.value)
        assert caught.value.exit_code == 3
        assert f"@127.0.0.1:{port}/none cannot be reached: check that the server runs" in text
        assert "hidden" not in text
        assert "\n" not in text


def check_failure(callbacks: Callbacks, session: SessionRecorder, words: str) -> None:
    """The recorder has said so, once, and takes nothing more."""
    assert len(callbacks.failures) == 1
    assert words in str(callbacks.failures[0])
    assert callbacks.pressure[-1:] != [True]
    for _ in range(1000):
        session.receive_data(Side.SERVER, HELLO, AT)
    session.receive_eof(Side.SERVER, "rst", AT)
    session.end(AT)


def test_a_full_disk_stops_the_recording_and_loses_nothing_stored(small_disk: Path) -> None:
    callbacks = Callbacks()
    place = small_disk / "recording.db"
    with recording_to(place, callbacks=callbacks) as recorder:
        session = recorder.open_session(START)
        sent = b""
        for number in range(4000):
            if recorder.failed:
                break
            data = b"\x82\x7e\x10\x00" + bytes([number % 251]) * 4096
            session.receive_data(Side.SERVER, data, AT)
            sent += data
            callbacks.relaxed.wait(20)
        wait_until(lambda: recorder.failed is not None, "the disk to be full")
        check_failure(callbacks, session, "is on a disk that is full: free some space")
        assert recorder.backlog == 0
        late = recorder.open_session(START)
        late.receive_data(Side.SERVER, HELLO, AT)
        assert late.session_id is None
    assert recorder.failed is callbacks.failures[0]
    (small_disk / "recording.db-shm").unlink(missing_ok=True)
    received = read_streams(place)[Side.SERVER]
    assert len(received) > 500_000
    assert sent.startswith(received)


def test_a_disk_too_full_to_begin_is_refused(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes((3 << 20) - 40_000))
    assert "is on a disk that is full" in refusal(start_recording, small_disk / "recording.db")
    assert os.listdir(small_disk) == ["ballast"]


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_recording_locked_while_it_goes_on_fails(tmp_path: Path) -> None:
    callbacks = Callbacks()
    place = tmp_path / "recording.db"
    with recording_to(place, callbacks=callbacks, limits=WriterLimits(lock_timeout=0.5)) as recorder:
        session = recorder.open_session(START)
        wait_until(lambda: recorder.backlog == 0, "the session to be stored")
        other = sqlite3.connect(place, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        session.receive_data(Side.SERVER, HELLO, AT)
        wait_until(lambda: recorder.failed is not None, "the recorder to give up")
        check_failure(callbacks, session, "is locked by another program")
        recorder.close()
        other.close()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_recording_taken_away_while_it_goes_on_fails(tmp_path: Path, replaced: bool) -> None:
    callbacks = Callbacks()
    place = tmp_path / "recording.db"
    with recording_to(place, callbacks=callbacks) as recorder:
        session = recorder.open_session(START)
        wait_until(lambda: recorder.backlog == 0, "the session to be stored")
        place.rename(tmp_path / "moved.db")
        if replaced:
            place.write_bytes(b"")
        session.receive_data(Side.SERVER, HELLO, AT)
        wait_until(lambda: recorder.failed is not None, "the recorder to give up")
        check_failure(callbacks, session, "was deleted, moved or replaced")


def test_a_dialect_that_is_gone_fails_the_recording(tmp_path: Path) -> None:
    callbacks = Callbacks()
    with recording_to(tmp_path / "recording.db", callbacks=callbacks) as recorder:
        session = recorder.open_session(replace(START, server_dialect="nosuch"))
        wait_until(lambda: recorder.failed is not None, "the recorder to give up")
        check_failure(callbacks, session, "there is no dialect 'nosuch'")


def test_a_recorder_that_never_started_can_be_closed() -> None:
    recorder = Recorder("never.db", on_failure=lambda error: None, on_pressure=lambda pressed: None)
    recorder.close()
    assert not Path("never.db").exists()


def test_files_are_for_their_owner_only_from_the_beginning(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b" / "recording.db"
    old = os.umask(0)
    try:
        with recording_to(place) as recorder:
            recorder.open_session(START)
            wait_until(lambda: recorder.backlog == 0, "the session to be stored")
            modes = {file.name: file.stat().st_mode & 0o777 for file in place.parent.iterdir()}
    finally:
        os.umask(old)
    assert modes == {"recording.db": 0o600, "recording.db-wal": 0o600, "recording.db-shm": 0o600}
    assert os.listdir(place.parent) == ["recording.db"]


def test_without_a_driver_the_room_can_still_be_imported() -> None:
    code = "import sys; import wsproxy.store.writer; assert 'psycopg' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_input_output_error_is_not_a_full_disk() -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    for place in ("recording.db", "/nonexistent/recording.db"):
        assert "input/output error): check the disk" in str(explain(parse_location(place), error))
