"""The `aiohttp` library."""

import asyncio
import ssl
from dataclasses import dataclass
from hashlib import sha256

from aiohttp import ClientSession, WSMsgType, web

from tests.scenarios.libraries import dialogue
from tests.scenarios.libraries.dialogue import Report


@dataclass(slots=True)
class AiohttpServer:
    """A running server."""

    runner: web.AppRunner

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening, close what is open."""
        await self.runner.cleanup()


class Aiohttp:
    """`aiohttp` on both ends of the dialogue."""

    name = "aiohttp"
    sends_fragments = False
    compresses = True

    async def serve(self, tls: ssl.SSLContext | None = None) -> AiohttpServer:
        """A server on a free loopback port."""
        app = web.Application()
        app.router.add_get("/{path:.*}", _answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        return AiohttpServer(runner)

    async def talk(self, url: str, tls: ssl.SSLContext | None = None, proxy: str | None = None) -> Report:
        """Hold the dialogue as the client."""
        report = Report()
        async with (
            ClientSession() as session,
            session.ws_connect(url, ssl=tls or True, proxy=proxy, compress=15, autoping=False) as connection,
        ):
            await connection.send_str(dialogue.TEXT)
            report.text = await connection.receive_str(timeout=10)
            await connection.send_bytes(dialogue.BIG)
            report.big = sha256(await connection.receive_bytes(timeout=10)).hexdigest()
            await connection.ping(b"x")
            answer = await connection.receive(timeout=10)
            report.pong = answer.type is WSMsgType.PONG and answer.data == b"x"
            await connection.send_str(dialogue.PING_ME)
            asked = await connection.receive(timeout=10)
            assert asked.type is WSMsgType.PING
            await connection.pong(asked.data)
            report.ping_me = await connection.receive_str(timeout=10)
            await connection.send_str(dialogue.GOODBYE)
            last = await connection.receive(timeout=10)
            report.code, report.reason = last.data, last.extra
        return report


async def _answer(request: web.Request) -> web.WebSocketResponse:
    response = web.WebSocketResponse(autoping=False)
    await response.prepare(request)
    async for message in response:
        if message.type is WSMsgType.PING:
            await response.pong(message.data)
        elif message.type is WSMsgType.BINARY:
            await response.send_bytes(message.data)
        elif message.data == dialogue.PING_ME:
            await response.ping(dialogue.PING_PAYLOAD)
            answer = await asyncio.wait_for(response.receive(), 10)
            assert answer.type is WSMsgType.PONG
            await response.send_str(dialogue.PONG_SEEN)
        elif message.data == dialogue.GOODBYE:
            await response.close(code=dialogue.CODE, message=dialogue.REASON.encode())
        else:
            await response.send_str(message.data)
    return response
