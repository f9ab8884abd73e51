"""Who is compared: one command line each, and one way to start, await and end it."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench import recording, wire
from bench.client import BenchError, Client

HERE = Path(__file__).resolve().parent
START_TIMEOUT_S = 30.0
LONGEST_RUN_S = 900
PING = wire.client_frame(b"x")
PONG_BYTES = len(wire.server_frame(b"x"))


@dataclass(frozen=True, slots=True)
class Contestant:
    """A relay to start with the command line `command(device_port, port, folder)`; None is no relay."""

    key: str
    title: str
    command: Callable[[int, int, Path], list[str]] | None
    records: bool = False


@dataclass(slots=True)
class Relay:
    """A contestant that runs (or the device itself): where to connect, what to look at."""

    contestant: Contestant
    port: int
    process: subprocess.Popen[bytes] | None = None
    folder: Path = field(default_factory=Path)
    floods: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def pid(self) -> int | None:
        """The process whose memory counts; None without a relay."""
        return self.process.pid if self.process else None

    @property
    def recording(self) -> Path:
        """Where it records, if it does."""
        return self.folder / "bench.db"

    def wait_ready(self) -> None:
        """Return once a small message went there and back; BenchError when that does not come about."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                with Client(self.port, "/echo/1") as client:
                    client.send(PING)
                    client.receive(PONG_BYTES)
                return
            except OSError as error:
                if self.process and self.process.poll() is not None:
                    raise BenchError(f"ended at once: {self.last_words()}") from error
                if time.monotonic() > deadline:
                    raise BenchError(f"not listening after {START_TIMEOUT_S:.0f} s") from error
                time.sleep(0.05)

    def wait_committed(self, number: int) -> None:
        """For one that records: return once flood `number` is committed to its last byte."""
        if self.contestant.records:
            recording.wait_committed(self.recording, number)

    def verify(self, chunks: Iterable[bytes]) -> None:
        """For one that records: BenchError unless the last session holds the 101 and exactly `chunks`."""
        if self.contestant.records:
            recording.verify(self.recording, (wire.RESPONSE, *chunks))

    def last_words(self) -> str:
        """The last line it wrote."""
        lines = (self.folder / "log").read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "no output"

    def stop(self) -> None:
        """End the process and remove what it left."""
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)


def start(contestant: Contestant, device_port: int, folder: Path) -> Relay:
    """Start it in front of the device, with `folder` as its home; `Relay.wait_ready` tells when it serves."""
    if contestant.command is None:
        return Relay(contestant, device_port)
    folder.mkdir(parents=True)
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            contestant.command(device_port, port, folder),
            cwd=HERE.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "HOME": str(folder)},
            # A pending alarm survives exec: it ends the relay should the benchmark die without doing so.
            preexec_fn=lambda: signal.alarm(LONGEST_RUN_S),
        )
    return Relay(contestant, port, process, folder)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_device() -> tuple[subprocess.Popen[bytes], int]:
    """The device's process and the port it listens on."""
    command = [sys.executable, "-m", "bench.device"]
    device = subprocess.Popen(command, cwd=HERE.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    line = device.stdout.readline() if device.stdout else b""
    if not line:
        raise BenchError("the device did not start")
    return device, int(line)


def _installed(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise BenchError(f"{name} is not installed")
    return found


def _asyncio_relay(device_port: int, port: int, folder: Path) -> list[str]:
    return [sys.executable, "-m", "bench.asyncio_relay", str(device_port), str(port)]


def _mitmdump(scheme: str) -> Callable[[int, int, Path], list[str]]:
    def command(device_port: int, port: int, folder: Path) -> list[str]:
        mode = f"reverse:{scheme}://127.0.0.1:{device_port}@127.0.0.1:{port}"
        return [_installed("mitmdump"), "-q", "--mode", mode]

    return command


def _wsproxy(device_port: int, port: int, folder: Path, *, record: bool) -> list[str]:
    target = f"ws://127.0.0.1:{device_port}"
    where = ["-o", str(folder / "bench.db")] if record else ["--no-recording"]
    return [_installed("wsproxy"), "record", target, "-q", "-p", str(port), *where]


def _observe(device_port: int, port: int, folder: Path) -> list[str]:
    return _wsproxy(device_port, port, folder, record=False)


def _record(device_port: int, port: int, folder: Path) -> list[str]:
    return _wsproxy(device_port, port, folder, record=True)


def _normalize(device_port: int, port: int, folder: Path) -> list[str]:
    return [*_record(device_port, port, folder), "--normalize"]


DIRECT = Contestant("direct", "direct", None)
ASYNCIO = Contestant("asyncio", "asyncio relay", _asyncio_relay)
MITM_TCP = Contestant("mitmproxy-tcp", "mitmproxy reverse:tcp", _mitmdump("tcp"))
MITM_WEBSOCKET = Contestant("mitmproxy-websocket", "mitmproxy WebSocket", _mitmdump("http"))
OBSERVE = Contestant("wsproxy", "wsproxy", _observe)
RECORD = Contestant("wsproxy-recording", "wsproxy, recording", _record, records=True)
NORMALIZE = Contestant("wsproxy-normalizing", "wsproxy, recording and normalizing", _normalize, records=True)
CONTESTANTS = (DIRECT, ASYNCIO, MITM_TCP, MITM_WEBSOCKET, OBSERVE, RECORD, NORMALIZE)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process of ours that needs no farewell."""
    with suppress(ProcessLookupError):
        process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()
