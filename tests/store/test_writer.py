"""The recorder as its users see it: observers, pressure, pace, memory."""

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from tests.store.recording import (
    AT,
    HELLO,
    START,
    Callbacks,
    flood,
    read_streams,
    record_session,
    recording_to,
    wait_until,
)
from tests.store.several import check_several_recorders
from tests.wire.build import frame
from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import Frame, Side
from wsproxy.protocol.message import Message
from wsproxy.protocol.session import SessionEvent
from wsproxy.store.inserts import placeholder
from wsproxy.store.limits import WriterLimits
from wsproxy.store.model import ChangeKind, SessionEnd, SessionStart, SessionState, TcpEnd
from wsproxy.store.reader import open_recording
from wsproxy.store.session_recorder import Changed, Found


class Onlooker:
    """Notes what it is told; fails on demand."""

    def __init__(self, *, faulty: bool = False) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.threads: set[str] = set()
        self._faulty = faulty

    def session_started(self, session_id: int, start: SessionStart) -> None:
        self._note(("started", session_id, start))

    def changes_made(self, session_id: int, changes: Sequence[Changed]) -> None:
        pass

    def findings_made(self, session_id: int, findings: Sequence[Found]) -> None:
        pass

    def events_received(
        self, session_id: int, side: Side, at_ns: int, events: Sequence[SessionEvent]
    ) -> None:
        self._note(("events", session_id, side, at_ns, [type(event) for event in events]))

    def session_ended(self, session_id: int, end: SessionEnd) -> None:
        self._note(("ended", session_id, end))

    def _note(self, what: tuple[Any, ...]) -> None:
        self.threads.add(threading.current_thread().name)
        self.told.append(what)
        if self._faulty:
            raise ValueError("a fault in a display")


def test_observers_see_what_is_recorded_and_cannot_harm_it(tmp_path: Path) -> None:
    faulty, good = Onlooker(faulty=True), Onlooker()
    with recording_to(tmp_path / "recording.db", observers=(faulty, good)) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.SERVER, HELLO, AT)
        session.receive_data(Side.SERVER, b"\x81", AT)
        session.receive_eof(Side.SERVER, "rst", AT)
        session.receive_eof(Side.CLIENT, "fin", AT)
        session.end(AT)
    end = SessionEnd(AT, None, None, None, TcpEnd.FIN, TcpEnd.RST)
    assert good.told == [
        ("started", 1, START),
        ("events", 1, Side.SERVER, AT, [Frame, Message]),
        ("ended", 1, end),
    ]
    assert faulty.told == good.told[:1]
    assert good.threads == {"wsproxy-store"}
    assert session.session_id == 1


def test_a_flood_presses_and_what_waits_stays_bounded(tmp_path: Path) -> None:
    callbacks = Callbacks()
    place = tmp_path / "recording.db"
    limits = WriterLimits(high_water=1 << 20)
    chunk = (b"\x82\x64" + bytes(100)) * 640
    with recording_to(place, limits=limits, callbacks=callbacks) as recorder:
        most = flood(recorder, callbacks, chunk, 200)
    assert callbacks.pressure[:2] == [True, False]
    # What is done but not committed yet counts, too.
    assert most < 4 << 20
    assert read_streams(place)[Side.SERVER] == chunk * 200


def test_what_waits_too_long_is_stored_undecoded(tmp_path: Path) -> None:
    """Decoding is made hopelessly slow; what has come in is in the recording all the same."""
    place = tmp_path / "recording.db"
    limits = WriterLimits(tick=0.001, commit_time=0.0, spool_age=0.0, high_water=1 << 30)
    data = b"\x89\x00" * 50_000 + HELLO
    with recording_to(place, limits=replace(limits, slice_size=4096, batch_size=1)) as recorder:
        first, second = recorder.open_session(START), recorder.open_session(START)
        for at in range(0, len(data), 20_000):
            first.receive_data(Side.CLIENT, data[at : at + 20_000], AT)
            second.receive_data(Side.SERVER, data[at : at + 20_000], AT)
        first.receive_eof(Side.CLIENT, "fin", AT)
        with open_recording(str(place)) as recording:

            def stored(session_id: int, side: Side) -> int:
                return recording.session(session_id).counts(side).received_bytes

            wait_until(lambda: bool(list(recording.sessions())), "the sessions to be stored")
            wait_until(lambda: stored(2, Side.SERVER) == len(data), "all the data to be there")
            assert recording.session(2).server.frames < 50_000
            assert stored(1, Side.CLIENT) == len(data)
        assert read_streams(place, 2)[Side.SERVER] == data
        assert recorder.backlog > 0
    assert read_streams(place)[Side.CLIENT] == read_streams(place, 2)[Side.SERVER] == data
    with open_recording(str(place)) as recording:
        assert recording.session(1).client.frames == 50_001
        assert recording.tail(1, Side.CLIENT) == b""


