"""A recorder that is killed loses nothing but the last moments."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.store.feeder import HEAD, SESSIONS, stream
from tests.store.recording import read_streams, record_session, recording_to
from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.store.model import SessionState
from wsproxy.store.reader import open_recording

MISSING_NS = 250_000_000
STALL_NS = 20_000_000


class Passed(NamedTuple):
    """A line of the feeder's log: `size` bytes of that side have passed by then."""

    at_ns: int
    session: int
    side: Side
    size: int
    waited_ns: int


def kill_feeder(
    place: Path | str, log: Path, kind: str, pause: float, after: float
) -> tuple[list[Passed], int]:
    """Start a feeder, kill it `after` seconds; what has passed, and when it was killed."""
    command = [sys.executable, "-m", "tests.store.feeder", str(place), str(log), kind, str(pause)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as feeder:
        assert feeder.stdout.readline() == b"ready\n"
        time.sleep(after)
        killed_at = time.time_ns()
        feeder.kill()
    lines = log.read_text().splitlines(keepends=True)
    fields = [line.split() for line in lines if line.endswith("\n")]
    return [Passed(int(f[0]), int(f[1]), Side(f[2]), int(f[3]), int(f[4])) for f in fields], killed_at


def missing_ns(passed: list[Passed], stored: dict[tuple[int, Side], int], killed_at: int) -> int:
    """How much traffic is not stored, in time.

    Time in which the machine let nothing pass is not traffic; time in which back-pressure did is.
    """
    first = min((p.at_ns for p in passed if p.size > stored[p.session, p.side]), default=None)
    if first is None:
        return 0
    late = [p for p in passed if p.at_ns >= first]
    gaps = [b.at_ns - a.at_ns - (b.waited_ns - a.waited_ns) for a, b in pairwise(late)]
    gaps.append(killed_at - passed[-1].at_ns)
    return killed_at - first - sum(gap for gap in gaps if gap > STALL_NS)


@pytest.mark.parametrize(
    ("kind", "pause"),
    [
        ("small", 0.001),
        ("small", 0.0),
        ("endless", 0.001),
        ("dripping", 0.0005),
        ("tiny", 0.0),
        ("tiny", 0.3),
    ],
)
def test_a_killed_recorder_loses_the_last_moments_only(tmp_path: Path, kind: str, pause: float) -> None:
    def kill(turn: int) -> int:
        place = tmp_path / f"{turn}.db"
        after = random.Random(os.urandom(8)).uniform(0.6, 1.8)
        passed, killed_at = kill_feeder(place, tmp_path / f"{turn}.log", kind, pause, after)
        lost = lost_ns(place, kind, passed, killed_at)
        with recording_to(place), open_recording(str(place)) as recording:
            assert all(session.state is SessionState.INTERRUPTED for session in recording.sessions())
        return lost

    check_losses(kill)


def check_losses(kill: Callable[[int], int]) -> None:
    """A disk may stand still for a moment: a kill that loses too much is followed by two that may not."""
    lost = [kill(0)]
    if lost[0] > MISSING_NS:
        lost = [kill(1), kill(2)]
    assert max(lost) <= MISSING_NS


def lost_ns(place: Path | str, kind: str, passed: list[Passed], killed_at: int) -> int:
    """How much traffic is lost, in time; what is stored must be what has passed."""
    assert passed
    sizes = {(p.session, p.side): p.size for p in passed}
    stored = {(index, side): 0 for index in range(SESSIONS) for side in Side}
    with open_recording(str(place)) as recording:
        for index, session in enumerate(recording.sessions()):
            assert session.state is SessionState.INTERRUPTED
            for side in Side:
                data = b"".join(recording.stream(session.id, side))
                assert data.startswith(HEAD)
                stored[index, side] = size = len(data) - len(HEAD)
                assert size == session.counts(side).received_bytes
                # The last line of the log may be cut off: one chunk more may have passed than it says.
                assert size <= sizes[index, side] + 100_000
                assert data[len(HEAD) :] == stream(kind, size)
    return missing_ns(passed, stored, killed_at)


def test_many_kills_leave_many_whole_sessions(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    for turn in range(3):
        kill_feeder(place, tmp_path / f"log{turn}", "small", 0.0, 0.1 + turn * 0.07)
    with open_recording(str(place)) as recording:
        for session in recording.sessions():
            for side in Side:
                data = b"".join(recording.stream(session.id, side))[len(HEAD) :]
                assert data == stream("small", len(data))


HALF = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size=1")
connection.execute("BEGIN")
connection.execute("UPDATE sessions SET target = 'changed'")
connection.execute("UPDATE frames SET payload = zeroblob(30000)")
os._exit(0)
"""


def half_written(place: Path) -> bytes:
    """A recording on which somebody was killed in the middle of a change; what it was before."""
    record_session(place, [(Side.SERVER, b"\x81\x05Hello" * 300)])
    before = place.read_bytes()
    subprocess.run([sys.executable, "-c", HALF, str(place)], check=True)
    assert place.read_bytes()[: len(before)] != before
    return before


def test_a_change_that_was_cut_short_is_undone(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    before = half_written(place)
    assert read_streams(place)[Side.SERVER] == b"\x81\x05Hello" * 300
    assert place.read_bytes() == before
    assert os.listdir(tmp_path) == [place.name]


def test_a_journal_that_names_another_file_is_not_followed(tmp_path: Path) -> None:
    """SQLite might remove that file."""
    place, other = tmp_path / "recording.db", tmp_path / "other"
    half_written(place)
    other.write_text("something")
    name, page = str(other).encode(), (1 << 30) // 16384 + 1
    trailer = name + len(name).to_bytes(4) + sum(name).to_bytes(4) + bytes.fromhex("d9d505f920a163d7")
    with (tmp_path / "recording.db-journal").open("ab") as journal:
        journal.write(page.to_bytes(4) + trailer)
    with pytest.raises(RecordingError, match="left half-written by a recorder that was killed"):
        open_recording(str(place))
    assert other.read_text() == "something"
