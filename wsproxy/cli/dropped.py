"""Ctrl-C that falls into a callback: Python prints the KeyboardInterrupt there, drops it and goes on."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""The exit code of a process that was interrupted, as shells give it."""


@contextmanager
def no_interrupt_is_dropped() -> Iterator[None]:
    """Within, such a Ctrl-C ends the process at once. Imports are full of callbacks."""
    before = sys.unraisablehook

    def hear(dropped: "sys.UnraisableHookArgs") -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            os._exit(INTERRUPTED)
        before(dropped)

    sys.unraisablehook = hear
    try:
        yield
    finally:
        sys.unraisablehook = before
