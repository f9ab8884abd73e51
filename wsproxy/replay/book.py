"""What is noted of one connection while a session is played on it; bounded, and cheap to add to."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wsproxy.protocol.frame import Side
from wsproxy.replay.model import PlayedMessage
from wsproxy.replay.report import ConnectionReport, Line, Mismatch

_LINES = 200
_MISMATCHES = 100
_UNPLAYED = 20
_KEPT_PAYLOAD = 1 << 10
_KEPT_OF_MISMATCH = 1 << 16

type Nearest = Callable[[PlayedMessage, PlayedMessage | None], tuple[PlayedMessage | None, Sequence[str]]]
"""The recorded message most like this live one (with the one expected there), and in what they differ."""


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that happened on a connection, for whoever watches: one of a line, a mismatch, a note."""

    connection: int
    line: Line | None = None
    mismatch: Mismatch | None = None
    text: str = ""


class Book:
    """Keeps the transcript of a connection, and counts. `began_ns` is when it began."""

    def __init__(
        self,
        number: int,
        target: str,
        began_ns: int,
        nearest: Nearest,
        watch: Callable[[Noted], None] | None = None,
    ) -> None:
        self.number = number
        self.target = target
        self.session: int | None = None
        self.passed = dict.fromkeys(Side, 0)
        self.mismatch_count = 0
        self._began_ns = began_ns
        self._nearest = nearest
        self._watch = watch
        self._lines: deque[tuple[int, Sequence[PlayedMessage], str]] = deque(maxlen=_LINES)
        self._line_count = 0
        self._mismatches: list[Mismatch] = []
        self._notes: list[str] = []

    def begin(self, session: int) -> None:
        """A session is chosen."""
        self.session = session
        if self._watch is not None:
            self._watch(Noted(self.number, text=f"{self.target}: session {session} is played"))

    def played(self, at_ns: int, messages: Sequence[PlayedMessage]) -> None:
        """These were sent as recorded."""
        for message in messages:
            if message.opcode < 0x8:
                self.passed[message.side] += 1
        self._add(at_ns, messages, "")

    def heard(self, message: PlayedMessage, note: str = "", *, recorded: bool = False) -> None:
        """That was heard, in its recorded place or not."""
        if recorded and message.opcode < 0x8:
            self.passed[message.side] += 1
        self._add(message.at_ns, (message,), note)

    def made(self, message: PlayedMessage, note: str) -> None:
        """That was sent although it is not recorded."""
        self._add(message.at_ns, (message,), note)

    def mismatch(self, what: str, got: PlayedMessage | None, expected: PlayedMessage | None) -> None:
        """The live peer departs from the recording."""
        self.mismatch_count += 1
        if len(self._mismatches) >= _MISMATCHES:
            return
        nearest, diff = (None, ()) if got is None else self._nearest(got, expected)
        got, expected, nearest = (
            each and _beginning(each, _KEPT_OF_MISMATCH) for each in (got, expected, nearest)
        )
        mismatch = Mismatch(what, got, expected, nearest, tuple(diff))
        self._mismatches.append(mismatch)
        if self._watch is not None:
            self._watch(Noted(self.number, mismatch=mismatch))

    def note(self, text: str) -> None:
        """Something to know about the connection."""
        if text not in self._notes:
            self._notes.append(text)
            if self._watch is not None:
                self._watch(Noted(self.number, text=text))

    def report(self, unplayed: Sequence[PlayedMessage] = (), unplayed_count: int = 0) -> ConnectionReport:
        """All of it."""
        lines = self._transcript()
        return ConnectionReport(
            self.number,
            self.target,
            self.session,
            sum(self.passed.values()),
            tuple(self._mismatches),
            self.mismatch_count,
            tuple(unplayed[:_UNPLAYED]),
            unplayed_count,
            tuple(self._notes),
            tuple(lines),
            self._line_count - len(lines),
        )

    def _transcript(self) -> list[Line]:
        lines = [
            Line(at_ns - self._began_ns, message, note)
            for at_ns, messages, note in self._lines
            for message in messages
        ]
        return lines[-_LINES:]

    def _add(self, at_ns: int, messages: Sequence[PlayedMessage], note: str) -> None:
        if any(len(message.payload) > _KEPT_PAYLOAD for message in messages):
            messages = [_beginning(message, _KEPT_PAYLOAD) for message in messages]
        self._lines.append((at_ns, messages, note))
        self._line_count += len(messages)
        if self._watch is not None:
            for message in messages:
                self._watch(Noted(self.number, Line(at_ns - self._began_ns, message, note)))


def _beginning(message: PlayedMessage, size: int) -> PlayedMessage:
    """The message with no more of its payload than is worth keeping."""
    return message if len(message.payload) <= size else message._replace(payload=message.payload[:size])
