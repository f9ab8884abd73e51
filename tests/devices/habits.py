"""What a peer does its own way once the session is open: the one table in which weak peers differ."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from tests.devices.lenient import Hixie76Reader, Joiner, Piece, Reader
from tests.wire.build import BINARY, CLOSE, KEY, PONG, TEXT, frame

type Message = str | bytes
type Voice = Callable[[Message], bytes]
type Answer = Callable[[bytes], bytes]

ENDED = (ConnectionError, TimeoutError)
_READ_SIZE = 1 << 16


def octets(message: Message) -> bytes:
    """The payload data of a message."""
    return message.encode() if isinstance(message, str) else message


def opcode_of(message: Message) -> int:
    """Text or binary."""
    return TEXT if isinstance(message, str) else BINARY


def spoken(key: bytes | None = None, *, rsv: int = 0, form: int = 0) -> Callable[[], Voice]:
    """Every message in one frame, made like this."""
    return lambda: (
        lambda message: frame(
            opcode_of(message),
            octets(message),
            key=key,
            rsv=rsv,
            form=form if len(message) > 125 or form else 0,
        )
    )


def hixie76() -> Voice:
    """Text between 00 and FF."""
    return lambda message: b"\x00" + octets(message) + b"\xff"


def hixie76_close(_payload: bytes) -> bytes:
    """FF 00."""
    return b"\xff\x00"


def silent(_payload: bytes) -> bytes:
    """No answer."""
    return b""


def takes_all(_piece: Piece) -> str:
    """No complaint."""
    return ""


def client_pong(payload: bytes) -> bytes:
    """A masked pong, as it should be."""
    return frame(PONG, payload, key=KEY)


def server_pong(payload: bytes) -> bytes:
    """A pong as it should be."""
    return frame(PONG, payload)


def server_close(payload: bytes) -> bytes:
    """The Close answered with its own code."""
    return frame(CLOSE, payload[:2])


def client_close(payload: bytes) -> bytes:
    """The same, masked."""
    return frame(CLOSE, payload[:2], key=KEY)


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How a peer speaks and what it can take.

    `voice` makes, for each session, what turns a message into bytes; `pong` and `close` the answers to a ping
    and a Close; `take` says what it cannot cope with in a frame (then it drops the connection); `reader`
    makes what cuts the stream into frames. It `forgets` the context of compression after each message.
    """

    voice: Callable[[], Voice]
    pong: Answer
    close: Answer
    take: Callable[[Piece], str] = takes_all
    reader: Callable[[], Reader | Hixie76Reader] = Reader
    forgets: bool = False


@dataclass(slots=True)
class Line:
    """An open session as one end sees it: frames come in, bytes go out."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    habits: Habits
    rest: bytes = b""
    complaint: str = ""
    joiner: Joiner = field(default_factory=Joiner)
    _inflater: "zlib._Decompress" = field(default_factory=lambda: zlib.decompressobj(-15))

    async def pieces(self) -> AsyncIterator[Piece]:
        """Every frame up to the end of the stream, or to one it cannot take."""
        frames = self.habits.reader()
        data = self.rest or await self.reader.read(_READ_SIZE)
        while data:
            for piece in frames.receive(data):
                self.complaint = self.habits.take(piece)
                if self.complaint:
                    return
                yield piece
            data = await self.reader.read(_READ_SIZE)

    def message(self, piece: Piece) -> Message | None:
        """The message that this data frame ends, inflated if it says so."""
        if piece.rsv & 4 and piece.fin:
            piece = Piece(piece.opcode, self._inflate(piece.payload), True, 0, piece.masked)
        return self.joiner.receive(piece)

    def _inflate(self, payload: bytes) -> bytes:
        if self.habits.forgets:
            self._inflater = zlib.decompressobj(-15)
        try:
            return self._inflater.decompress(payload + b"\0\0\xff\xff")
        except zlib.error as error:
            self.complaint = f"it cannot inflate what it got ({error})"
            return b""

    async def send(self, data: bytes) -> None:
        """Send, and wait while the other end does not read."""
        if data:
            self.writer.write(data)
            await self.writer.drain()
