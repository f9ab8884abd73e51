"""SQLite's write-ahead log stays short, whatever passes and whoever reads."""

import sqlite3
import threading
from pathlib import Path

from sqlalchemy import event

from tests.store.recording import AT, START, Callbacks, read_streams, recording_to, wait_until
from tests.wire.build import frame
from wsproxy.protocol.frame import Side
from wsproxy.store.checkpointer import Checkpointer, copy_log
from wsproxy.store.engine import writing_engine
from wsproxy.store.limits import WriterLimits
from wsproxy.store.location import parse_location

MIB = 1 << 20
DATA = frame(2, bytes(MIB))
CHUNKS = [DATA[at : at + (128 << 10)] for at in range(0, len(DATA), 128 << 10)]
SMALL_LOG = WriterLimits(wal_start=MIB, wal_limit=8 * MIB)


def wal_size(place: Path) -> int:
    return place.with_name(place.name + "-wal").stat().st_size


def test_the_log_stays_short_while_data_flows(tmp_path: Path) -> None:
    callbacks = Callbacks()
    place = tmp_path / "recording.db"
    longest = 0
    with recording_to(place, limits=SMALL_LOG, callbacks=callbacks) as recorder:
        session = recorder.open_session(START)
        for _ in range(48):
            for chunk in CHUNKS:
                assert callbacks.relaxed.wait(30)
                session.receive_data(Side.SERVER, chunk, AT)
            longest = max(longest, wal_size(place))
    assert callbacks.failures == []
    assert longest < 20 * MIB
    assert read_streams(place)[Side.SERVER] == DATA * 48
    assert not place.with_name(place.name + "-wal").exists()


def test_the_relay_pauses_while_the_log_is_too_long(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place):
        pass
    engine = writing_engine(parse_location(str(place)), 1.0)
    held: list[bool] = []
    slow_disk = threading.Event()

    with engine.connect() as connection:

        @event.listens_for(engine, "connect")
        def wait_for_disk(*_: object) -> None:
            assert slow_disk.wait(30)

        limits = WriterLimits(wal_start=0, wal_limit=0)
        checkpointer = Checkpointer(engine, place, limits, held.append)
        checkpointer.look(connection)
        assert held == []
        with connection.begin():
            connection.exec_driver_sql("CREATE TABLE more (a)")
        checkpointer.look(connection)
        assert held == []
        checkpointer.look(connection)
        assert held == [True]
        slow_disk.set()

        def looked_until_free() -> bool:
            checkpointer.look(connection)
            return held[-1] is False

        wait_until(looked_until_free, "the log to be copied")
        checkpointer.stop()


def test_a_reader_that_stays_does_not_stop_the_relay(tmp_path: Path) -> None:
    callbacks = Callbacks()
    place = tmp_path / "recording.db"
    limits = WriterLimits(wal_start=MIB, wal_limit=2 * MIB)
    with recording_to(place, limits=limits, callbacks=callbacks) as recorder:
        session = recorder.open_session(START)
        wait_until(lambda: recorder.backlog == 0, "the session to be stored")
        reader = sqlite3.connect(place, isolation_level=None)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM frames").fetchone() == (0,)
        for chunk in CHUNKS * 16:
            assert callbacks.relaxed.wait(30)
            session.receive_data(Side.SERVER, chunk, AT)
        wait_until(lambda: recorder.backlog == 0, "the data to be stored")
        assert wal_size(place) > 16 * MIB
        reader.close()
        for chunk in CHUNKS * 8:
            assert callbacks.relaxed.wait(30)
            session.receive_data(Side.SERVER, chunk, AT)
        wait_until(lambda: wal_size(place) < 16 * MIB, "the log to begin anew")
    assert read_streams(place)[Side.SERVER] == DATA * 24


def test_a_recording_that_is_being_read_is_closed_all_the_same(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.SERVER, DATA, AT)
        session.end(AT)
        wait_until(lambda: recorder.backlog == 0, "the session to be stored")
        reader = sqlite3.connect(place, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM frames").fetchone()
    reader.close()
    assert read_streams(place)[Side.SERVER] == DATA


def test_no_thread_is_left_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with recording_to(tmp_path / "recording.db"):
        assert len(set(threading.enumerate()) - before) == 2
    assert set(threading.enumerate()) <= before


def test_a_checkpoint_that_fails_is_left_to_the_next_commit(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place):
        connection = sqlite3.connect(place, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        assert copy_log(connection) == 0
        connection.execute("COMMIT")
        assert copy_log(connection) > 0
        connection.close()


def test_there_may_be_no_log(tmp_path: Path) -> None:
    location = parse_location(str(tmp_path / "recording.db"))
    engine = writing_engine(location, 1.0)
    held: list[bool] = []
    # As in a recorder, the file is made before there is a second connection.
    with engine.connect() as connection:
        checkpointer = Checkpointer(engine, tmp_path / "other.db", SMALL_LOG, held.append)
        checkpointer.look(connection)
        checkpointer.stop()
    assert held == []
