"""Ctrl-C, SIGTERM and the end of the terminal, for what runs until it is told to stop."""

import os
import signal
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


def _numbers() -> list[signal.Signals]:
    numbers = [signal.SIGINT, signal.SIGTERM]
    # Under nohup it is ignored, and stays so.
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        numbers.append(signal.SIGHUP)
    return numbers
