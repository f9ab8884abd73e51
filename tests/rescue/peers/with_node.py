"""The `ws` package of Node.js: one process that is any number of clients and two servers."""

import asyncio
import itertools
import json
import ssl
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.rescue.case import Report, Task
from tests.rescue.peers.job import fill, task_to_json
from tests.rescue.peers.peer import Visit

_SCRIPT = Path(__file__).parent / "js" / "ws.js"
_LINE_LIMIT = 1 << 24


@dataclass(slots=True)
class NodeServer:
    """One of its servers."""

    node: "NodeWs"
    port: int

    async def expect(self, path: str, task: Task) -> Visit:
        """Do that with the client that asks for `path`."""
        return await self.node.ask(task, path=path)

    async def stop(self) -> None:
        """It ends with the process."""


@dataclass(slots=True)
class NodeWs:
    """`ws` as client and server, in the process that `start` starts."""

    process: Process
    ports: list[int]
    name: str = "ws"
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _visits: dict[int, tuple[Visit, asyncio.Event]] = field(default_factory=dict)
    _reading: "asyncio.Task[None] | None" = None

    @classmethod
    async def start(cls, folder: Path, certificate: Path) -> "NodeWs":
        """Start it with the `ws` of this folder and the certificate beside whose `-key.pem` its key is."""
        pair = (str(certificate), str(certificate.with_name("device-key.pem")))
        process = await asyncio.create_subprocess_exec(
            "node", str(_SCRIPT), str(folder), *pair, stdin=PIPE, stdout=PIPE, limit=_LINE_LIMIT
        )
        assert process.stdout is not None
        ports = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        made = cls(process, ports)
        made._reading = asyncio.create_task(made._read(process.stdout))
        return made

    async def talk(self, url: str, task: Task, report: Report) -> None:
        """Do the task as the client."""
        visit = await self.ask(task, report, url=url)
        await visit.over.wait()

    async def serve(self, tls: ssl.SSLContext | None = None) -> NodeServer:
        """Its server, or the one with TLS (with the certificate it was started with)."""
        return NodeServer(self, self.ports[tls is not None])

    async def ask(self, task: Task, report: Report | None = None, **job: str) -> Visit:
        """Have it do a task, as the client of a `url` or with the client that asks for a `path`."""
        number, known = next(self._numbers), asyncio.Event()
        visit = Visit(task, report or Report())
        self._visits[number] = visit, known
        assert self.process.stdin is not None
        line = json.dumps({"id": number, "task": task_to_json(task), **job})
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()
        if "path" in job:
            await known.wait()
        return visit

    async def stop(self) -> None:
        """End the process (it goes when its stdin does)."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), 10)

    async def _read(self, output: asyncio.StreamReader) -> None:
        while line := await output.readline():
            told: dict[str, Any] = json.loads(line)
            visit, known = self._visits[told["id"]]
            fill(visit.report, told["report"])
            known.set()
            if told["over"]:
                visit.over.set()
