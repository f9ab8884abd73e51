"""When what was recorded is due: the arithmetic, and the gaps on a real loop."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.replay.sessions import AT_ONCE, MS, answers, closing, opened, record, says
from tests.wire.build import client_frame, frame
from wsproxy.errors import UsageError
from wsproxy.replay.server import ReplayServer
from wsproxy.replay.timing import Pace, parse_speed


def test_speed_is_a_number_or_max() -> None:
    assert parse_speed("max") is None
    assert parse_speed(None) is None
    assert parse_speed("0.5") == 0.5
    for nonsense in ("0", "-1", "nan", "inf", "quick"):
        with pytest.raises(UsageError, match="speed"):
            parse_speed(nonsense)


def test_gaps_count_from_what_was_heard_or_played() -> None:
    pace = Pace(2, recorded_ns=1000 * MS, live_ns=50 * MS)
    assert pace.due(1010 * MS) == 55 * MS
    pace.played(1010 * MS)
    assert pace.due(1030 * MS) == 65 * MS
    pace.anchor(1020 * MS, 500 * MS)
    assert pace.due(1030 * MS) == 505 * MS
    assert pace.wait_ns(1030 * MS, 501 * MS) == 4 * MS
    assert pace.wait_ns(1030 * MS, 900 * MS) == 0


def test_time_does_not_run_backwards() -> None:
    pace = Pace(1, recorded_ns=0, live_ns=100)
    assert pace.due(-5) == 100
    pace.played(50)
    pace.anchor(10, 20)
    assert pace.due(10) >= 150


def test_at_most_there_are_no_gaps() -> None:
    pace = Pace(None, recorded_ns=0, live_ns=0)
    assert pace.wait_ns(10**18, 0) == 0


GAPS_MS = [5, 30, 1, 12, 0, 20, 8]


async def _gaps(path: Path, speed: float) -> tuple[list[float], float]:
    """The gaps before each message, in ms, as a client sees them, and how late the loop's timers were."""
    server = ReplayServer(str(path), (), replace(AT_ONCE, speed=speed))
    await server.start()
    try:
        client = await opened(server)
        with closing(client):
            # The first question is not timed: meanwhile the recording is read.
            await client.send(client_frame(1, b"ready?"))
            await client.expect(frame(1, b"yes"))
            lateness = asyncio.ensure_future(_lateness(speed))
            before = time.perf_counter()
            await client.send(client_frame(1, b"go"))
            gaps = []
            for number in range(len(GAPS_MS)):
                await client.expect(frame(1, b"%d" % number))
                now = time.perf_counter()
                gaps.append((now - before) * 1000)
                before = now
        return gaps, await lateness
    finally:
        await server.stop()


async def _lateness(speed: float) -> float:
    """By how many ms the latest of some timers is late: nothing played can be better than that."""
    worst = 0.0
    for gap_ms in GAPS_MS:
        began = time.perf_counter()
        await asyncio.sleep(gap_ms / speed / 1000)
        worst = max(worst, (time.perf_counter() - began) * 1000 - gap_ms / speed)
    return worst


@pytest.mark.parametrize("speed", [1, 2])
def test_gaps_are_as_they_were_recorded(tmp_path: Path, speed: float) -> None:
    at_ms = 10.0
    chunks = [says("ready?"), answers("yes"), says("go", at_ms)]
    for number, gap_ms in enumerate(GAPS_MS):
        at_ms += gap_ms
        chunks.append(answers(str(number), at_ms))
    path = tmp_path / "recording.db"
    record(path, chunks)
    wanted = [gap_ms / speed for gap_ms in GAPS_MS]

    def excess(gaps: list[float], lateness: float) -> float:
        off = (abs(gap - want) - 0.05 * want for gap, want in zip(gaps, wanted, strict=True))
        return max(off) - lateness

    found = [excess(*asyncio.run(_gaps(path, speed))) for _ in range(5)]
    assert min(found) <= 5, found
