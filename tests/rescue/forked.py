"""Many proxies without their start-up time: one process loads the programs once, and forks for each proxy.

`python -m tests.rescue.forked` is that process. It takes jobs as lines of JSON and answers each with a pid.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import NoReturn

from tests.scenarios.proxy import START_PATIENCE_S, STOP_PATIENCE_S, Start

_LOOK_AGAIN_S = 0.05
_LOADED_BY_USE = ("wsproxy.mitm.run", "wsproxy.mitm.addon", "mitmproxy.tools.dump")


@dataclass(slots=True)
class ForkedProxy:
    """A proxy that listens: its process, its port, and the file it writes to."""

    pid: int
    port: int
    log: Path

    @property
    def output(self) -> str:
        """What it wrote so far."""
        return self.log.read_text("utf-8", "replace")

    async def stop(self) -> None:
        """End it as Ctrl-C does; kill it when that takes too long."""
        for number in (signal.SIGINT, signal.SIGKILL):
            try:
                os.kill(self.pid, number)
                async with asyncio.timeout(STOP_PATIENCE_S):
                    while True:
                        await asyncio.sleep(_LOOK_AGAIN_S)
                        os.kill(self.pid, 0)
            except ProcessLookupError:
                return
            except TimeoutError:
                continue


@dataclass(slots=True)
class Forker:
    """The process that forks; `start` starts a proxy."""

    process: Process
    _one_at_a_time: asyncio.Lock

    @classmethod
    async def begin(cls) -> "Forker":
        """Have it load everything."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.rescue.forked", stdin=PIPE, stdout=PIPE
        )
        return cls(process, asyncio.Lock())

    async def start(self, start: Start, folder: Path) -> ForkedProxy:
        """That command line, writing to a file in `folder`; returns once it listens."""
        log = folder / "log"
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        async with self._one_at_a_time:
            job = {
                "program": Path(start.arguments[0]).name,
                "arguments": start.arguments[1:],
                "log": str(log),
            }
            self.process.stdin.write(json.dumps(job).encode() + b"\n")
            pid = int(await self.process.stdout.readline())
        proxy = ForkedProxy(pid, 0, log)
        try:
            async with asyncio.timeout(START_PATIENCE_S):
                while not (log.exists() and (found := start.ready.search(proxy.output))):
                    await asyncio.sleep(_LOOK_AGAIN_S)
        except TimeoutError:
            said = proxy.output if log.exists() else ""
            raise RuntimeError(f"{' '.join(start.arguments)} does not listen:\n{said}") from None
        proxy.port = int(found.group(1))
        return proxy

    async def end(self) -> None:
        """End it, and what it forked."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), STOP_PATIENCE_S)


def _serve() -> None:
    programs = {each.name: each for each in entry_points(group="console_scripts")}
    for name in ("wsproxy", "mitmdump"):
        programs[name].load()
    for name in _LOADED_BY_USE:
        __import__(name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    forked: list[int] = []
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(programs[job["program"]].load(), job["program"], job["arguments"], job["log"])
        forked.append(pid)
        print(pid, flush=True)
    for pid in forked:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _become(main: object, program: str, arguments: list[str], log: str) -> NoReturn:
    """Be that program, in a child process."""
    assert callable(main)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(written, 1)
    os.dup2(written, 2)
    sys.argv = [program, *arguments]
    code = 1
    try:
        code = int(main() or 0)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
