"""Ctrl-C, pressed again: while a command stops, and while its process ends."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.run import PATIENCE_S, WSPROXY
from wsproxy.store.reader import open_recording

RECORDING = str(Path(__file__).parents[2] / "recordings" / "skyq.db")


@contextmanager
def stopping(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that has been told to stop once."""
    with subprocess.Popen(
        [WSPROXY, *arguments, "-p", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            read_until(process, "Ctrl-C ends it.")
            process.send_signal(signal.SIGINT)
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    assert any(words in line for line in process.stderr), f"never said {words}"


def press_until_it_ends(process: subprocess.Popen[str], every_s: float = 0.01) -> tuple[int, str]:
    """Again and again; its exit code and what else it said."""
    for _ in range(int(PATIENCE_S / every_s)):
        process.send_signal(signal.SIGINT)
        try:
            process.wait(every_s)
            break
        except subprocess.TimeoutExpired:
            pass
    _, said = process.communicate(timeout=PATIENCE_S)
    return process.returncode, said.strip()


@pytest.mark.parametrize("every_s", [0.01, 0.002, 0.0005])
@pytest.mark.parametrize(
    ("command", "last"),
    [
        (("record", "ws://127.0.0.1:9", "--no-recording"), "nothing was recorded"),
        (("replay", "server", RECORDING), "Nobody asked for"),
    ],
)
def test_what_is_done_stays_done_while_the_process_ends(
    command: tuple[str, ...], last: str, every_s: float
) -> None:
    with stopping(*command) as process:
        read_until(process, last)
        code, said = press_until_it_ends(process, every_s)
    assert code in (0, 130)
    assert said == ""


def test_a_recording_survives_many(tmp_path: Path) -> None:
    place = tmp_path / "r.db"
    with stopping("record", "ws://127.0.0.1:9", "-o", str(place)) as process:
        code, said = press_until_it_ends(process)
    assert code in (0, 130)
    assert said in ("", "No session passed: nothing was recorded.")
    with open_recording(str(place)) as recording:
        assert list(recording.sessions()) == []


DROPPED = """
import signal, sys

def press(frame, event, argument):
    if event == "call" and frame.f_code.co_name == "cb" and {begun!r} in sys.modules:
        sys.setprofile(None)
        signal.raise_signal(signal.SIGINT)

sys.setprofile(press)
sys.argv = ["wsproxy", "record", "ws://127.0.0.1:9", "-p", "0", "--no-recording"]
from wsproxy.cli import main
main()
"""


@pytest.mark.parametrize("begun", ["click", "mitmproxy"])
def test_one_that_falls_into_a_callback_of_an_import_is_heard(begun: str) -> None:
    """Python's own handler raises KeyboardInterrupt there, which Python prints and drops."""
    done = subprocess.run(
        [sys.executable, "-c", DROPPED.format(begun=begun)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
