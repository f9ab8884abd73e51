"""The `websockets` library."""

import asyncio
import ssl
from dataclasses import dataclass
from hashlib import sha256

from websockets.asyncio.client import connect
from websockets.asyncio.server import Server as _Server
from websockets.asyncio.server import ServerConnection, serve

from tests.scenarios.libraries import dialogue
from tests.scenarios.libraries.dialogue import Report


@dataclass(slots=True)
class WebsocketsServer:
    """A running server."""

    server: _Server

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(next(iter(self.server.sockets)).getsockname()[1])

    async def stop(self) -> None:
        """Stop listening, close what is open."""
        self.server.close()
        await self.server.wait_closed()


class Websockets:
    """`websockets` on both ends of the dialogue."""

    name = "websockets"
    sends_fragments = True
    compresses = True

    async def serve(self, tls: ssl.SSLContext | None = None) -> WebsocketsServer:
        """A server on a free loopback port."""
        return WebsocketsServer(await serve(_answer, "127.0.0.1", 0, ssl=tls))

    async def talk(self, url: str, tls: ssl.SSLContext | None = None, proxy: str | None = None) -> Report:
        """Hold the dialogue as the client."""
        report = Report()
        async with connect(url, ssl=tls, proxy=proxy) as connection:
            await connection.send(dialogue.TEXT)
            report.text = str(await connection.recv())
            await connection.send(dialogue.BIG)
            report.big = sha256(await connection.recv(decode=False)).hexdigest()
            await connection.send(iter(dialogue.FRAGMENTS))
            report.fragments = str(await connection.recv())
            report.pong = await asyncio.wait_for(await connection.ping(b"x"), 10) > 0
            await connection.send(dialogue.PING_ME)
            report.ping_me = str(await connection.recv())
            await connection.send(dialogue.GOODBYE)
            await connection.wait_closed()
            report.code, report.reason = connection.close_code, connection.close_reason
        return report


async def _answer(connection: ServerConnection) -> None:
    async for message in connection:
        if message == dialogue.PING_ME:
            await asyncio.wait_for(await connection.ping(dialogue.PING_PAYLOAD), 10)
            await connection.send(dialogue.PONG_SEEN)
        elif message == dialogue.GOODBYE:
            await connection.close(dialogue.CODE, dialogue.REASON)
            return
        else:
            await connection.send(message)
