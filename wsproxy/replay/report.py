"""What came of replaying: plain values, with a text for people and objects for machines."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from wsproxy.protocol.frame import Side
from wsproxy.protocol.opcodes import Opcode, opcode_name
from wsproxy.replay.model import PlayedMessage

_SHOWN = 120


class Line(NamedTuple):
    """One line of a transcript: `at_ns` counts from the beginning of the connection; `note` says what is
    special about it, empty where it was played, or came, as recorded.
    """

    at_ns: int
    message: PlayedMessage
    note: str = ""

    @property
    def text(self) -> str:
        """For people."""
        arrow = "->" if self.message.side is Side.CLIENT else "<-"
        note = f"  [{self.note}]" if self.note else ""
        return f"{self.at_ns / 1e9:9.3f} {arrow} {described(self.message)}{note}"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The client sent something else than was recorded, or something where nothing was.

    `expected` is what the recording has in this place, None: nothing more, or no message; `nearest` the
    recorded message most like the one sent; `diff` the lines in which the two differ. `got` is None where it
    is no message that departs; `what` says so in a line.
    """

    what: str
    got: PlayedMessage | None = None
    expected: PlayedMessage | None = None
    nearest: PlayedMessage | None = None
    diff: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """For people, in some lines."""
        lines = [self.what]
        if self.got is not None:
            lines.append(f"  got       {described(self.got)}")
        if self.expected is not None:
            lines.append(f"  expected  {described(self.expected)}")
        if self.nearest is not None and self.nearest != self.expected:
            lines.append(f"  nearest   {described(self.nearest)}, message {self.nearest.number}")
        return "\n".join([*lines, *(f"    {line}" for line in self.diff)])


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """What happened on one connection: `session` is the number of the session that was played, None if none.

    `played` counts the messages of the recording that passed, both sides', `unplayed` are the first of those
    that did not, `unplayed_count` says how many, as `mismatch_count` does for `mismatches`. `transcript`
    holds the last lines, `skipped_lines` counts those before.
    """

    number: int
    target: str
    session: int | None
    played: int = 0
    mismatches: tuple[Mismatch, ...] = ()
    mismatch_count: int = 0
    unplayed: tuple[PlayedMessage, ...] = ()
    unplayed_count: int = 0
    notes: tuple[str, ...] = ()
    transcript: tuple[Line, ...] = ()
    skipped_lines: int = 0

    @property
    def closed(self) -> bool:
        """Whether the client has sent a Close."""
        said = (line.message for line in self.transcript)
        return any(each.side is Side.CLIENT and each.opcode == Opcode.CLOSE for each in said)

    @property
    def text(self) -> str:
        """For people, in some lines."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        what = "no session" if self.session is None else f"session {self.session}"
        yield f"connection {self.number}, {self.target}: {what}, {self.played} messages played"
        yield from self.notes
        if self.skipped_lines:
            yield f"          ... {self.skipped_lines} lines before"
        yield from (line.text for line in self.transcript)
        yield from (mismatch.text for mismatch in self.mismatches)
        if self.unplayed_count:
            yield f"not played: {self.unplayed_count} recorded messages"
            yield from (f"  {message.side.value} {described(message)}" for message in self.unplayed)


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What came of a replay so far: the last `connections` (`connection_count` of them in all), and the
    numbers of the sessions that nobody asked for. `live` are the numbers of the connections whose clients are
    still there and have not sent a Close.
    """

    connections: tuple[ConnectionReport, ...] = ()
    connection_count: int = 0
    mismatch_count: int = 0
    unplayed_count: int = 0
    unused_sessions: tuple[int, ...] = field(default=())
    live: tuple[int, ...] = ()

    @property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """All that departed from the recording."""
        return tuple(mismatch for each in self.connections for mismatch in each.mismatches)

    @property
    def unplayed(self) -> tuple[PlayedMessage, ...]:
        """Recorded messages, of the sessions that were played, that did not pass."""
        return tuple(message for each in self.connections for message in each.unplayed)

    @property
    def transcript(self) -> tuple[Line, ...]:
        """The lines of all connections, one connection after another."""
        return tuple(line for each in self.connections for line in each.transcript)

    @property
    def text(self) -> str:
        """For people."""
        lines = [each.text for each in self.connections]
        if self.unused_sessions:
            lines.append(f"sessions nobody asked for: {', '.join(map(str, self.unused_sessions))}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The same as objects that `json` can write; payloads are text where they are UTF-8, else hex."""
        return {
            "connection_count": self.connection_count,
            "mismatch_count": self.mismatch_count,
            "unplayed_count": self.unplayed_count,
            "unused_sessions": list(self.unused_sessions),
            "live": list(self.live),
            "connections": [_connection_object(each) for each in self.connections],
        }


def described(message: PlayedMessage) -> str:
    """A message in a line: its opcode and the beginning of its payload."""
    shown = _close if message.opcode == Opcode.CLOSE else _shown
    return f"{opcode_name(message.opcode)} {shown(message.payload, message.length)}".rstrip()


def message_object(message: PlayedMessage | None) -> dict[str, Any] | None:
    """A message for `json`."""
    if message is None:
        return None
    facts: dict[str, Any] = {
        "side": message.side.value,
        "number": message.number,
        "opcode": message.opcode,
        "length": message.length,
    }
    try:
        return {**facts, "text": message.payload.decode()}
    except UnicodeDecodeError:
        return {**facts, "hex": message.payload.hex()}


def line_object(line: Line) -> dict[str, Any]:
    """A line of a transcript for `json`."""
    return {"at_ns": line.at_ns, "note": line.note, **(message_object(line.message) or {})}


def mismatch_object(mismatch: Mismatch) -> dict[str, Any]:
    """A mismatch for `json`."""
    return {
        "what": mismatch.what,
        "got": message_object(mismatch.got),
        "expected": message_object(mismatch.expected),
        "nearest": message_object(mismatch.nearest),
        "diff": list(mismatch.diff),
    }


def _connection_object(report: ConnectionReport) -> dict[str, Any]:
    return {
        "connection": report.number,
        "target": report.target,
        "session": report.session,
        "played": report.played,
        "notes": list(report.notes),
        "mismatches": [mismatch_object(mismatch) for mismatch in report.mismatches],
        "unplayed_count": report.unplayed_count,
        "unplayed": [message_object(message) for message in report.unplayed],
        "skipped_lines": report.skipped_lines,
        "transcript": [line_object(line) for line in report.transcript],
    }


def _close(payload: bytes, length: int) -> str:
    if len(payload) < 2:
        return _shown(payload, length)
    return f"{int.from_bytes(payload[:2], 'big')} {_shown(payload[2:], length - 2)}"


def _shown(payload: bytes, length: int) -> str:
    """The beginning of a payload in a line: as text if it is such, else in hex."""
    head = payload[:_SHOWN]
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        # What is cut off in the middle of a character is text all the same.
        if len(head) == length or error.start < len(head) - 3:
            shown = head[: _SHOWN // 2].hex(" ")
            return f"{shown} ... ({length} bytes)" if length > _SHOWN // 2 else shown
        text = head[: error.start].decode()
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"{shown} ... ({length} bytes)" if length > len(head) else shown
