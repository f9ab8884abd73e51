"""A sample of hostile recordings; `make fuzz-recordings` tries many more."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.run import wsproxy_here
from tests.store.hostile import run
from tests.store.recording import AT, START, recording_to
from wsproxy.protocol.frame import Side


def test_hostile_recordings_harm_nobody() -> None:
    assert run(16, seed=1) == []


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
