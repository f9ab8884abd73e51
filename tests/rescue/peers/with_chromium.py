"""Chromium, headless: a web page in it opens the sessions. Driven over its DevTools protocol."""

import asyncio
import itertools
import json
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.rescue.case import Report, Task
from tests.rescue.peers.job import fill, task_to_json

_PAGE = (Path(__file__).parent / "js" / "page.js").read_text("utf-8")
_START_PATIENCE_S = 30
_LISTENING = re.compile(rb"DevTools listening on (ws://\S+)")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets",
    "--remote-debugging-port=0",
)


def find_chromium() -> str | None:
    """The program, if it is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass(slots=True)
class Chromium:
    """A running browser with one page."""

    process: Process
    devtools: ClientConnection
    page: str
    patience_s: float
    name: str = "chromium"
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _waiting: "dict[int, asyncio.Future[dict[str, Any]]]" = field(default_factory=dict)
    _words: dict[str, str] = field(default_factory=dict)
    _tasks: "list[asyncio.Task[None]]" = field(default_factory=list)

    @classmethod
    async def start(cls, program: str, folder: Path, patience_s: float) -> "Chromium":
        """Start the browser, with `folder` for all it keeps."""
        process = await asyncio.create_subprocess_exec(
            *(program, *_FLAGS, f"--user-data-dir={folder}", "about:blank"),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
        )
        assert process.stderr is not None
        async with asyncio.timeout(_START_PATIENCE_S):
            while not (found := _LISTENING.search(await process.stderr.readline())):
                if process.returncode is not None or process.stderr.at_eof():
                    raise OSError("chromium does not start")
        devtools = await connect(found[1].decode(), max_size=None, ping_interval=None, proxy=None)
        made = cls(process, devtools, "", patience_s)
        made._tasks = [asyncio.create_task(made._read()), asyncio.create_task(_drain(process.stderr))]
        target = await made._call("Target.createTarget", url="about:blank")
        made.page = (await made._call("Target.attachToTarget", targetId=target["targetId"], flatten=True))[
            "sessionId"
        ]
        await made._call("Log.enable")
        return made

    async def talk(self, url: str, task: Task, report: Report) -> None:
        """Do the task."""
        expression = f"({_PAGE})({json.dumps(url)}, {json.dumps(task_to_json(task))}, {self.patience_s})"
        answer = await self._call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        told = answer["result"]["value"]
        fill(report, told)
        report.hung = told["hung"]
        if report.stage != "closed":
            report.words = self._words.pop(url, report.words)

    async def stop(self) -> None:
        """End the browser."""
        await self._call("Browser.close")
        await asyncio.wait_for(self.process.wait(), 10)
        await asyncio.wait(self._tasks)

    async def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self.page and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self.page
        await self.devtools.send(json.dumps(message))
        return await answer

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                self._take(json.loads(await self.devtools.recv()))

    def _take(self, told: dict[str, Any]) -> None:
        if "id" in told:
            waiting = self._waiting.pop(told["id"])
            if not waiting.done():
                waiting.set_result(told.get("result", {}))
        elif told["method"] == "Log.entryAdded":
            self._note(told["params"]["entry"]["text"])

    def _note(self, text: str) -> None:
        """Keep what the browser says of a session in its console."""
        found = re.search(r"WebSocket connection to '(\S+)' failed: (.*)", text)
        if found:
            self._words[found[1]] = found[2].strip()


async def _drain(output: asyncio.StreamReader) -> None:
    while await output.read(1 << 16):
        pass
