"""What comes of inflating, and what it may cost."""

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

from wsproxy.protocol.deflate import Inflated

WORDS = b"the box says nothing until it is asked in its own spelling"


def good(payload: bytes) -> Inflated:
    return Inflated(payload, len(payload), None)


@contextmanager
def bounded(*, seconds: float, mebibytes: float) -> Iterator[None]:
    """Fails if what runs inside takes more processor time or memory."""
    tracemalloc.start()
    start = time.process_time()
    try:
        yield
        assert time.process_time() - start < seconds
        assert tracemalloc.get_traced_memory()[1] < mebibytes * 2**20
    finally:
        tracemalloc.stop()
