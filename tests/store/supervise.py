"""Work in processes of its own, so that one that hangs, or dies, is noticed and named."""

import faulthandler
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection

PATIENCE_S = 120.0
MEMORY = 2 << 30
BATCH = 500

type Work = Callable[[Iterable[int]], Iterable[object]]
"""Does something for each number, and yields what came of it."""


def supervise(
    work: Work, first: int, end: int, *, patience: float = PATIENCE_S, memory: int = MEMORY
) -> Iterator[object]:
    """What came of the numbers from `first` up to `end`; a text for one at which `work` hung or died, with
    where it hung on standard error.
    """
    context = multiprocessing.get_context("fork")
    number = first
    while number < end:
        ours, theirs = context.Pipe(duplex=False)
        numbers = range(number, min(number + BATCH, end))
        process = context.Process(target=_do, args=(theirs, work, numbers, memory), daemon=True)
        process.start()
        theirs.close()
        while number < numbers.stop:
            hung = not ours.poll(patience)
            try:
                came = None if hung else ours.recv()
            except EOFError:
                came = None
            number += 1
            if came is None:
                if hung and process.pid is not None:
                    os.kill(process.pid, signal.SIGABRT)
                process.join()
                what = f"hung for {patience:g} s" if hung else f"ended its process with {process.exitcode}"
                yield f"{number - 1}: {what}"
                break
            yield came
        process.join()
        ours.close()


def _do(told: Connection, work: Work, numbers: range, memory: int) -> None:
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    for came in work(numbers):
        told.send(came)
