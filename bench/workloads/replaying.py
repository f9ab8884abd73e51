"""A replayed device: how fast it plays at most, and how well it keeps the recorded gaps."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from bench import wire
from bench.client import BenchError, Client
from bench.contestants import end
from bench.scale import Scale
from bench.workloads import GO, Row

COLUMN = "wsproxy replay server"
PATH = "/replay"
SIZE = 100
GAPS_MS = (1, 40, 3, 10, 0, 25, 2, 15, 5, 8)
SLACK = 0.05
"""A gap may be off by so much of itself without counting."""

_FRAME = wire.server_frame(b"x" * SIZE)
_MS = 1_000_000
_BEGAN_NS = 1_700_000_000_000_000_000
_URL = re.compile(rb"ws://127\.0\.0\.1:(\d+)/")


def rows() -> tuple[Row, ...]:
    """The rows: the first time a recording is played, later times, and the worst gap."""
    return (
        Row("replay_first", "messages, while the recording is read", "messages/s"),
        Row("replay_again", "messages, the same again", "messages/s"),
        Row("replay_gap", f"worst gap, beyond {SLACK:.0%} of it", "ms"),
    )


def measure(scale: Scale) -> dict[str, float]:
    """One round."""
    with tempfile.TemporaryDirectory(prefix="wsproxy-bench-") as name:
        folder = Path(name)
        count = scale.replayed_messages
        _record(folder / "flood.db", [0] * count)
        with _replaying(folder / "flood.db", "max") as port:
            first, again = (_rate(port, count) for _ in range(2))
        gaps_ms = GAPS_MS * max(1, scale.rounds)
        _record(folder / "gaps.db", gaps_ms)
        with _replaying(folder / "gaps.db", "1") as port:
            return {"replay_first": first, "replay_again": again, "replay_gap": _worst(port, gaps_ms)}


def _rate(port: int, count: int) -> float:
    start = perf_counter()
    with Client(port, PATH) as client:
        client.send(GO)
        client.receive(len(_FRAME) * count)
        return count / (perf_counter() - start)


def _worst(port: int, gaps_ms: tuple[int, ...]) -> float:
    """By how many ms the worst gap was off, beyond what does not count."""
    with Client(port, PATH) as client:
        before = perf_counter()
        client.send(GO)
        worst = 0.0
        for gap_ms in gaps_ms:
            _receive_one(client)
            now = perf_counter()
            worst = max(worst, abs((now - before) * 1000 - gap_ms) - SLACK * gap_ms)
            before = now
    return worst


def _receive_one(client: Client) -> None:
    left = len(_FRAME)
    while left:
        data = client.socket.recv(left)
        if not data:
            raise BenchError("closed before the last message")
        left -= len(data)


def _record(path: Path, gaps_ms: "list[int] | tuple[int, ...]") -> None:
    """A session in which the device, told to go, sends a message after each of these gaps."""
    from wsproxy.protocol.frame import Side
    from wsproxy.store.model import SessionStart
    from wsproxy.store.writer import Recorder

    failures: list[Exception] = []
    recorder = Recorder(str(path), on_failure=failures.append, on_pressure=lambda pressed: None)
    recorder.start()
    request = wire.REQUEST % (PATH.encode(), 1)
    start = SessionStart(
        _BEGAN_NS, "127.0.0.1:1", "127.0.0.1:2", f"ws://127.0.0.1:2{PATH}", request, wire.RESPONSE
    )
    session = recorder.open_session(start)
    session.receive_data(Side.CLIENT, GO, _BEGAN_NS)
    at_ns = _BEGAN_NS
    for gap_ms in gaps_ms:
        # Not in one piece even where there is no gap: each message is a step of its own.
        at_ns += gap_ms * _MS + 1
        session.receive_data(Side.SERVER, _FRAME, at_ns)
    session.end(at_ns)
    recorder.close()
    if failures:
        raise BenchError(f"the recording cannot be made: {failures[0]}")


@contextmanager
def _replaying(path: Path, speed: str) -> Iterator[int]:
    command = [sys.executable, "-m", "wsproxy", "replay", "server", str(path), "--loop", "-q", "-p", "0"]
    process = subprocess.Popen(
        [*command, "--speed", speed], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        assert process.stderr
        said = process.stderr.readline()
        found = _URL.search(said)
        if not found:
            raise BenchError(f"it does not listen: {said.decode(errors='replace').strip()}")
        yield int(found[1])
    finally:
        end(process)
        if process.stderr:
            process.stderr.close()
