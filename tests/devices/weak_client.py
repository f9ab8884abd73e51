"""One well-made emulated client: right in everything but what a table says of it."""

import asyncio
import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from tests.devices.habits import Habits, Line, Message, Voice, client_close, client_pong, spoken
from tests.devices.lenient import Head, accept_of, take_head
from tests.wire.build import CLOSE, KEY, frame, lines
from tests.wire.build import close as close_payload

GOOD_KEY = base64.b64encode(bytes(range(1, 17)))
MASKED = spoken(KEY)
GOODBYE = frame(CLOSE, close_payload(1000), key=KEY)


def asking(host: bytes, path: bytes) -> bytes:
    """The request as it should be."""
    return lines(
        b"GET " + path + b" HTTP/1.1",
        b"Host: " + host,
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: " + GOOD_KEY,
        b"Sec-WebSocket-Version: 13",
    )


def is_answered(head: Head) -> str:
    """A response to GOOD_KEY."""
    return "" if head.get("Sec-WebSocket-Accept") == accept_of(GOOD_KEY) else "Accept does not fit the key"


def is_101(head: Head) -> str:
    """Any 101 at all."""
    return "" if b" 101" in head.lines[0] else "no 101"


@dataclass(frozen=True, kw_only=True)
class WeakClient(Habits):
    """What a client does its own way.

    `request` makes the request for a host and a path; `wants` says what is wrong with the response and the
    `body` bytes behind it. For `deaf_s` seconds it then loses what comes. It `says` messages and awaits as
    many as it `hears` (the same, if not given). Then it sends `farewell`, and `hangs_up` or hears the other
    out; it waits for the server's Close if that is None. `early`: sent right behind the request.
    """

    voice: Callable[[], Voice] = MASKED
    pong: Callable[[bytes], bytes] = client_pong
    close: Callable[[bytes], bytes] = client_close
    request: Callable[[bytes, bytes], bytes] = asking
    wants: Callable[[Head], str] = is_answered
    says: tuple[Message, ...] = ("hello", b"\x01\x02")
    hears: tuple[Message, ...] | None = None
    early: bytes = b""
    farewell: bytes | None = GOODBYE
    hangs_up: bool = False
    body: int = 0
    deaf_s: float = 0.0

    async def talk(self, port: int, path: str, tls: ssl.SSLContext | None = None) -> str:
        """Hold the whole dialogue; what it could not cope with."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        except OSError as error:
            return f"no connection: {error}"
        try:
            return await self._dialogue(reader, writer, f"127.0.0.1:{port}".encode(), path.encode())
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            return f"connection lost: {type(error).__name__}"
        finally:
            writer.close()

    async def _dialogue(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: bytes, path: bytes
    ) -> str:
        line = Line(reader, writer, self)
        await line.send(self.request(host, path) + self.early)
        head, line.rest = await _read_head(reader)
        if head is None:
            return "no response"
        if b" 101" not in head.lines[0]:
            return _refusal(head, await _read_body(reader, head, line.rest))
        while len(line.rest) < self.body:
            line.rest += await reader.readexactly(self.body - len(line.rest))
        head, line.rest = Head(head.raw + line.rest[: self.body]), line.rest[self.body :]
        if self.deaf_s:
            await asyncio.sleep(self.deaf_s)
            line.rest = b""
            await _lose(reader)
        return self.wants(head) or await self._talk(line)

    async def _talk(self, line: Line) -> str:
        voice = self.voice()
        for said in self.says:
            await line.send(voice(said))
        expected = self.says if self.hears is None else self.hears
        heard: list[Message] = []
        if not expected and self.farewell is not None:
            await line.send(self.farewell)
        async for piece in line.pieces():
            if piece.opcode == CLOSE:
                if len(heard) < len(expected) or self.farewell is None:
                    await line.send(self.close(piece.payload))
                return _judge(heard, expected, piece.payload)
            if piece.opcode == 9:
                await line.send(self.pong(piece.payload))
            elif piece.opcode != 10 and (message := line.message(piece)) is not None:
                heard.append(message)
                if len(heard) == len(expected) and self.farewell is not None:
                    await line.send(self.farewell)
                    if self.hangs_up:
                        return _judge(heard, expected, b"")
        return _named(line.complaint) or _judge(heard, expected, b"") or "ended without a Close frame"


async def _read_head(reader: asyncio.StreamReader) -> tuple[Head | None, bytes]:
    buffer = bytearray()
    while (head := take_head(buffer)) is None:
        data = await reader.read(1 << 16)
        if not data:
            return None, b""
        buffer += data
    return head, bytes(buffer)


async def _lose(reader: asyncio.StreamReader) -> None:
    """Take what is there, without waiting for more."""
    try:
        async with asyncio.timeout(0.01):
            await reader.read(1 << 16)
    except TimeoutError:
        pass


async def _read_body(reader: asyncio.StreamReader, head: Head, body: bytes) -> bytes:
    length = head.get("Content-Length") or b"0"
    while len(body) < int(length):
        data = await reader.read(1 << 16)
        if not data:
            break
        body += data
    return body


def _refusal(head: Head, body: bytes) -> str:
    """The status of a refusal, and the first line of what the server has to say about it."""
    status = head.lines[0].partition(b" ")[2].decode("latin-1")
    text = body.decode("utf-8", "replace").strip().removeprefix("Failed to open a WebSocket connection: ")
    return f"{status}: {text.splitlines()[0]}" if text and not text.startswith("<") else status


def _named(complaint: str) -> str:
    return f"the client: {complaint}" if complaint else ""


def _judge(heard: list[Message], expected: tuple[Message, ...], payload: bytes) -> str:
    if heard == list(expected):
        return ""
    wrong = next((pair for pair in zip(heard, expected, strict=False) if pair[0] != pair[1]), None)
    if wrong:
        return f"the client got {wrong[0][:24]!r} for {wrong[1][:24]!r}"
    code = f" and a Close {int.from_bytes(payload[:2], 'big')}" if payload else ""
    reason = f" {payload[2:].decode('utf-8', 'replace')}" if payload[2:] else ""
    return f"the client got {len(heard)} of {len(expected)} messages{code}{reason}"
