"""One well-made emulated device: right in everything but what a table says of it.

It serves many kinds of itself on one port; the first part of the path says which one answers.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.devices.habits import ENDED, Habits, Line, Voice, server_close, server_pong, spoken
from tests.devices.lenient import Head, accept_of, take_head
from tests.wire.build import CLOSE, lines

BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_PAUSE_S = 0.05
PLAINLY = spoken()


def switching(head: Head, *more: bytes) -> bytes:
    """The response as it should be, with more fields."""
    key = head.get("Sec-WebSocket-Key") or b""
    return lines(
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + accept_of(key),
        *more,
    )


@dataclass(frozen=True, kw_only=True)
class Device(Habits):
    """What a device does its own way.

    `answer` makes the response. It `needs` something of the request: without it, it sends `refusal` and hangs
    up, or never says a word if that is empty. `pushes`: what it needs to send anything behind the response.
    `greeting` follows the response, in the same segment if `glued`. After `leaves_after` messages it says
    `farewell` and, if that is empty or it is then `gone`, hangs up. `hangs_up`: whether it closes TCP when it
    has answered a Close. `body`: how many bytes behind the head belong to the request.
    """

    voice: Callable[[], Voice] = PLAINLY
    pong: Callable[[bytes], bytes] = server_pong
    close: Callable[[bytes], bytes] = server_close
    answer: Callable[[Head], bytes] = switching
    needs: Callable[[Head], bool] = bool
    refusal: bytes = BAD_REQUEST
    pushes: Callable[[Head], bool] = bool
    greeting: bytes = b""
    glued: bool = False
    leaves_after: int = 0
    farewell: bytes = b""
    gone: bool = False
    hangs_up: bool = True
    body: int = 0


@dataclass(slots=True)
class Devices:
    """All kinds of the device behind one port, and what they complained of, by path."""

    kinds: Mapping[str, Device]
    complaints: dict[str, str] = field(default_factory=dict)
    _server: asyncio.Server | None = None

    async def listen(self) -> int:
        """Listen on a free port; returns it."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            buffer = bytearray()
            while (head := take_head(buffer)) is None:
                data = await reader.read(1 << 16)
                if not data:
                    return
                buffer += data
            kind = self.kinds.get(head.path.strip("/").split("/")[0])
            if kind is None:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                return
            self.complaints[head.path] = await _session(kind, head, bytes(buffer), reader, writer)
        except ENDED:
            pass
        finally:
            writer.close()


async def _session(
    kind: Device, head: Head, rest: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> str:
    """Be that kind of device for one session; what it could not cope with."""
    line = Line(reader, writer, kind, rest)
    if not kind.needs(head):
        await line.send(kind.refusal)
        if not kind.refusal:
            await reader.read()
        return "" if kind.refusal else "(the device waits for another spelling)"
    while len(line.rest) < kind.body:
        data = await reader.read(1 << 16)
        if not data:
            return "the body of the request is missing"
        line.rest += data
    head, line.rest = Head(head.raw + line.rest[: kind.body]), line.rest[kind.body :]
    response = kind.answer(head)
    if kind.glued:
        await line.send(response + kind.greeting)
    else:
        await line.send(response)
        if kind.greeting:
            await asyncio.sleep(_PAUSE_S)
            await line.send(kind.greeting)
    if not kind.pushes(head):
        await reader.read()
        return "(the device sends nothing)"
    await _listen(line, kind)
    return f"the device: {line.complaint}" if line.complaint else ""


async def _listen(line: Line, kind: Device) -> None:
    count = 0
    voice = kind.voice()
    async for piece in line.pieces():
        if piece.opcode == CLOSE:
            await line.send(kind.close(piece.payload))
            if kind.hangs_up:
                return
        elif piece.opcode == 9:
            await line.send(kind.pong(piece.payload))
        elif piece.opcode != 10:
            message = line.message(piece)
            if message is not None:
                await line.send(voice(message))
                count += 1
                if count == kind.leaves_after:
                    await line.send(kind.farewell)
                    if kind.gone or not kind.farewell:
                        return
