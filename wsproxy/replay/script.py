"""What happens in a session, as steps: what one side is to play, and what the other must have said before.

Pure: steps are made from what a recording holds, as it is read, and hold nothing of how they are played.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from wsproxy.protocol.frame import Side
from wsproxy.protocol.opcodes import Opcode
from wsproxy.replay.hearing import Heard, Hearing, Undecoded
from wsproxy.replay.model import PlayedMessage
from wsproxy.store.model import StoredEvent, TcpEnd

_WRITE_SIZE = 1 << 16
_KEPT_PINGS = 32


class Play(NamedTuple):
    """Bytes to send as they are, which were on the wire by `at_ns`.

    `said` are the messages and control frames they complete. `answers` is the number of the Ping (a control
    frame of the other side's) to which they are the Pong, 0 for none. `event_id` is that of the last event.
    `cut` says they are of a frame that never ended: of those it is known only when the last one came.
    """

    data: bytes
    at_ns: int
    event_id: int
    said: tuple[PlayedMessage, ...] = ()
    answers: int = 0
    cut: bool = False


class Expect(NamedTuple):
    """A message, Ping or Close of the other side's that what follows may be an answer to."""

    message: PlayedMessage
    event_id: int

    @property
    def at_ns(self) -> int:
        """When it came."""
        return self.message.at_ns


class ExpectBytes(NamedTuple):
    """So many bytes of the other side's in all, where its frames cannot be told apart."""

    offset: int
    at_ns: int
    event_id: int


class ExpectEnd(NamedTuple):
    """The other side has ended its TCP direction."""

    how: TcpEnd
    at_ns: int
    event_id: int


class PlayEnd(NamedTuple):
    """End this side's TCP direction."""

    how: TcpEnd
    at_ns: int
    event_id: int


type Step = Play | Expect | ExpectBytes | ExpectEnd | PlayEnd
type Happening = StoredEvent | End | Tail | Sent


@dataclass(frozen=True, slots=True)
class End:
    """How, and between which events, a side ended its TCP direction."""

    side: Side
    how: TcpEnd
    at_ns: int
    id: int


class Tail(NamedTuple):
    """The beginning of a frame that never ended, or more of it, from the side that is played. `cut`: it is
    known only when the last of it came.
    """

    data: bytes
    at_ns: int
    id: int
    cut: bool = True


class Sent(NamedTuple):
    """Bytes of the side that is played, as they went on to the other one."""

    side: Side
    data: bytes
    at_ns: int
    id: int
    cut: bool = False


class Script:
    """Makes the steps for the one who plays side `plays` of a session."""

    def __init__(self, plays: Side, hearings: tuple[Hearing, Hearing]) -> None:
        self._plays = plays
        self._hearings = {hearing.side: hearing for hearing in hearings}
        self._pings: deque[PlayedMessage] = deque(maxlen=_KEPT_PINGS)

    def steps(self, happenings: Iterable[Happening]) -> Iterator[Step]:
        """The steps of what happened, in the order in which it was seen."""
        together: list[Play] = []
        size = 0
        for happening in happenings:
            step = self._step(happening)
            if step is None:
                continue
            if together and not (
                type(step) is Play and size < _WRITE_SIZE and _go_together(together[0], step)
            ):
                yield _joined(together)
                together, size = [], 0
            if type(step) is Play:
                together.append(step)
                size += len(step.data)
            else:
                yield step
        if together:
            yield _joined(together)

    def _step(self, happening: Happening) -> Step | None:
        if type(happening) is StoredEvent:
            heard = self._hearings[happening.side].receive_event(happening.event, happening.at_ns)
            if happening.side is self._plays:
                data = happening.event.serialize()
                if type(heard) is not PlayedMessage:
                    return Play(data, happening.at_ns, happening.id)
                answers = 0 if heard.opcode != Opcode.PONG else self._answered_by(heard)
                return Play(data, happening.at_ns, happening.id, (heard,), answers)
            return self._expect(heard, happening.id)
        if isinstance(happening, End):
            kind = PlayEnd if happening.side is self._plays else ExpectEnd
            return kind(happening.how, happening.at_ns, happening.id)
        if isinstance(happening, Tail):
            return Play(happening.data, happening.at_ns, happening.id, cut=happening.cut)
        assert isinstance(happening, Sent)
        said = self._hearings[happening.side].receive_data(happening.data, happening.at_ns)
        messages = tuple(each for each in said if isinstance(each, PlayedMessage))
        return Play(happening.data, happening.at_ns, happening.id, messages, cut=happening.cut)

    def _expect(self, heard: Heard | None, event_id: int) -> Step | None:
        if isinstance(heard, Undecoded):
            return ExpectBytes(heard.offset, heard.at_ns, event_id)
        if heard is None or (heard.control and heard.opcode not in (Opcode.PING, Opcode.CLOSE)):
            return None
        if heard.opcode == Opcode.PING:
            self._pings.append(heard)
        return Expect(heard, event_id)

    def _answered_by(self, said: PlayedMessage) -> int:
        """The number of the Ping this Pong answers; those before it will get no answer."""
        for ping in self._pings:
            if ping.payload == said.payload:
                while self._pings.popleft() is not ping:
                    pass
                return ping.number
        return 0


def _go_together(first: Play, step: Play) -> bool:
    """Whether both came in one piece: then they are to be sent in one piece."""
    alone = step.answers or first.answers or step.cut or first.cut
    return step.at_ns == first.at_ns and not alone


def _joined(steps: list[Play]) -> Play:
    if len(steps) == 1:
        return steps[0]
    data = b"".join(step.data for step in steps)
    said = tuple(message for step in steps for message in step.said)
    return Play(data, steps[-1].at_ns, steps[-1].event_id, said)
