"""The `picows` library."""

import asyncio
import ssl
from dataclasses import dataclass
from hashlib import sha256
from typing import cast

from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_connect,
    ws_create_server,
)

from tests.scenarios.libraries import dialogue
from tests.scenarios.libraries.dialogue import Report


@dataclass(slots=True)
class PicowsServer:
    """A running server."""

    server: asyncio.Server

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening."""
        self.server.close()


class Picows:
    """`picows` on both ends of the dialogue."""

    name = "picows"
    sends_fragments = True
    compresses = False

    async def serve(self, tls: ssl.SSLContext | None = None) -> PicowsServer:
        """A server on a free loopback port."""
        return PicowsServer(await ws_create_server(_Answering, "127.0.0.1", 0, ssl=tls))

    async def talk(self, url: str, tls: ssl.SSLContext | None = None, proxy: str | None = None) -> Report:
        """Hold the dialogue as the client."""
        transport, listener = await ws_connect(_Asking, url, ssl_context=tls, proxy=proxy)
        assert isinstance(listener, _Asking)
        report = Report()
        transport.send(WSMsgType.TEXT, dialogue.TEXT.encode())
        report.text = (await listener.message()).decode()
        transport.send(WSMsgType.BINARY, dialogue.BIG)
        report.big = sha256(await listener.message()).hexdigest()
        _send_fragments(transport)
        report.fragments = (await listener.message()).decode()
        transport.send_ping(b"x")
        report.pong = await listener.message() == b"pong: x"
        transport.send(WSMsgType.TEXT, dialogue.PING_ME.encode())
        report.ping_me = (await listener.message()).decode()
        transport.send(WSMsgType.TEXT, dialogue.GOODBYE.encode())
        report.code, report.reason = await asyncio.wait_for(listener.closed, 10)
        await transport.wait_disconnected()
        return report


def _send_fragments(transport: WSTransport) -> None:
    first, *between, last = (part.encode() for part in dialogue.FRAGMENTS)
    transport.send(WSMsgType.TEXT, first, fin=False)
    for part in between:
        transport.send(WSMsgType.CONTINUATION, part, fin=False)
    transport.send(WSMsgType.CONTINUATION, last)


class _Asking(WSListener):
    def __init__(self) -> None:
        self._messages: asyncio.Queue[bytes] = asyncio.Queue()
        self._parts = bytearray()
        self.closed: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    async def message(self) -> bytes:
        return await asyncio.wait_for(self._messages.get(), 10)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            code = cast(int, frame.get_close_code())
            self.closed.set_result((code, frame.get_close_reason()))
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.PONG:
            self._messages.put_nowait(b"pong: " + frame.get_payload_as_bytes())
        elif frame.msg_type != WSMsgType.PING:
            self._parts += frame.get_payload_as_bytes()
            if frame.fin:
                self._messages.put_nowait(bytes(self._parts))
                self._parts.clear()


class _Answering(WSListener):
    def __init__(self, _request: WSUpgradeRequest) -> None:
        pass

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        elif frame.msg_type == WSMsgType.PONG:
            transport.send(WSMsgType.TEXT, dialogue.PONG_SEEN.encode())
        elif frame.msg_type == WSMsgType.PING:
            pass
        elif payload == dialogue.PING_ME.encode():
            transport.send_ping(dialogue.PING_PAYLOAD)
        elif payload == dialogue.GOODBYE.encode():
            transport.send_close(cast(WSCloseCode, dialogue.CODE), dialogue.REASON.encode())
        else:
            transport.send(frame.msg_type, payload, fin=frame.fin)
