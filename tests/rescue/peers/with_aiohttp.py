"""The `aiohttp` library."""

import ssl
from dataclasses import dataclass

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

from tests.rescue.case import Report, Task
from tests.rescue.peers.peer import FAULTS, Visit, Visits, fault, words_of

type _Connection = ClientWebSocketResponse | web.WebSocketResponse

_ABNORMAL = 1006


async def _hold(connection: _Connection, task: Task, report: Report) -> None:
    """The same for both ends."""
    report.stage = "talking"
    for said in task.says:
        await (connection.send_str(said) if isinstance(said, str) else connection.send_bytes(said))
    for payload in task.pings:
        await connection.ping(payload.encode())
    while len(report.heard) < len(task.hears) or len(report.pongs) < len(task.pings):
        if not await _receive(connection, task, report):
            return
    report.stage = "closing"
    if not task.closes:
        while await _receive(connection, task, report):
            pass
        return
    await connection.close()
    if connection.close_code in (None, _ABNORMAL):
        report.words = words_of(connection.exception())
    else:
        report.stage, report.code = "closed", connection.close_code


async def _receive(connection: _Connection, task: Task, report: Report) -> bool:
    """Take the next message; whether there may be more."""
    message = await connection.receive()
    match message.type:
        case WSMsgType.TEXT | WSMsgType.BINARY:
            report.heard.append(message.data)
            if task.echoes:
                is_text = message.type is WSMsgType.TEXT
                await (connection.send_str if is_text else connection.send_bytes)(message.data)
        case WSMsgType.PING:
            await connection.pong(message.data)
        case WSMsgType.PONG:
            report.pongs.append(message.data.decode("utf-8", "replace"))
        case WSMsgType.CLOSE:
            report.code = message.data
            if message.data in FAULTS:
                report.words = fault(message.data, message.extra)
            else:
                report.stage = "closed"
            return False
        case WSMsgType.ERROR:
            report.words = words_of(message.data)
            return False
        case _:
            report.words = words_of(connection.exception()) or "ended without a Close frame"
            return False
    return True


@dataclass(slots=True)
class AiohttpServer:
    """A running server."""

    runner: web.AppRunner
    visits: Visits

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.runner.addresses[0][1])

    async def expect(self, path: str, task: Task) -> Visit:
        """Do that with the client that asks for `path`."""
        return await self.visits.expect(path, task)

    async def stop(self) -> None:
        """Stop listening, close what is open."""
        await self.runner.cleanup()


@dataclass(slots=True)
class Aiohttp:
    """`aiohttp` as client and server."""

    name: str = "aiohttp"

    async def talk(self, url: str, task: Task, report: Report) -> None:
        """Do the task as the client."""
        try:
            async with (
                ClientSession() as session,
                session.ws_connect(
                    url, protocols=task.subprotocols, compress=15 * task.deflate, autoping=False
                ) as connection,
            ):
                await _hold(connection, task, report)
        except Exception as error:
            report.words = words_of(error)

    async def serve(self, tls: ssl.SSLContext | None = None) -> AiohttpServer:
        """A server on a free loopback port."""
        visits = Visits()

        async def answer(request: web.Request) -> web.StreamResponse:
            offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
            response = web.WebSocketResponse(autoping=False, protocols=[each.strip() for each in offered[:1]])
            try:
                await response.prepare(request)
            except web.HTTPException as refusal:
                return web.Response(status=refusal.status, text=refusal.text)
            visit = visits.of(request.path)
            try:
                await _hold(response, visit.task, visit.report)
            except ConnectionError as error:
                visit.report.words = words_of(error)
            visit.over.set()
            return response

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls, shutdown_timeout=0.1).start()
        return AiohttpServer(runner, visits)

    async def stop(self) -> None:
        """Nothing was started."""
