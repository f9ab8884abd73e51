"""Ctrl-C, SIGTERM and the end of the terminal, for what runs until it is told to stop."""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_FORCED = 130
"""The exit code of a process that was interrupted, as shells give it."""


@contextmanager
def stopped_by_signals(stop: Callable[[], None], *, for_good: bool = False) -> Iterator[None]:
    """Within, the first signal calls `stop`, a second one ends the process at once with exit code 130.

    `for_good`: a process that was told to stop has nothing to do but end. Its further signals end it at once
    afterwards, too, where Python's own handler would raise KeyboardInterrupt in whatever is being torn down.
    Elsewhere than in the main thread there are no signals, and this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopped = False

    def interrupted(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        if stopped:
            os._exit(_FORCED)
        stopped = True
        stop()

    before = {number: signal.signal(number, interrupted) for number in _numbers()}
    try:
        yield
    finally:
        if not (stopped and for_good):
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def signal_wakeup() -> Iterator[socket.socket | None]:
    """Within, a signal makes this socket readable: wait for it beside what you wait for.

    Python looks for signals between two bytecodes, and a system call that waits ends when one comes. Of one
    that comes after the last look, before the call, only a note is taken: the call waits, the Ctrl-C is lost.
    None where there are no signals (in other threads) or nothing but sockets can be waited for (Windows).
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield None
        return
    woken, waking = socket.socketpair()
    with woken, waking:
        for end in (woken, waking):
            end.setblocking(False)
        before = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        try:
            yield woken
        finally:
            signal.set_wakeup_fd(before)


@contextmanager
def signals_wake_the_loop() -> Iterator[None]:
    """Within, the running event loop hears every signal at once; see `signal_wakeup`."""
    loop = asyncio.get_running_loop()
    with signal_wakeup() as woken:
        if woken is None:
            yield
            return

        def heard() -> None:
            # A function of Python's own, for it is before its first bytecode that the handlers are called.
            woken.recv(4096)

        loop.add_reader(woken, heard)
        try:
            yield
        finally:
            loop.remove_reader(woken)


def _numbers() -> list[signal.Signals]:
    numbers = [signal.SIGINT, signal.SIGTERM]
    # Under nohup it is ignored, and stays so.
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        numbers.append(signal.SIGHUP)
    return numbers