def test_slices_shrink_where_frames_are_tiny_and_grow_again(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    large = frame(2, bytes(500_000))
    seen = Onlooker()
    with recording_to(place, observers=(seen,)) as recorder:
        session = recorder.open_session(START)
        for data in (b"\x89\x00" * 100_000, large, large):
            session.receive_data(Side.SERVER, data, AT)
        session.end(AT)
    counts = [len(told[4]) for told in seen.told if told[0] == "events"]
    assert counts[:4] == [32_768, 16_384, 8_192, 4_096]
    assert max(counts[3:]) == 4_096
    # Eight times 8 KiB, and so on: the second large frame comes in slices of 64 KiB again.
    assert len(counts[-8:]) == 8
    assert sum(counts[-8:]) == 9
    assert read_streams(place)[Side.SERVER] == b"\x89\x00" * 100_000 + large * 2


@pytest.mark.parametrize("first", [0x82, 0x81, 0x02, 0x89, 0xC1])
@pytest.mark.parametrize("announced", [(1 << 63) - 1, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("size", [10, 200_000])
def test_no_announced_length_is_too_much(tmp_path: Path, first: int, announced: int, size: int) -> None:
    place = tmp_path / "recording.db"
    data = bytes((first, 127)) + announced.to_bytes(8) + b"x" * size
    with recording_to(place) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.SERVER, data, AT)
        session.receive_eof(Side.SERVER, "fin", AT)
        session.end(AT)
    assert recorder.failed is None
    assert read_streams(place)[Side.SERVER] == data
    with open_recording(str(place)) as recording:
        assert recording.session(1).state is SessionState.ENDED
        assert all((found.offset or 0) <= len(data) for found in recording.findings(1))


def test_nothing_follows_the_end_of_a_session(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place) as recorder:
        session = recorder.open_session(START)
        session.end(AT)
        wait_until(lambda: recorder.backlog == 0, "the session to be stored")
        session.receive_data(Side.SERVER, HELLO, AT)
        session.change(Changed(ChangeKind.DROPPED, Side.SERVER, 0, 7, b""), AT)
        session.finding("rule", "detail", Side.SERVER, 0, AT)
        session.receive_eof(Side.SERVER, "fin", AT)
        session.end(AT + 1)
        wait_until(lambda: recorder.backlog == 0, "all of it to be taken")
    with open_recording(str(place)) as recording:
        stored = recording.session(1)
        assert (stored.end.ended_at_ns, stored.server.received_bytes) == (AT, 0)
        assert list(recording.changes(1)) == []
        assert list(recording.findings(1)) == []


def test_sessions_that_are_open_when_recording_ends_are_interrupted(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.SERVER, HELLO, AT + 5)
    session.receive_data(Side.SERVER, HELLO, AT + 9)
    assert recorder.backlog == 0
    with open_recording(str(place)) as recording:
        stored = recording.session(1)
        assert (stored.state, stored.end, stored.last_at_ns) == (SessionState.INTERRUPTED, None, AT + 5)


def test_what_is_received_is_committed_within_moments(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place) as recorder:
        session = recorder.open_session(START)
        wait_until(lambda: recorder.backlog == 0, "the session to be stored")
        with open_recording(str(place)) as recording:
            for turn in range(3):
                session.receive_data(Side.SERVER, HELLO, AT)
                wait_until(
                    lambda turn=turn: recording.session(1).server.frames == turn + 1,  # type: ignore[misc]
                    "the frame to be committed",
                    seconds=20,
                )


def test_recording_costs_the_event_loop_little(tmp_path: Path) -> None:
    with recording_to(tmp_path / "recording.db", limits=WriterLimits(high_water=1 << 30)) as recorder:
        session = recorder.open_session(START)
        best = 1.0
        for _ in range(20):
            began = time.thread_time()
            for _ in range(1000):
                session.receive_data(Side.SERVER, HELLO, AT)
            best = min(best, (time.thread_time() - began) / 1000)
    assert best < 5e-6


MEMORY = """
import sys, threading
from tests.store.recording import *

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

callbacks = Callbacks()
message = bytes.fromhex("827f") + (1 << 20).to_bytes(8, "big") + bytes(1 << 20)
small = (bytes.fromhex("8264") + bytes(100)) * 2500
with recording_to(sys.argv[1], callbacks=callbacks) as recorder:
    session = recorder.open_session(START)
    base, peak = 0, 0
    for number in range(int(sys.argv[2])):
        for data in (message, small):
            for at in range(0, len(data), 262144):
                assert callbacks.relaxed.wait(60)
                session.receive_data(Side.SERVER, data[at : at + 262144], AT)
        if number == 0:
            wait_until(lambda: recorder.backlog == 0, "the first data")
            base = resident()
        peak = max(peak, resident())
print(peak - base)
"""


def test_memory_does_not_grow_with_what_passes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "recording.db"), "100"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(done.stdout) < 16 << 20


def test_frames_of_a_dialect_are_recorded(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    start = replace(START, client_dialect="hixie76", server_dialect="len32")
    record_session(
        place, [(Side.CLIENT, b"\x00text\xff"), (Side.SERVER, b"\x82\x7f\0\0\0\x02ab")], start=start
    )
    with open_recording(str(place)) as recording:
        assert [stored.message.payload for stored in recording.messages(1)] == [b"text", b"ab"]


def test_a_fault_in_the_recorders_thread_is_told(tmp_path: Path) -> None:
    class Broken(Callbacks):
        def on_pressure(self, pressed: bool) -> None:
            super().on_pressure(pressed)
            if threading.current_thread().name == "wsproxy-store":
                raise ZeroDivisionError

    callbacks = Broken()
    with recording_to(tmp_path / "recording.db", callbacks=callbacks) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.SERVER, frame(2, bytes(300_000)), AT)
        wait_until(lambda: recorder.failed is not None, "the recorder to fail")
    assert [str(error) for error in callbacks.failures] == [
        f"{tmp_path / 'recording.db'}: recording failed: ZeroDivisionError()"
    ]


def test_a_driver_that_takes_no_values_by_place_is_refused() -> None:
    engine = create_engine("sqlite://", paramstyle="named")
    with (
        engine.connect() as connection,
        pytest.raises(RecordingError, match="cannot be written to: use sqlite"),
    ):
        placeholder(connection)


def test_several_recorders_begin_and_write_at_once(tmp_path: Path) -> None:
    check_several_recorders(tmp_path / "recording.db")


def test_a_recorder_under_load_leaves_others_their_turn(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    impatient = WriterLimits(lock_timeout=5.0)
    callbacks = Callbacks()
    chunk = b"\x82\x02ab" * 4_000
    with recording_to(place, callbacks=callbacks) as busy, recording_to(place, limits=impatient) as other:
        flooding = busy.open_session(START)
        session = other.open_session(START)
        for _ in range(30):
            assert callbacks.relaxed.wait(30)
            flooding.receive_data(Side.CLIENT, chunk, AT)
            session.receive_data(Side.CLIENT, HELLO, AT)
        wait_until(lambda: other.backlog == 0, "the other recorder to have its turn")
    assert callbacks.failures == []
    assert read_streams(place, flooding.session_id or 0)[Side.CLIENT] == chunk * 30
    assert read_streams(place, session.session_id or 0)[Side.CLIENT] == HELLO * 30
