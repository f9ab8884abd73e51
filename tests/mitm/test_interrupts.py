"""A signal that comes after Python's last look for signals, before the system call that then waits."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

PATIENCE_S = 60
RECORDING = Path(__file__).parents[2] / "recordings" / "skyq.db"

# `interrupt_main` does what Python's handler in C does, and no more: the system call goes on.
PRESS_WHEN_IT_WAITS = """
import _thread, sys, threading, time

def place():
    frame = sys._current_frames()[threading.main_thread().ident]
    return id(frame), frame.f_lasti

def press():
    still = 0
    while still < 20:
        before = place()
        time.sleep(0.01)
        still = still + 1 if place() == before else 0
    print("pressed", flush=True)
    _thread.interrupt_main()

threading.Thread(target=press, daemon=True).start()
"""

LOOP = """
import asyncio
from wsproxy.mitm.interrupts import signals_wake_the_loop, stopped_by_signals

async def wait():
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    with stopped_by_signals(lambda: loop.call_soon_threadsafe(stopped.set)), signals_wake_the_loop():
        await stopped.wait()

asyncio.run(wait())
print("stopped")
"""

DEVICE = "from wsproxy.demo.device import main; print('stopped', main(['--port', '0']))"

COMMAND = "sys.argv = ['wsproxy', *{}]; from wsproxy.cli import main; main()"


def said(script: str, stdin: int = subprocess.DEVNULL) -> tuple[int, str, str]:
    """The exit code and the output of such a process."""
    done = subprocess.run(
        [sys.executable, "-c", PRESS_WHEN_IT_WAITS + script],
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_waiting_loop_hears_it() -> None:
    assert said(LOOP) == (0, "pressed\nstopped\n", "")


def test_a_device_that_waits_hears_it() -> None:
    code, out, _ = said(DEVICE)
    assert (code, out) == (0, "pressed\nstopped 0\n")


@pytest.mark.parametrize("loop", ["", "sys.modules['uvloop'] = None;"])
def test_a_proxy_that_waits_hears_it(loop: str) -> None:
    command = COMMAND.format(("record", "ws://127.0.0.1:9", "-p", "0", "--no-recording"))
    code, out, err = said(loop + command)
    assert (code, out) == (0, "pressed\n"), err


def test_a_replay_that_waits_hears_it() -> None:
    code, out, err = said(COMMAND.format(("replay", "server", str(RECORDING), "-p", "0")))
    assert (code, out) == (0, "pressed\n"), err


@pytest.mark.usefixtures("signals_heeded")
def test_whoever_types_is_heard() -> None:
    ours, theirs = pty.openpty()
    try:
        code, out, err = said(COMMAND.format(("explain",)), stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (code, out) == (130, "pressed\n")
    assert err.splitlines() == ["Type or paste the bytes, then press Enter and Ctrl-D.", ""]
