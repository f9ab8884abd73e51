"""The `wsproto` library on plain sockets."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import LocalProtocolError, ProtocolError, RemoteProtocolError

from tests.rescue.case import Message as Said
from tests.rescue.case import Report, Task
from tests.rescue.peers.peer import FAULTS, Visit, Visits, fault, words_of


@dataclass(slots=True)
class _Connection:
    """One end: events in, events out."""

    protocol: WSConnection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    task: Task
    report: Report
    parts: list[str | bytes | bytearray] = field(default_factory=list)
    said_goodbye: bool = False
    over: bool = False

    def send(self, event: Event) -> None:
        self.writer.write(self.protocol.send(event))

    def say(self, said: Said, *, last: bool = True) -> None:
        if isinstance(said, str):
            self.send(TextMessage(said, message_finished=last))
        else:
            self.send(BytesMessage(said, message_finished=last))

    async def run(self, handle: Callable[[Event], None]) -> None:
        """Feed what comes to the library until the end."""
        try:
            while self.report.stage != "closed" and not self.over:
                data = await self.reader.read(1 << 16)
                self.protocol.receive_data(data or None)
                for event in self.protocol.events():
                    handle(event)
                await self.writer.drain()
                if not data:
                    break
        except (RemoteProtocolError, LocalProtocolError, ConnectionError, UnicodeError) as error:
            self.report.words = words_of(error)
            if isinstance(error, RemoteProtocolError) and error.event_hint:
                self.refuse(error)

    def refuse(self, error: RemoteProtocolError) -> None:
        """Tell the other end, as the library proposes, and why."""
        hint = error.event_hint
        if isinstance(hint, RejectConnection):
            body = words_of(error).encode()
            head = f"HTTP/1.1 {hint.status_code} Refused\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            self.writer.write(head + body)
        elif hint is not None:
            self.send(hint)

    def begin(self) -> None:
        self.report.stage = "talking"
        for said in self.task.says:
            if self.task.fragments:
                self.say(said[:5], last=False)
            self.say(said[5:] if self.task.fragments else said)
        for payload in self.task.pings:
            self.send(Ping(payload=payload.encode()))
        self.perhaps_close()

    def handle(self, event: Event) -> None:
        match event:
            case TextMessage() | BytesMessage():
                self.parts.append(event.data)
                if event.message_finished:
                    self.take()
            case Ping():
                self.send(event.response())
            case Pong():
                self.report.pongs.append(bytes(event.payload).decode("utf-8", "replace"))
            case CloseConnection():
                self.closed(event)
        self.perhaps_close()

    def take(self) -> None:
        is_text = isinstance(self.parts[0], str)
        message: Said = (
            "".join(map(str, self.parts)) if is_text else b"".join(bytes(part) for part in self.parts)  # type: ignore[arg-type]
        )
        self.parts.clear()
        self.report.heard.append(message)
        if self.task.echoes:
            self.say(message)

    def closed(self, event: CloseConnection) -> None:
        if event.code == 1006:
            self.report.words = "ended without a Close frame"
            return
        if not self.said_goodbye:
            self.send(event.response())
        self.report.code = int(event.code)
        if event.code in FAULTS:
            self.report.words = fault(event.code, event.reason)
            self.over = True
        else:
            self.report.stage = "closed"

    def perhaps_close(self) -> None:
        got_all = len(self.report.heard) >= len(self.task.hears)
        if self.report.stage == "talking" and got_all and len(self.report.pongs) >= len(self.task.pings):
            self.report.stage = "closing"
            if self.task.closes:
                self.said_goodbye = True
                self.send(CloseConnection(code=1000))


@dataclass(slots=True)
class WsprotoServer:
    """A running server."""

    server: asyncio.Server
    visits: Visits

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server.sockets[0].getsockname()[1])

    async def expect(self, path: str, task: Task) -> Visit:
        """Do that with the client that asks for `path`."""
        return await self.visits.expect(path, task)

    async def stop(self) -> None:
        """Stop listening."""
        self.server.close()


@dataclass(slots=True)
class Wsproto:
    """`wsproto` as client and server."""

    name: str = "wsproto"

    async def talk(self, url: str, task: Task, report: Report) -> None:
        """Do the task as the client."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        connection = _Connection(WSConnection(ConnectionType.CLIENT), reader, writer, task, report)
        extensions = [PerMessageDeflate()] if task.deflate else []
        request = Request(parts.netloc, parts.path, extensions, subprotocols=list(task.subprotocols))

        def handle(event: Event) -> None:
            if isinstance(event, AcceptConnection):
                connection.begin()
            elif isinstance(event, RejectConnection):
                report.words = f"rejected with status {event.status_code}"
                connection.over = True
            else:
                connection.handle(event)

        try:
            connection.send(request)
            await connection.run(handle)
        finally:
            writer.close()

    async def serve(self, tls: ssl.SSLContext | None = None) -> WsprotoServer:
        """A server on a free loopback port."""
        visits = Visits()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            protocol = WSConnection(ConnectionType.SERVER)
            connection = _Connection(protocol, reader, writer, Task(), Report())
            visit = Visit(Task())

            def handle(event: Event) -> None:
                nonlocal visit
                if isinstance(event, Request):
                    visit = visits.of(event.target)
                    connection.task, connection.report = visit.task, visit.report
                    subprotocol = next(iter(event.subprotocols), None)
                    connection.send(AcceptConnection(subprotocol, [PerMessageDeflate()]))
                    connection.begin()
                else:
                    connection.handle(event)

            try:
                await connection.run(handle)
            except (ProtocolError, ConnectionError) as error:
                connection.report.words = words_of(error)
            finally:
                visit.over.set()
                writer.close()

        return WsprotoServer(await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls), visits)

    async def stop(self) -> None:
        """Nothing was started."""
