"""Holding whole messages back, byte for byte: chunks in; what may go on, and what waits for a decision, out.

Sans-I/O. Nothing is lost, whatever the peer sends: what is no complete message of bearable size goes on as it
came, in its place in the stream.
"""

from typing import NamedTuple

from wsproxy.mitm.follow import Close, Cursor, close_of
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.deflate import Inflater
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, OpaqueData, WireEvent
from wsproxy.protocol.message import Message, MessageAssembler

_OPCODE = 0x0F
_FIRST_CONTROL = 0x8


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
    """Takes one side's stream apart into what may pass and the messages that wait; keeps about `limit` bytes.

    Control frames outside a message never wait, not even for their own end. `close` is the first Close frame.
    """

    def __init__(self, dialect: Dialect, inflater: Inflater | None, limit: int) -> None:
        self._decoder = FrameDecoder(dialect)
        self._assembler = MessageAssembler(inflater, message_limit=limit)
        self._limit = limit
        self._cursor = Cursor()
        self._data = bytearray()
        self._gone = 0
        self._message_start: int | None = None
        self._between: list[tuple[int, int]] = []
        self._controls: list[Frame] = []
        self._in_control = False
        self._masked = False
        self.close: Close | None = None

    @property
    def waiting(self) -> bool:
        """Whether something is kept that is no whole message yet."""
        return bool(self._data)

    def receive_data(self, data: bytes) -> list[Part]:
        """What can be said of the stream now, in order."""
        self._data += data
        parts: list[Part] = []
        for event in self._decoder.receive_data(data):
            part = self._receive(event)
            if part is not None:
                parts.append(part)
        if self._data and self._must_not_wait():
            parts.append(self._release(self._gone + len(self._data)))
        return parts

    def _must_not_wait(self) -> bool:
        """Whether the frame under way, of which part has come, is a control frame or has begun to go on."""
        if self._message_start is not None:
            return self._gone > self._message_start
        return self._gone > self._cursor.position or self._data[0] & _OPCODE >= _FIRST_CONTROL

    def release(self) -> Part | None:
        """All that is kept: no more will come, or it has waited long enough. Its message will not be held."""
        return self._release(self._gone + len(self._data)) if self._data else None

    def _receive(self, event: WireEvent) -> Part | None:
        begin = self._cursor.position
        self._cursor.advance(event)
        message = self._assembler.receive(event)
        self._note(event, begin)
        if message is not None:
            return self._complete(message, begin)
        if self._message_start is not None and not isinstance(event, OpaqueData):
            if self._in_control:
                self._between.append((begin, self._cursor.position))
            if self._gone <= self._message_start >= self._cursor.position - self._limit:
                return None
        return self._release(self._cursor.position)

    def _note(self, event: WireEvent, begin: int) -> None:
        """Keep track of which frame, and which message, is under way."""
        if not isinstance(event, Frame):
            return
        self._in_control = event.is_control
        if not event.is_control:
            self._masked = event.masked
            self._message_start = begin if self._message_start is None else self._message_start
        elif event.complete:
            self.close = self.close or close_of(event)
            self._controls.append(event)

    def _complete(self, message: Message, begin: int) -> Part:
        """A message has ended. It waits if these bytes are all of it, and nothing of another."""
        end = self._cursor.position
        alone = self._gone == self._message_start == message.start_offset and message.end_offset == end
        held = alone and not message.truncated
        between = tuple(self._between)
        self._message_start = begin if self._cursor.fragmented else None
        return self._release(end)._replace(message=message, held=held, between=between, masked=self._masked)

    def _release(self, end: int) -> Part:
        """Let everything go on up to `end`."""
        data = bytes(self._data[: end - self._gone])
        del self._data[: len(data)]
        self._gone = end
        part = Part(data, end, self._cursor.boundary == end, controls=tuple(self._controls))
        self._between.clear()
        self._controls.clear()
        return part
