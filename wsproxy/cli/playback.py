"""A stored session as it is shown: everything on the wire, in order, with the messages where they were
complete.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from wsproxy.cli.seen import Seen, SessionSight

if TYPE_CHECKING:
    from wsproxy.protocol.frame import Side, WireEvent
    from wsproxy.protocol.message import Message
    from wsproxy.store.model import StoredChange, StoredEvent, StoredMessage, StoredSession
    from wsproxy.store.reader import Recording

_TAIL_SHOWN = 128 << 10
"""How much of a tail is looked at: what is under way is short, what is not decoded yet may not be."""


class Playback:
    """Reads a session on from where it was read to before, so that one still being recorded can be
    followed.
    """

    def __init__(self, recording: "Recording", session: "StoredSession", side: "Side | None" = None) -> None:
        from wsproxy.protocol.frame import Side

        self._recording = recording
        self._session = session
        self._sides = tuple(Side) if side is None else (side,)
        self._sight = SessionSight(session.start.extensions)
        self._messages = {each: _Messages(recording, session.id, each) for each in self._sides}
        self._changes = {each: _Changes(recording, session.id, each) for each in self._sides}
        self._large: dict[Side, int] = {}
        self._last_id = 0

    def new(self) -> "Iterator[Seen | StoredChange]":
        """What was recorded since the last call: what the sides sent, and below it what was sent on
        instead.
        """
        only = self._sides[0] if len(self._sides) == 1 else None
        for changes in self._changes.values():
            changes.look_again()
        for stored in self._recording.events(self._session.id, only, after=self._last_id):
            self._last_id = stored.id
            changes, start, end = self._changes[stored.side], *_range(stored.event)
            for of_side in self._changes.values():
                yield from of_side.injected_until(stored.at_ns)
            yield from changes.injected_before(start)
            yield self._see(stored)
            yield from changes.made_before(end)

    def changes_left(self) -> "Iterator[StoredChange]":
        """What was changed behind the last frame."""
        for changes in self._changes.values():
            yield from changes.rest()

    def cut_short(self) -> Iterator[Seen]:
        """What each side sent of a frame that is not all there."""
        for side in self._sides:
            tail = self._recording.tail(self._session.id, side)
            if tail:
                yield self._see_tail(side, tail)

    def _see(self, stored: "StoredEvent") -> Seen:
        from wsproxy.protocol.frame import Frame, FramePiece

        event, side, message = stored.event, stored.side, None
        if isinstance(event, Frame):
            if not (event.complete or event.trailer):
                self._large[side] = stored.id
            elif not event.is_control:
                message = self._messages[side].completed_by(stored.id, final=event.fin)
        elif isinstance(event, FramePiece) and event.last:
            message = self._messages[side].completed_by(self._large.pop(side, 0), final=True)
        return self._sight.see(side, stored.at_ns, event, message)

    def _see_tail(self, side: "Side", tail: bytes) -> Seen:
        from wsproxy.conformance.dissect import FramePart, dissect
        from wsproxy.protocol.frame import OpaqueData, Side
        from wsproxy.protocol.grammar import DIALECTS, RFC6455

        session = self._session
        name = session.start.client_dialect if side is Side.CLIENT else session.start.server_dialect
        # Never load_dialect: a recording must not name a file to be run.
        dialect = DIALECTS.get(name, RFC6455)
        offset = session.counts(side).received_bytes - len(tail)
        _, parts = dissect(tail[:_TAIL_SHOWN], dialect, side, heads=False, most=1)
        part = parts[0]
        findings = tuple(replace(finding, offset=offset) for finding in part.findings)
        if not isinstance(part, FramePart):
            return Seen(side, session.last_at_ns, OpaqueData(offset, tail, ""), None, findings)
        findings = tuple(finding for finding in findings if finding.rule_id == "stream.cut-short")
        return Seen(side, session.last_at_ns, part.frame._replace(offset=offset), None, findings)


def _range(event: "WireEvent") -> tuple[int, int]:
    """Where an event begins and ends in its side's stream; the pieces of a large frame are but its later
    part.
    """
    from wsproxy.protocol.frame import FramePiece, OpaqueData

    if isinstance(event, FramePiece):
        return -1, -1
    if isinstance(event, OpaqueData):
        return event.offset, event.offset + len(event.data)
    return event.offset, event.end


class _Changes:
    """What was sent on in place of what one side sent, each asked for where it belongs."""

    def __init__(self, recording: "Recording", session_id: int, side: "Side") -> None:
        self._read = partial(recording.changes, session_id, side)
        self._rest: Iterator[StoredChange] = iter(())
        self._next: StoredChange | None = None
        self._last_id = 0
        self._shown = 0

    def look_again(self) -> None:
        """Find those that were recorded since."""
        self._rest = (change for change in self._read() if change.id > self._last_id)
        self._next = next(self._rest, None)

    def injected_before(self, offset: int) -> "Iterator[StoredChange]":
        """What was sent without being received, in front of `offset`."""
        while self._next is not None and self._next.end_offset <= offset:
            yield self._take(self._next)

    def injected_until(self, at_ns: int) -> "Iterator[StoredChange]":
        """What was sent without being received before that time, in front of what its side sends next."""
        while self._next is not None and self._next.at_ns < at_ns and self._is_due(self._next):
            yield self._take(self._next)

    def _is_due(self, change: "StoredChange") -> bool:
        return change.start_offset == change.end_offset <= self._shown

    def made_before(self, offset: int) -> "Iterator[StoredChange]":
        """What was changed of the bytes in front of `offset`."""
        self._shown = max(self._shown, offset)
        while self._next is not None and self._next.start_offset < offset:
            yield self._take(self._next)

    def rest(self) -> "Iterator[StoredChange]":
        """All that is left."""
        while self._next is not None:
            yield self._take(self._next)

    def _take(self, change: "StoredChange") -> "StoredChange":
        self._last_id = change.id
        self._next = next(self._rest, None)
        return change


class _Messages:
    """The messages of one side, asked for by the frames that complete them, in order."""

    def __init__(self, recording: "Recording", session_id: int, side: "Side") -> None:
        self._read = partial(recording.messages, session_id, side)
        self._rest: Iterator[StoredMessage] = iter(())
        self._next: StoredMessage | None = None

    def completed_by(self, frame_id: int, *, final: bool) -> "Message | None":
        """The message that this data frame completes, as a `final` frame does."""
        while self._next is not None and self._next.id < frame_id:
            self._next = next(self._rest, None)
        if self._next is None and final:
            # All messages there were have been read; there may be more by now.
            self._rest = self._read(after=frame_id - 1)
            self._next = next(self._rest, None)
        return self._next.message if self._next is not None and self._next.id == frame_id else None
