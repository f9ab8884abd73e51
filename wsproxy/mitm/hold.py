"""Holding whole messages back, byte for byte: chunks in; what may go on, and what waits for a decision, out.

Sans-I/O. Nothing is lost, whatever the peer sends: what is no complete message of bearable size goes on as it
came, in its place in the stream.
"""

from typing import NamedTuple

from wsproxy.mitm.follow import Close, Cursor, close_of, control_frame
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.deflate import Inflater
from wsproxy.protocol.frame import Frame, OpaqueData, WireEvent
from wsproxy.protocol.grammar import Dialect
from wsproxy.protocol.message import Message, MessageAssembler


class Part(NamedTuple):
    """The next bytes of a side's stream, up to offset `end`.

    `held`: they are the whole `message` and wait for a decision; `between` are the offsets of control frames
    that came between its fragments, and go on even if it does not; `masked` says whether its peer masks.
    Otherwise they go on as they are, and a `message` is one that could not wait. `boundary`: a message could
    be put in behind them.
    """

    data: bytes
    end: int
    boundary: bool
    message: Message | None = None
    held: bool = False
    between: tuple[tuple[int, int], ...] = ()
    masked: bool = False
    controls: tuple[Frame, ...] = ()

    @property
    def start(self) -> int:
        """Where these bytes begin."""
        return self.end - len(self.data)


class Hold:
    """Takes one side's stream apart into what may pass and the messages that wait; keeps at most about
    `limit` bytes.

    `close` is the first Close frame seen.
    """

    def __init__(self, dialect: Dialect, inflater: Inflater | None, limit: int) -> None:
        self._decoder = FrameDecoder(dialect)
        self._assembler = MessageAssembler(inflater, message_limit=limit)
        self._limit = limit
        self._cursor = Cursor()
        self._data = bytearray()
        self._start = 0
        self._between: list[tuple[int, int]] = []
        self._controls: list[Frame] = []
        self._masked = False
        self._unheld = False
        self._in_control = False
        self.close: Close | None = None

    def receive_data(self, data: bytes) -> list[Part]:
        """What can be said of the stream now, in order."""
        self._data += data
        parts: list[Part] = []
        for event in self._decoder.receive_data(data):
            self._receive(event, parts)
        return parts

    def receive_eof(self) -> Part | None:
        """All that is left, when no more will come."""
        if not self._data:
            return None
        return Part(bytes(self._data), self._start + len(self._data), boundary=False)

    def _receive(self, event: WireEvent, parts: list[Part]) -> None:
        begin = self._cursor.position
        self._cursor.advance(event)
        message = self._assembler.receive(event)
        if (frame := control_frame(event)) is not None:
            self.close = self.close or close_of(frame)
            self._controls.append(frame)
        if isinstance(event, Frame):
            self._in_control = event.is_control
            if not event.is_control:
                self._masked = event.masked
        if message is not None:
            parts.append(self._complete(message))
        elif isinstance(event, OpaqueData) or (self._in_control and begin == self._start):
            parts.append(self._release())
        else:
            self._wait(begin, parts)

    def _complete(self, message: Message) -> Part:
        """A message has ended. It waits if these bytes are all of it, and nothing of another."""
        alone = message.start_offset == self._start and message.end_offset == self._cursor.position
        held = alone and not (self._unheld or message.truncated)
        between = tuple(self._between)
        self._unheld = self._cursor.fragmented
        return self._release()._replace(message=message, held=held, between=between, masked=self._masked)

    def _wait(self, begin: int, parts: list[Part]) -> None:
        """A message is under way: keep it, unless it has grown too large."""
        if self._in_control:
            self._between.append((begin, self._cursor.position))
        if self._unheld or self._cursor.position - self._start > self._limit:
            self._unheld = True
            parts.append(self._release())

    def _release(self) -> Part:
        """Everything decoded so far."""
        position = self._cursor.position
        data = bytes(self._data[: position - self._start])
        del self._data[: len(data)]
        self._start = position
        part = Part(data, position, self._cursor.boundary == position, controls=tuple(self._controls))
        self._between.clear()
        self._controls.clear()
        return part
