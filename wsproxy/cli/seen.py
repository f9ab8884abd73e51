"""One thing a side sent together with what is odd about it: the unit in which sessions are shown."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsproxy.conformance.checks_frames import FrameContext
    from wsproxy.conformance.finding import Finding
    from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, Side, WireEvent
    from wsproxy.protocol.message import Message
    from wsproxy.protocol.session import SessionEvent
    from wsproxy.store.model import StoredFinding
    from wsproxy.store.session_recorder import Found

_MOST_NAMED = 1000


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame, a piece of a large one, or opaque data; and the message it completes, if it does."""

    side: "Side"
    at_ns: int
    event: "Frame | FramePiece | OpaqueData"
    message: "Message | None" = None
    findings: "tuple[Finding, ...]" = ()

    @property
    def frame(self) -> "Frame | None":
        """The frame, if that is what it is."""
        from wsproxy.protocol.frame import Frame

        return self.event if isinstance(self.event, Frame) else None

    @property
    def assembled(self) -> "Message | None":
        """The message, unless it says no more than its one frame does."""
        message, frame = self.message, self.frame
        if message is None or (frame is not None and message.frames == 1 and not message.compressed):
            return None
        return message


class Named:
    """The departures that were shown with what was seen; of each kind as many as are recorded, and more."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Side]] = Counter()
        self._places: set[tuple[str, Side, int | None]] = set()

    def add(self, seen: Seen) -> None:
        """Take note of those of `seen`."""
        for finding in seen.findings:
            kind = finding.rule_id, seen.side
            self._counts[kind] += 1
            if self._counts[kind] <= _MOST_NAMED:
                self._places.add((*kind, finding.offset))

    def __contains__(self, found: "StoredFinding") -> bool:
        return (found.rule_id, found.side, found.offset) in self._places


class SessionSight:
    """Checks what the two sides of a session send, as it comes."""

    def __init__(self, extensions: str | None) -> None:
        from wsproxy.conformance.checks_frames import context_for
        from wsproxy.protocol.frame import Side

        self._contexts = {side: context_for(side, extensions) for side in Side}
        self._opaque: set[Side] = set()
        self._lost: set[Side] = set()
        self._named: deque[tuple[str, Side, int | None]] = deque(maxlen=_MOST_NAMED)

    def see_all(self, side: "Side", at_ns: int, events: "Sequence[SessionEvent]") -> Iterator[Seen]:
        """Everything to show of what one side sent; a message comes right behind what completes it."""
        from wsproxy.protocol.message import Message

        waiting: WireEvent | None = None
        for event in events:
            if isinstance(event, Message):
                if waiting is not None:
                    yield self.see(side, at_ns, waiting, event)
                waiting = None
                continue
            if waiting is not None:
                yield self.see(side, at_ns, waiting)
            waiting = event
        if waiting is not None:
            yield self.see(side, at_ns, waiting)

    def see(self, side: "Side", at_ns: int, event: "WireEvent", message: "Message | None" = None) -> Seen:
        """What a side sent, checked."""
        from wsproxy.conformance.checks_frames import (
            check_between_frames,
            check_frame,
            check_opaque,
        )
        from wsproxy.conformance.checks_messages import check_payload
        from wsproxy.protocol.frame import Frame, OpaqueData

        findings: list[Finding] = []
        if isinstance(event, Frame):
            context = self._contexts[side]
            if side not in self._lost:
                foreign = _foreign(event, context)
                findings = foreign or check_frame(event, context)
                self._lost |= {side} if foreign else set()
            self._contexts[side] = context.after(event)
        elif isinstance(event, OpaqueData) and event.between_frames:
            findings = check_between_frames(event, side)
        elif isinstance(event, OpaqueData) and side not in self._opaque:
            findings = check_opaque(event, side)
            self._opaque.add(side)
        if message is not None and side not in self._lost:
            findings += check_payload(message, side, event if isinstance(event, Frame) else None)
        self._named.extend((finding.rule_id, side, finding.offset) for finding in findings)
        return Seen(side, at_ns, event, message, tuple(findings))

    def has_named(self, found: "Found") -> bool:
        """Whether that departure was among what was seen lately."""
        return (found.rule_id, found.side, found.offset) in self._named

    def skip(self, side: "Side", events: "Sequence[SessionEvent]") -> None:
        """Take note of events that are not shown."""
        from wsproxy.protocol.frame import Frame

        last = next((e for e in reversed(events) if type(e) is Frame and e.opcode < 0x8), None)
        if last is not None:
            self._contexts[side] = self._contexts[side].after(last)


def _foreign(frame: "Frame", context: "FrameContext") -> "list[Finding]":
    """Whether what was decoded as this frame is something else."""
    from wsproxy.conformance.checks_foreign import foreign_frame
    from wsproxy.conformance.finding import Finding

    found = foreign_frame(frame, message_open=context.message_open, side=context.side)
    return [] if found is None else [Finding(found.rule_id, found.detail, context.side, frame.offset)]
