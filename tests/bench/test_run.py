"""A tiny run of every contestant, and what happens to one that fails. Whether it runs, never how fast."""

import sys
from pathlib import Path

import pytest

from bench import process
from bench.__main__ import PAGE, arguments
from bench.contestants import ASYNCIO, CONTESTANTS, DIRECT, MITM_WEBSOCKET, RECORD, Contestant
from bench.report import BEGIN, END
from bench.run import WORKLOADS, run
from bench.scale import Scale
from bench.workloads.decoding import DECODERS
from bench.workloads.echo import Echo
from bench.workloads.idle import Idle

TINY = Scale("tiny", 1, 1, 1, 5, 0.001, 1 << 18, 2 << 20, 3, 500, True, 500)
ECHO_ROWS = {"echo_p50", "echo_p99"}


# Looking at memory takes a process of its own for each workload, which costs seconds. It is the same for all
# processes, but for these, which are treated in another way somewhere.
LOOKED_AT_CLOSELY = (DIRECT, ASYNCIO, MITM_WEBSOCKET, RECORD)


@pytest.mark.parametrize("contestant", CONTESTANTS, ids=lambda one: one.key)
def test_every_contestant_gets_through_every_workload(contestant: Contestant) -> None:
    chosen = [each for each in WORKLOADS if contestant in LOOKED_AT_CLOSELY or not each.memory]
    results = run(TINY, [contestant], chosen, decode=False, replay=False)
    assert results.notes == []
    measured = {row for row, column in results.figures if column == contestant.key}
    if contestant is DIRECT:
        assert measured == {*ECHO_ROWS, "small_rate", "large_rate", "frame_first_byte"}
    elif process.AVAILABLE:
        assert measured == {row.key for row in results.rows} >= {*ECHO_ROWS, "small_rate", "large_rate"}


@pytest.mark.parametrize("decoder", DECODERS)
def test_every_decoder_decodes_every_frame(decoder: str) -> None:
    results = run(TINY, [], [], decode=True, replay=False)
    assert results.notes == []
    assert all(value > 0 for value in results.figures["decode_masked", decoder])


def test_a_replay_is_measured() -> None:
    results = run(TINY, [], [], decode=False, replay=True)
    assert results.notes == []
    assert {row for row, _ in results.figures} == {"replay_first", "replay_again", "replay_gap"}


def _command(device_port: int, port: int, folder: Path) -> list[str]:
    return [sys.executable, "-c", "raise SystemExit('cannot do that')"]


def test_a_contestant_that_ends_is_noted_and_the_others_go_on() -> None:
    contestants = [Contestant("broken", "broken", _command), DIRECT]
    results = run(TINY, contestants, [Echo], decode=False, replay=False)
    assert results.notes == ["start broken: ended at once: cannot do that"]
    assert {column for _, column in results.figures} == {DIRECT.key}


def test_no_relay_has_no_memory_figures() -> None:
    results = run(TINY, [DIRECT], [Idle], decode=False, replay=False)
    assert results.figures == {}


def test_the_command_line_names_workloads_and_contestants() -> None:
    options = arguments(["--quick", "--only", "echo", "--contestant", "direct", "--contestant", "asyncio"])
    assert (options.quick, options.only, options.contestant) == (True, ["echo"], ["direct", "asyncio"])


def test_the_page_has_the_markers() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.index(BEGIN) < page.index(END)
