"""Sessions of recorders that died, and of those that only seem to."""

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, update

from tests.store.recording import AT, HELLO, START, recording_to, wait_until
from wsproxy.protocol.frame import Side
from wsproxy.store import leases, schema
from wsproxy.store.model import SessionState
from wsproxy.store.reader import open_recording
from wsproxy.store.writer import Recorder

NS = 1_000_000_000


def states(place: Path) -> list[SessionState]:
    with open_recording(str(place)) as recording:
        return [session.state for session in recording.sessions()]


def rewrite_recorder(place: Path, **values: object) -> None:
    engine = create_engine(f"sqlite:///{place}")
    with engine.begin() as connection:
        connection.execute(update(schema.recorders).values(**values))


def test_a_session_is_open_while_its_recorder_lives_even_for_a_second_recorder(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place) as first:
        session = first.open_session(START)
        wait_until(lambda: first.backlog == 0, "the session to be stored")
        with recording_to(place) as second:
            second.open_session(START)
            wait_until(lambda: second.backlog == 0, "the other session to be stored")
            assert states(place) == [SessionState.OPEN, SessionState.OPEN]
        assert states(place) == [SessionState.OPEN, SessionState.INTERRUPTED]
        session.end(AT)
    assert states(place) == [SessionState.ENDED, SessionState.INTERRUPTED]


def abandon(place: Path) -> None:
    """Record half a session in a process that is gone without a word."""
    code = (
        "import os, sys\n"
        "from tests.store.recording import *\n"
        "with recording_to(sys.argv[1]) as recorder:\n"
        "    recorder.open_session(START)\n"
        "    wait_until(lambda: recorder.backlog == 0, 'the session to be stored')\n"
        "    os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(place)], check=True)


def test_a_dead_process_is_told_at_once_and_marked_by_the_next_recorder(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    abandon(place)
    assert states(place) == [SessionState.INTERRUPTED]
    engine = create_engine(f"sqlite:///{place}")
    with engine.connect() as connection:
        assert connection.scalar(select(schema.sessions.c.state)) == SessionState.OPEN
    with recording_to(place), engine.connect() as connection:
        assert connection.scalar(select(schema.sessions.c.state)) == SessionState.INTERRUPTED
    engine.dispose()


@pytest.mark.parametrize(
    ("seconds_ago", "state"),
    [(1, SessionState.OPEN), (leases.LEASE_S + 1, SessionState.INTERRUPTED)],
)
def test_a_recorder_elsewhere_counts_as_alive_for_a_while(
    tmp_path: Path, seconds_ago: int, state: SessionState
) -> None:
    place = tmp_path / "recording.db"
    abandon(place)
    rewrite_recorder(place, host="elsewhere", seen_at_ns=time.time_ns() - seconds_ago * NS)
    assert states(place) == [state]
    with recording_to(place):
        assert states(place) == [state]


def test_another_process_with_the_same_id_is_not_the_recorder(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    abandon(place)
    rewrite_recorder(place, process=f"{os.getpid()} 1")
    assert states(place) == [SessionState.INTERRUPTED]


def test_where_processes_have_no_start_time_only_the_lease_counts(tmp_path: Path) -> None:
    assert leases.process_identity(os.getpid(), tmp_path) == str(os.getpid())
    assert leases.host_identity(tmp_path) == platform.node()
    assert leases.host_identity().startswith(platform.node() + " ")
    place = tmp_path / "recording.db"
    abandon(place)
    rewrite_recorder(place, process=str(1 << 30), seen_at_ns=time.time_ns())
    assert states(place) == [SessionState.OPEN]


def test_a_zombie_is_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE) as child:
        alive = leases.process_identity(child.pid)
        assert alive is not None
        wait_until(lambda: leases.process_identity(child.pid) is None, "the child to end")


def test_a_recorder_that_slept_takes_its_sessions_back_and_renews_its_lease(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    now = [time.time_ns()]
    recorder = Recorder(
        str(place), on_failure=lambda error: None, on_pressure=lambda pressed: None, clock=lambda: now[0]
    )
    recorder.start()
    session = recorder.open_session(START)
    wait_until(lambda: recorder.backlog == 0, "the session to be stored")
    engine = create_engine(f"sqlite:///{place}")
    with engine.begin() as connection:
        connection.execute(update(schema.sessions).values(state=SessionState.INTERRUPTED.value))
        connection.execute(update(schema.recorders).values(ended_at_ns=1))

    def state() -> str:
        with engine.connect() as connection:
            return str(connection.scalar(select(schema.sessions.c.state)))

    now[0] += (leases.RENEWAL_S + 1) * NS
    wait_until(lambda: state() == SessionState.OPEN, "the session to be taken back, with nothing else to do")
    with engine.begin() as connection:
        assert connection.execute(
            select(schema.recorders.c.seen_at_ns, schema.recorders.c.ended_at_ns)
        ).one() == (
            now[0],
            None,
        )
        connection.execute(update(schema.sessions).values(state=SessionState.INTERRUPTED.value))
    now[0] += (leases.RENEWAL_S + 1) * NS
    session.receive_data(Side.SERVER, HELLO, AT)
    wait_until(lambda: state() == SessionState.OPEN, "the session to be taken back, with the next data")
    session.end(AT)
    recorder.close()
    assert state() == SessionState.ENDED
    engine.dispose()
