"""A stored session read through the checker: what each side departed from, and in which frame."""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsproxy.conformance.finding import Finding
    from wsproxy.conformance.rules import Severity
    from wsproxy.protocol.dialect import Dialect
    from wsproxy.protocol.frame import Side
    from wsproxy.store.model import StoredSession
    from wsproxy.store.reader import Recording

type _Place = tuple[str, Side, int | None]

_FRAMES_REMEMBERED = 4096
_MOST_DROPPED = 100_000


@dataclass(frozen=True, slots=True)
class Located:
    """A finding; `frame` is the number of the frame among those of its side, from 1, if it is about one.

    `repaired` says whether it was mended on the way on.
    """

    finding: "Finding"
    frame: int | None
    repaired: bool = False


class _FrameNumbers:
    """The numbers of the latest frames of a side, by offset."""

    def __init__(self) -> None:
        self._offsets: deque[int] = deque(maxlen=_FRAMES_REMEMBERED)
        self._count = 0

    def add(self, offset: int) -> None:
        self._offsets.append(offset)
        self._count += 1

    def number(self, offset: int | None) -> int | None:
        offsets = list(self._offsets)
        index = bisect_left(offsets, -1 if offset is None else offset)
        if index == len(offsets) or offsets[index] != offset:
            return None
        return self._count - len(offsets) + index + 1


class SessionLint:
    """Checks one session of a recording. Once `findings` is read to its end, `repeated` counts what it left
    out, by rule and side, and `totals` everything by severity.
    """

    def __init__(self, recording: "Recording", session: "StoredSession") -> None:
        from wsproxy.conformance.checker import Checker
        from wsproxy.protocol.frame import Side
        from wsproxy.store.assembling import assembler_of

        start = session.start
        self.session = session
        self._recording = recording
        self._numbers = {side: _FrameNumbers() for side in Side}
        self._assemblers = {side: assembler_of(session, side) for side in Side}
        self._checker = Checker(
            start.request_head,
            start.response_head,
            request_head_sent=start.request_head_sent,
            response_head_sent=start.response_head_sent,
            dialects={
                Side.CLIENT: _dialect(start.client_dialect),
                Side.SERVER: _dialect(start.server_dialect),
            },
            dropped=_dropped(recording, session),
        )
        self._ends_ahead = _ends(session)
        self._repaired, self._witnessed = _told(recording, session)
        self.totals: Counter[Severity] = Counter()

    @property
    def repeated(self) -> "dict[tuple[str, Side], int]":
        """How many findings of a rule and a side were left out, there being so many."""
        return self._checker.repeated

    def findings(self) -> Iterator[Located]:
        """Every finding, in the order in which it can be known."""
        from wsproxy.conformance.rules import RULES

        for found in self._found():
            for finding in found:
                self.totals[finding.rule.severity] += 1
                frame = self._numbers[finding.side].number(finding.offset)
                place = finding.rule_id, finding.side, finding.offset
                yield Located(finding, frame, place in self._repaired)
        for (rule_id, _), count in self.repeated.items():
            self.totals[RULES[rule_id].severity] += count

    def _found(self) -> "Iterator[Sequence[Finding]]":
        from wsproxy.protocol.frame import Frame, Side

        checker, session = self._checker, self.session
        yield checker.handshake()
        yield self._seen("stream.before-response", Side.CLIENT)
        for stored in self._recording.events(session.id):
            yield from self._ends(before=stored.id)
            event, side = stored.event, stored.side
            if type(event) is Frame:
                self._numbers[side].add(event.offset)
            message = self._assemblers[side].receive(event)
            found = checker.receive(side, [event] if message is None else [event, message], stored.at_ns)
            if found:
                yield found
        yield from self._ends(before=None)
        end = session.end
        yield checker.end(session.last_at_ns if end is None else end.ended_at_ns)

    def _ends(self, before: int | None) -> "Iterator[Sequence[Finding]]":
        """The directions that ended before the event with that id; None: all others."""
        from wsproxy.store.model import TcpEnd

        session = self.session
        if session.end is None:
            return
        for side, ended_id in list(self._ends_ahead.items()):
            if before is not None and (ended_id is None or ended_id > before):
                continue
            del self._ends_ahead[side]
            how, counts = session.counts(side).tcp_end, session.counts(side)
            if how is not TcpEnd.OPEN:
                at_ns = counts.tcp_ended_at_ns or session.end.ended_at_ns
                yield self._checker.receive(side, self._assemblers[side].receive_eof(), at_ns)
                yield self._checker.receive_eof(side, how, at_ns, self._recording.tail(session.id, side))
                yield self._seen("stream.no-close-notify", side)

    def _seen(self, rule_id: str, side: "Side") -> "Sequence[Finding]":
        """What was seen when the session was recorded, and is not in its bytes."""
        finding = self._witnessed.get((rule_id, side))
        return () if finding is None else (finding,)


def _ends(session: "StoredSession") -> "dict[Side, int | None]":
    """After which event each side ended, the first first; where that is not known, at the very end."""
    from wsproxy.protocol.frame import Side

    ends = {side: session.counts(side).tcp_end_id for side in (Side.SERVER, Side.CLIENT)}
    return dict(sorted(ends.items(), key=lambda end: (end[1] is None, end[1] or 0)))


def _dialect(name: str) -> "Dialect":
    """The dialect; that of the RFC for a grammar of the user's own: a recording must name no file to run."""
    from wsproxy.protocol.grammar import DIALECTS, RFC6455

    return DIALECTS.get(name, RFC6455)


def _told(
    recording: "Recording", session: "StoredSession"
) -> "tuple[set[_Place], dict[tuple[str, Side], Finding]]":
    """Where something was repaired, and what could be seen only then, by rule and side."""
    from wsproxy.conformance.checker import WITNESSED
    from wsproxy.conformance.finding import Finding

    repaired: set[_Place] = set()
    witnessed: dict[tuple[str, Side], Finding] = {}
    for f in recording.findings(session.id):
        if f.rule_id in WITNESSED:
            witnessed[f.rule_id, f.side] = Finding(f.rule_id, f.detail, f.side, f.offset)
        if f.repaired:
            repaired.add((f.rule_id, f.side, f.offset))
    return repaired, witnessed


def _dropped(recording: "Recording", session: "StoredSession") -> "set[tuple[Side, int]]":
    """The frames that went no further than to the proxy: side and offset."""
    from itertools import islice

    from wsproxy.store.model import ChangeKind

    changes = recording.changes(session.id)
    dropped = ((c.side, c.start_offset) for c in changes if c.kind is ChangeKind.DROPPED)
    return set(islice(dropped, _MOST_DROPPED))
