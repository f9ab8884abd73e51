"""What one side of a recorded session said, with what matters when two sessions are compared."""

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, Side, WireEvent
from wsproxy.protocol.message import MESSAGE_LIMIT, Message
from wsproxy.protocol.opcodes import Opcode
from wsproxy.replay.heads import without_values
from wsproxy.replay.model import PlayedMessage
from wsproxy.store.assembling import assembler_of
from wsproxy.store.model import StoredSession
from wsproxy.store.reader import Recording

_SHORTEST, _KEY_SIZE = 2, 4
_MOST_IN_FORM = {2: 125, 8: 0xFFFF}
"""The greatest payload length that needs no length of so many bytes."""


class Told(NamedTuple):
    """A data message or control frame in its session.

    `place` grows with what both sides said. It came `gap_ns` after what either side said before, and when
    the other side had sent `turn` data messages. `frames`, `compressed` and `error` are those of the
    assembled message; `odd` is what is unusual in the headers of its frames.
    """

    message: PlayedMessage
    place: int
    gap_ns: int
    turn: int
    frames: int = 1
    compressed: bool = False
    error: str | None = None
    odd: tuple[str, ...] = ()


class Rest(NamedTuple):
    """Bytes of a side in which no frames can be told apart, and what is cut short at its end: how many, their
    `digest` and their `beginning`. Of heads between frames the values that always differ are not in it.
    """

    length: int
    digest: str
    beginning: bytes


class Transcript:
    """One side of a session, read as it is consumed; `rest` is known once all of `told` was read.

    `keep_alive` False leaves Pings and Pongs out.
    """

    def __init__(
        self, recording: Recording, session: StoredSession, side: Side, *, keep_alive: bool = True
    ) -> None:
        self._recording = recording
        self._session = session
        self._side = side
        self._left_out = () if keep_alive else (Opcode.PING, Opcode.PONG)
        self._digest = sha256()
        self._rest = bytearray()
        self._rest_length = 0
        self._messages = dict.fromkeys(Side, 0)
        self._controls = 0
        self._large: Told | None = None
        self._odd: set[str] = set()

    @property
    def rest(self) -> Rest:
        """What the side sent beside messages and control frames."""
        return Rest(self._rest_length, self._digest.hexdigest(), bytes(self._rest))

    def told(self) -> Iterator[Told]:
        """Every data message and control frame of the side, in order."""
        session, place = self._session, 0
        assemblers = {side: assembler_of(session, side) for side in Side}
        last_ns = session.start.started_at_ns
        for stored in self._recording.events(session.id):
            place, side, at_ns, event = stored.id, stored.side, stored.at_ns, stored.event
            message = assemblers[side].receive(event)
            if message is not None:
                self._messages[side] += 1
            if side is self._side:
                told = self._told(event, message, place, at_ns)
                if told is not None:
                    yield told._replace(gap_ns=at_ns - last_ns)
            if message is not None or (type(event) is Frame and event.opcode >= 0x8):
                last_ns = at_ns
        self._add(self._recording.tail(session.id, self._side))
        for message in assemblers[self._side].receive_eof():
            self._messages[self._side] += 1
            yield self._data_message(message, place, last_ns)

    def _told(self, event: WireEvent, message: Message | None, place: int, at_ns: int) -> Told | None:
        if type(event) is OpaqueData:
            self._add(without_values(event.data) if event.between_frames else event.data)
        if type(event) is Frame and event.opcode < 0x8:
            self._odd.update(_odd(event, self._side))
        if message is not None:
            return self._data_message(message, place, at_ns)
        if type(event) is Frame and event.opcode >= 0x8 and event.opcode not in self._left_out:
            return self._control_frame(event, place, at_ns)
        if type(event) is FramePiece and self._large is not None:
            return self._piece(self._large, event, at_ns)
        return None

    def _data_message(self, message: Message, place: int, at_ns: int) -> Told:
        opcode, payload, length, frames, compressed, _, end, _, error = message
        number, turn = self._messages[self._side], self._messages[self._side.other]
        said = PlayedMessage(self._side, number, opcode, payload, at_ns, length, end)
        odd = tuple(sorted(self._odd))
        self._odd.clear()
        return Told(said, place, 0, turn, frames, compressed, error, odd)

    def _control_frame(self, frame: Frame, place: int, at_ns: int) -> Told | None:
        self._controls += 1
        length = len(frame.payload) if frame.length is None else frame.length
        said = PlayedMessage(
            self._side, self._controls, frame.opcode, frame.payload, at_ns, length, frame.end
        )
        error = None if frame.fin and not frame.rsv else f"FIN {frame.fin:d}, RSV {frame.rsv:03b}"
        turn, odd = self._messages[self._side.other], tuple(_odd(frame, self._side))
        told = Told(said, place, 0, turn, error=error, odd=odd)
        self._large = None if frame.complete else told
        return told if frame.complete else None

    def _piece(self, told: Told, piece: FramePiece, at_ns: int) -> Told | None:
        """What a piece of a large control frame completes."""
        room = max(0, MESSAGE_LIMIT - len(told.message.payload))
        payload = told.message.payload + piece.payload[:room]
        told = told._replace(message=told.message._replace(payload=payload, at_ns=at_ns))
        self._large = None if piece.last else told
        return told if piece.last else None

    def _add(self, data: bytes) -> None:
        self._rest_length += len(data)
        self._digest.update(data)
        self._rest += data[: max(0, MESSAGE_LIMIT - len(self._rest))]


def _odd(frame: Frame, side: Side) -> Iterator[str]:
    if frame.masked is (side is Side.SERVER):
        yield "masked" if frame.masked else "not masked"
    form = len(frame.header) - _SHORTEST - (_KEY_SIZE if frame.masked else 0)
    if form in _MOST_IN_FORM and frame.length is not None and frame.length <= _MOST_IN_FORM[form]:
        yield f"a length of {form} bytes"
