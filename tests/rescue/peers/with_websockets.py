"""The `websockets` library."""

import ssl
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server as _Server
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.rescue.case import Report, Task
from tests.rescue.peers.peer import FAULTS, Visit, Visits, words_of


async def _hold(connection: Connection, task: Task, report: Report) -> None:
    """The same for both ends."""
    report.stage = "talking"
    try:
        for said in task.says:
            await connection.send([said[:5], said[5:]] if task.fragments else said)
        pongs = [(payload, await connection.ping(payload)) for payload in task.pings]
        while len(report.heard) < len(task.hears):
            message = await connection.recv()
            report.heard.append(message)
            if task.echoes:
                await connection.send(message)
        for payload, waiter in pongs:
            await waiter
            report.pongs.append(payload)
        report.stage = "closing"
        if task.closes:
            await connection.close()
        while True:
            report.heard.append(await connection.recv())
    except ConnectionClosed as error:
        sent, received = connection.protocol.close_sent, connection.protocol.close_rcvd
        if sent is None or received is None or sent.code in FAULTS or received.code in FAULTS:
            report.words = words_of(error)
        else:
            report.stage, report.code = "closed", received.code


@dataclass(slots=True)
class WebsocketsServer:
    """A running server."""

    server: _Server
    visits: Visits

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(next(iter(self.server.sockets)).getsockname()[1])

    async def expect(self, path: str, task: Task) -> Visit:
        """Do that with the client that asks for `path`."""
        return await self.visits.expect(path, task)

    async def stop(self) -> None:
        """Stop listening, close what is open."""
        self.server.close()


@dataclass(slots=True)
class Websockets:
    """`websockets` as client and server."""

    name: str = "websockets"
    _settings: dict[str, Any] = field(default_factory=lambda: {"open_timeout": None, "close_timeout": None})

    async def talk(self, url: str, task: Task, report: Report) -> None:
        """Do the task as the client."""
        subprotocols = [Subprotocol(each) for each in task.subprotocols] or None
        try:
            connection = await connect(url, subprotocols=subprotocols, proxy=None, **self._settings)
        except Exception as error:
            report.words = words_of(error)
            return
        try:
            await _hold(connection, task, report)
        finally:
            connection.transport.abort()

    async def serve(self, tls: ssl.SSLContext | None = None) -> WebsocketsServer:
        """A server on a free loopback port."""
        visits = Visits()

        async def answer(connection: ServerConnection) -> None:
            assert connection.request is not None
            visit = visits.of(connection.request.path)
            await _hold(connection, visit.task, visit.report)
            visit.over.set()

        return WebsocketsServer(
            await serve(answer, "127.0.0.1", 0, ssl=tls, select_subprotocol=_first, **self._settings), visits
        )

    async def stop(self) -> None:
        """Nothing was started."""


def _first(_connection: ServerConnection, offered: Any) -> Any:
    return next(iter(offered), None)
