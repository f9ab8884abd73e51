"""Reading the recording a contestant writes, to know when traffic is committed and that it is all there."""

import hashlib
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from bench import wire
from bench.client import BenchError

POLL_S = 0.002
LAST_PAYLOAD = "SELECT payload FROM frames ORDER BY id DESC LIMIT 1"


def wait_committed(path: Path, number: int, timeout_s: float = 120.0) -> None:
    """Return as soon as another process can read the end of flood `number`; BenchError after `timeout_s`."""
    wanted, deadline = wire.end_payload(number), time.monotonic() + timeout_s
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            while time.monotonic() < deadline:
                row = connection.execute(LAST_PAYLOAD).fetchone()
                if row and row[0] == wanted:
                    return
                time.sleep(POLL_S)
    except sqlite3.Error as error:
        raise BenchError(f"the recording cannot be read: {error}") from error
    raise BenchError(f"flood {number} was not committed within {timeout_s:.0f} s")


def verify(path: Path, expected: Iterable[bytes]) -> None:
    """Compare what the last session's server side gives back with `expected`, byte for byte by hash.

    Raises BenchError when the recording is not exactly that.
    """
    from wsproxy.errors import WsproxyError
    from wsproxy.protocol.frame import Side
    from wsproxy.store.reader import open_recording

    try:
        with open_recording(str(path)) as recording:
            stored = _digest(recording.stream(recording.session("last").id, Side.SERVER))
    except WsproxyError as error:
        raise BenchError(f"the recording cannot be read: {error}") from error
    if stored != _digest(expected):
        raise BenchError("the recording does not give back what the device sent")


def _digest(chunks: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()
