"""What somebody sees at a terminal."""

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.run import PATIENCE_S, WSPROXY, Done, wsproxy

_COLOUR = re.compile(r"\x1b\[[\d;]*m")


def at_terminal(
    *arguments: str, columns: int = 100, typed: bytes = b"", environment: dict[str, str] | None = None
) -> str:
    """What a command prints on a terminal of that width, when that is typed."""
    ours, theirs = pty.openpty()
    settings = {"TERM": "xterm-256color", "COLUMNS": str(columns), **(environment or {})}
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM", "COLUMNS")}
    process = subprocess.Popen(
        [WSPROXY, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env={**kept, **settings}
    )
    os.close(theirs)
    os.write(ours, typed)
    shown = b""
    try:
        while True:
            data = os.read(ours, 65536)
            if not data:
                break
            shown += data
    except OSError:
        pass  # so Linux says that the other end is closed
    finally:
        os.close(ours)
    process.wait(PATIENCE_S)
    return shown.decode().replace("\r\n", "\n")


def test_sides_and_oddities_have_colours(recording: str) -> None:
    shown = at_terminal("show", recording, "1")
    assert "\x1b[32m◀ server\x1b[0m" in shown
    assert "\x1b[36m▶ client\x1b[0m" in shown
    assert "\x1b[1;33m  ! \x1b[0m" in shown
    assert r"\x1b[31mred" in shown


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_turned_off(recording: str, environment: dict[str, str]) -> None:
    coloured = at_terminal("show", recording, "1")
    plain = at_terminal("show", recording, "1", environment=environment)
    assert "\x1b" not in plain
    assert [line.rstrip() for line in _COLOUR.sub("", coloured).splitlines()] == plain.splitlines()


@pytest.mark.parametrize("columns", [80, 90, 100, 120, 200])
def test_the_list_of_sessions_fits(recording: str, columns: int) -> None:
    heading, *rows = _COLOUR.sub("", at_terminal("ls", recording, columns=columns)).splitlines()
    assert all(len(line) <= columns for line in rows), rows
    assert ("bytes" in heading) is (columns >= 120)
    assert ("ws://skyq:9006/as/system/status" in rows[0]) is (columns >= 120)


def test_bytes_can_be_typed() -> None:
    shown = _COLOUR.sub("", at_terminal("explain", typed=b"81 05 48 65 6c 6c 6f\n\x04"))
    assert "Type or paste the bytes, then press Enter and Ctrl-D." in shown
    assert shown.rstrip().endswith("Hello")


@pytest.mark.usefixtures("signals_heeded")
def test_ctrl_c_while_typing_is_130() -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [WSPROXY, "explain"], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    os.close(theirs)
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Type or paste")
        process.send_signal(2)
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert process.returncode == 130
    assert out + err.strip() == ""


@pytest.mark.usefixtures("signals_heeded")
def test_ctrl_c_while_it_starts_is_130(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n", "utf-8")
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    assert wsproxy("ls", "none.db", PYTHONPATH=path) == Done(130, "", "")


def test_a_diagram_at_a_terminal_is_the_diagram(tmp_path: Path) -> None:
    drawn = Path(__file__).with_name("hello.txt").read_text("utf-8")
    shown = _COLOUR.sub("", at_terminal("explain", "81 05 48 65 6c 6c 6f"))
    assert [line.rstrip() for line in shown.splitlines()] == drawn.splitlines()
