"""A sample of hostile recordings; `make fuzz-recordings` tries many more."""

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.run import wsproxy_here
from tests.store.hostile import read_all, run
from tests.store.mutations import make_seeds
from tests.store.played import play
from tests.store.recording import AT, START, recording_to
from wsproxy.protocol.frame import Side

UNDER_COVERAGE = 60.0
"""How much processor time a recording may take while every line is counted, on a slow machine."""


@pytest.mark.parametrize("portion", range(3))
def test_hostile_recordings_harm_nobody(portion: int) -> None:
    tried = list(run(range(50 * portion, 50 * (portion + 1)), seed=1, seconds=UNDER_COVERAGE))
    assert [each for each in tried if each.wrong] == []
    assert {each.read for each in tried} == {True, False}


def test_what_is_made_hostile_is_whole(tmp_path: Path) -> None:
    for place in make_seeds(tmp_path):
        assert read_all(place)
        for dice in map(random.Random, range(5)):
            play(place, dice)


HANGS_AND_DIES = """
import os, time
from tests.store.supervise import supervise

def work(numbers):
    for number in numbers:
        if number == 3:
            time.sleep(600)
        if number == 5:
            os.abort()
        if number == 7:
            raise ValueError("a fault")
        yield number * number

print(*supervise(work, 2, 9, patience=5.0), sep="\\n")
"""


def test_a_recording_that_hangs_or_kills_its_reader_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS_AND_DIES], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == [
        "4",
        "3: hung for 5 s",
        "16",
        "5: ended its process with -6",
        "36",
        "7: ended its process with 1",
        "64",
    ]
    assert 'File "<string>", line 8 in work' in done.stderr


def test_a_recording_names_no_file_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark, grammar = tmp_path / "mark", tmp_path / "grammar.py"
    grammar.write_text(f"open({str(mark)!r}, 'w')\nfrom construct import Computed\nHEADER = Computed(None)\n")
    place, text = tmp_path / "r.db", tmp_path / "r.jsonl"
    with recording_to(place) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.SERVER, b"\x81\x05He", AT)
    assert wsproxy_here("export", str(place), "-o", str(text)).code == 0
    named = text.read_text("utf-8").replace('_dialect":"rfc6455"', f'_dialect":"{grammar}"')
    assert named.count(str(grammar)) == 2
    text.write_text(named, "utf-8")
    for command in (("show",), ("show", "--json"), ("lint",)):
        assert wsproxy_here(command[0], str(text), *command[1:]).code in (0, 1, 2)
    assert not mark.exists()


def test_a_long_tail_is_shown_at_once(tmp_path: Path) -> None:
    place, text = tmp_path / "r.db", tmp_path / "r.jsonl"
    with recording_to(place) as recorder:
        recorder.open_session(replace(START, server_dialect="rfc6455"))
    assert wsproxy_here("export", str(place), "-o", str(text)).code == 0
    zeros = '"tail":{"base64":"' + "A" * (2 << 20) + '"}'
    text.write_text(text.read_text("utf-8").replace('"tail":""', zeros), "utf-8")
    assert wsproxy_here("show", str(text)).code == 0
