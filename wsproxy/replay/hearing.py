"""What one side says, read alike from a live connection and from a recording."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, OpaqueData, Side, WireEvent
from wsproxy.protocol.gaps import Gaps
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.handshake import negotiate, parse_response_head
from wsproxy.protocol.message import MESSAGE_LIMIT, MessageAssembler
from wsproxy.replay.model import PlayedMessage
from wsproxy.replay.reading import Reading
from wsproxy.store.session_recorder import Changed


class Undecoded(NamedTuple):
    """Bytes in which no frames can be told apart, up to `offset` behind the side's opening handshake."""

    offset: int
    at_ns: int


type Heard = PlayedMessage | Undecoded

INBOX = 256
"""So many messages may wait for a player before no more are taken."""


class Listener(Protocol):
    """Who is told what was heard."""

    @property
    def waiting(self) -> int:
        """How many messages were heard and not looked at yet."""

    def hear(self, heard: Iterable[Heard], received: int) -> None:
        """Take what was said, and how many bytes were sent by now."""


class Hearing:
    """Hears one side of a session: data messages, control frames, and bytes that are neither.

    `response_head` says what was negotiated, `reading` what is no frame. Of a message at most
    `message_limit` bytes are kept. No input makes it raise.
    """

    __slots__ = ("_assembler", "_controls", "_decoder", "_gaps", "_messages", "_reading", "side")

    def __init__(
        self,
        side: Side,
        response_head: bytes,
        dialect: Dialect = RFC6455,
        *,
        message_limit: int = MESSAGE_LIMIT,
        reading: Reading | None = None,
    ) -> None:
        deflate = negotiate(parse_response_head(response_head)).deflate
        inflater = None if deflate is None else deflate.inflater(side, output_limit=message_limit)
        self.side = side
        self._decoder = FrameDecoder(dialect)
        self._gaps = Gaps()
        self._reading = reading
        self._assembler = MessageAssembler(inflater, message_limit=message_limit)
        self._messages = self._controls = 0

    @property
    def offset(self) -> int:
        """How many bytes `receive_data` got."""
        return self._decoder.offset

    def leave_out(self, changed: Changed) -> None:
        """These bytes, not received yet or held back, are no frames: frames go on behind them."""
        if changed.side is self.side:
            self._gaps.add(changed.start_offset, changed.end_offset, changed.rules[0])

    def receive_data(self, data: bytes, at_ns: int) -> list[Heard]:
        """What the next bytes of the side's stream, received at that time, complete."""
        for changed in () if self._reading is None else self._reading.receive_data(self.side, data, at_ns):
            self.leave_out(changed)
        decoder, gaps = self._decoder, self._gaps
        events = gaps.decode(decoder, data) if gaps else decoder.receive_data(data)
        heard = [self.receive_event(event, at_ns) for event in events]
        return [each for each in heard if each is not None]

    def receive_event(self, event: WireEvent, at_ns: int) -> Heard | None:
        """What an event that was decoded elsewhere completes; not to be mixed with `receive_data`."""
        message = self._assembler.receive(event)
        if message is not None:
            self._messages += 1
            return PlayedMessage(
                self.side,
                self._messages,
                message.opcode,
                message.payload,
                at_ns,
                message.length,
                message.end_offset,
            )
        if type(event) is Frame:
            if event.opcode < 0x8 or not event.complete:
                return None
            self._controls += 1
            end = event.end
            length = len(event.payload)
            return PlayedMessage(self.side, self._controls, event.opcode, event.payload, at_ns, length, end)
        if isinstance(event, OpaqueData) and not event.between_frames:
            return Undecoded(event.offset + len(event.data), at_ns)
        return None


def listen(hearing: Hearing, take: Callable[[], tuple[bytes, int] | None], listener: Listener) -> bool:
    """Tell `listener` what comes, until nothing does or too much waits; whether what came last is a part of
    something of which more is to come. `take` gives the next chunk and its time.
    """
    partly = False
    while listener.waiting < INBOX and (taken := take()) is not None:
        heard = hearing.receive_data(*taken)
        listener.hear(heard, hearing.offset)
        partly = not heard
    return partly
