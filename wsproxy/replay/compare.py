"""In what two sessions differ: opening handshake, messages, framing, timing, how they end, findings."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import merge
from typing import NamedTuple

from wsproxy.protocol.frame import Side
from wsproxy.replay.align import Pair, Ways, align
from wsproxy.replay.heads import head_difference
from wsproxy.replay.matchers import Matcher
from wsproxy.replay.model import PlayedMessage
from wsproxy.replay.near import describe_difference, similarity
from wsproxy.replay.redacted import all_redacted, lacking
from wsproxy.replay.transcript import Told, Transcript
from wsproxy.store.model import StoredSession, TcpEnd
from wsproxy.store.reader import Recording

NOTICEABLE_NS = 100_000_000
"""Gaps are of another class if they differ by this much, and one is more than twice the other."""

_BINARY = 0x2


class Kind(StrEnum):
    """What may differ."""

    HANDSHAKE = "handshake"
    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    MOVED = "moved"
    """A message is out of order among those of its side."""
    FRAMING = "framing"
    """In how many frames a message was sent, whether compressed, and what was wrong with it."""
    TURN = "turn"
    """Before or after which message of the other side it was sent."""
    TIMING = "timing"
    BYTES = "bytes"
    """What is no frame, or only the beginning of one."""
    END = "end"
    FINDINGS = "findings"


class Difference(NamedTuple):
    """One difference, with lines that tell it (`-` the first session, `+` the second)."""

    kind: Kind
    lines: tuple[str, ...] = ()


class Row(NamedTuple):
    """A message of each session, laid side by side (None: there is none), or what concerns all of a side."""

    side: Side
    first: Told | None = None
    second: Told | None = None
    differences: tuple[Difference, ...] = ()


class Compared(NamedTuple):
    """A session to compare; `findings` counts its findings by rule and side, None: they do not matter."""

    recording: Recording
    session: StoredSession
    findings: Mapping[tuple[str, Side], int] | None = None


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """How to compare: `matcher` says which messages are the same, `ignored` which kinds of differences do not
    count, and `of_client` which do not where they are the client's. `keep_alive` False leaves Pings and Pongs
    out. `names` are those of the two sessions.
    """

    matcher: Matcher
    ignored: frozenset[Kind] = field(default_factory=frozenset)
    keep_alive: bool = True
    names: tuple[str, str] = ("first", "second")
    of_client: frozenset[Kind] = field(default_factory=frozenset)


class Comparison:
    """Compares two sessions as `rows` is read; `counts` and `same` are complete after that.

    Secrets that were taken out of one of them only are not compared. Reads both in bounded memory, whatever
    their size. Raises RecordingError if a recording is damaged.
    """

    def __init__(self, first: Compared, second: Compared, options: CompareOptions) -> None:
        self._first = first
        self._second = second
        self._options = options
        self.counts: Counter[Kind] = Counter()
        """How many differences there are of each kind."""
        self.same = 0
        """How many messages and control frames are the same in both."""

    def rows(self) -> Iterator[Row]:
        """All of both sessions, in the order of the first, what is the same included."""
        for row in self._all_rows():
            kept = tuple(each for each in row.differences if not self._ignores(row.side, each.kind))
            self.counts.update(difference.kind for difference in kept)
            if row.first is not None and row.second is not None and not kept:
                self.same += 1
            if kept or row.first is not None or row.second is not None:
                yield row._replace(differences=kept)

    def _ignores(self, side: Side, kind: Kind) -> bool:
        options = self._options
        return kind in options.ignored or (side is Side.CLIENT and kind in options.of_client)

    def _all_rows(self) -> Iterator[Row]:
        yield from self._handshake()
        sides = [_Aligned(self._first, self._second, side, self._options) for side in Side]
        for _, row in merge(*(side.rows() for side in sides), key=_place):
            yield row
        for side in sides:
            yield from side.rest()
        yield from self._ends()
        yield from self._findings()

    def _handshake(self) -> Iterator[Row]:
        one, other = self._first.session.start, self._second.session.start
        removed = lacking(one, other), lacking(other, one)
        one, other = (
            start if redaction is None else redaction.start(start)
            for start, redaction in zip((one, other), removed, strict=True)
        )
        for side, first, second in (
            (Side.CLIENT, one.request_head, other.request_head),
            (Side.SERVER, one.response_head, other.response_head),
        ):
            lines = head_difference(side, first, second)
            if lines:
                yield Row(side, differences=(Difference(Kind.HANDSHAKE, tuple(lines)),))

    def _ends(self) -> Iterator[Row]:
        for side in Side:
            first, second = _end(self._first.session, side), _end(self._second.session, side)
            if first != second:
                lines = (f"- {first}", f"+ {second}")
                yield Row(side, differences=(Difference(Kind.END, lines),))

    def _findings(self) -> Iterator[Row]:
        first, second = self._first.findings, self._second.findings
        if first is None or second is None:
            return
        for rule_id, side in sorted({*first, *second}):
            counts = first.get((rule_id, side), 0), second.get((rule_id, side), 0)
            if counts[0] != counts[1]:
                lines = (f"- {counts[0]} of {rule_id}", f"+ {counts[1]} of {rule_id}")
                yield Row(side, differences=(Difference(Kind.FINDINGS, lines),))


class _Aligned:
    """One side of both sessions."""

    def __init__(self, first: Compared, second: Compared, side: Side, options: CompareOptions) -> None:
        self._side = side
        self._options = options
        self._transcripts = [
            Transcript(each.recording, each.session, side, keep_alive=options.keep_alive)
            for each in (first, second)
        ]
        one, other = first.session.start, second.session.start
        self._removed = lacking(one, other), lacking(other, one)

    def rows(self) -> Iterator[tuple[int, Row]]:
        """The messages, each with its place in the first session."""
        first, second = (
            all_redacted(redaction, transcript.told())
            for redaction, transcript in zip(self._removed, self._transcripts, strict=True)
        )
        matcher, place = self._options.matcher, 0
        ways = Ways[Told](
            key=lambda told: matcher.key(told.message),
            same=lambda one, other: matcher.matches(one.message, other.message),
            similarity=lambda one, other: similarity(one.message, other.message),
            size=lambda told: len(told.message.payload),
        )
        for pair in align(first, second, ways):
            if pair.first is not None:
                place = pair.first.place
            yield place, Row(self._side, pair.first, pair.second, self._differences(pair))

    def rest(self) -> Iterator[Row]:
        """What is no message. To be asked for when all messages were read."""
        first, second = (transcript.rest for transcript in self._transcripts)
        if first != second:
            lines = [f"- {first.length:,} bytes that are no frames", f"+ {second.length:,} bytes"]
            one, other = _as_message(self._side, first.beginning), _as_message(self._side, second.beginning)
            lines += describe_difference(one, other, self._options.names)
            yield Row(self._side, differences=(Difference(Kind.BYTES, tuple(lines)),))

    def _differences(self, pair: Pair[Told]) -> tuple[Difference, ...]:
        first, second = pair.first, pair.second
        if first is None or second is None:
            alone = Kind.ADDED if first is None else Kind.MISSING
            return (Difference(Kind.MOVED if pair.elsewhere else alone),)
        found = []
        if not pair.same:
            options = self._options
            lines = describe_difference(first.message, second.message, options.names, options.matcher.exempt)
            found.append(Difference(Kind.CHANGED, tuple(lines)))
        if _framing(first) != _framing(second):
            found.append(Difference(Kind.FRAMING, (f"- {_framing(first)}", f"+ {_framing(second)}")))
        if first.turn != second.turn:
            found.append(Difference(Kind.TURN, (f"- {_turn(first)}", f"+ {_turn(second)}")))
        if _noticeable(first.gap_ns, second.gap_ns):
            found.append(Difference(Kind.TIMING, (f"- {_gap(first)}", f"+ {_gap(second)}")))
        return tuple(found)


def _place(placed: tuple[int, Row]) -> int:
    return placed[0]


def _end(session: StoredSession, side: Side) -> str:
    end = session.end
    if end is None:
        return f"session {session.state.value}"
    how = end.client_end if side is Side.CLIENT else end.server_end
    return "left open" if how is TcpEnd.OPEN else how.value.upper()


def _framing(told: Told) -> str:
    frames = "1 frame" if told.frames == 1 else f"{told.frames:,} frames"
    compressed = ", compressed" if told.compressed else ""
    return ", ".join((f"{frames}{compressed}", *told.odd, *((told.error,) if told.error else ())))


def _turn(told: Told) -> str:
    side = told.message.side.other
    return f"after message {told.turn} of the {side}" if told.turn else f"before any message of the {side}"


def _gap(told: Told) -> str:
    return f"{told.gap_ns / 1e6:,.0f} ms after what was said before"


def _noticeable(first_ns: int, second_ns: int) -> bool:
    low, high = sorted((first_ns, second_ns))
    return high - low > NOTICEABLE_NS and high > 2 * low


def _as_message(side: Side, data: bytes) -> PlayedMessage:
    return PlayedMessage(side, 0, _BINARY, data, 0, len(data))
