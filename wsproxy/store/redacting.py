"""A session on its way into the database, of which nothing is seen that must not be written."""

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from wsproxy.conformance.checks_foreign import rule_of_no_frames
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, Side
from wsproxy.protocol.frame_queue import Moved
from wsproxy.protocol.handshake import negotiate, parse_response_head
from wsproxy.protocol.header import Header
from wsproxy.protocol.overwrite import overwritten
from wsproxy.protocol.rewrite import MessageRewriter, StreamRewriter
from wsproxy.protocol.session import SessionEvent
from wsproxy.store.limits import WriterLimits
from wsproxy.store.redacted_stream import RedactedStream
from wsproxy.store.redaction import Redaction
from wsproxy.store.rows import RowBatch
from wsproxy.store.session_log import SessionLog
from wsproxy.store.session_recorder import Changed, Found, Opened, ReachedEnd

_MOST_MOVES = 4096


class _OffsetMap:
    """Where bytes of the stream received are in the stream written; exact for what was moved lately."""

    __slots__ = ("_moves",)

    def __init__(self) -> None:
        self._moves: deque[Moved] = deque(maxlen=_MOST_MOVES)

    def add(self, moved: Moved) -> None:
        """Bytes that are longer or shorter now."""
        self._moves.append(moved)

    def written(self, offset: int) -> int:
        """The offset in the stream written for one in the stream received."""
        for start, end, new_start, new_end in reversed(self._moves):
            if offset >= end:
                return offset - end + new_end
            if offset >= start:
                return min(new_start + offset - start, new_end)
        if not self._moves:
            return offset
        return max(0, offset - self._moves[0].start + self._moves[0].new_start)


class _Stream:
    """What one side sends, redacted as it comes. `large` is where the latest large frame is written, `ragged`
    where what was sent on last broke off.
    """

    __slots__ = ("ended", "large", "offsets", "ragged", "rewriter", "stream")

    def __init__(self, rewriter: MessageRewriter, dialect: Dialect, offsets: _OffsetMap, side: Side) -> None:
        self.rewriter = rewriter
        self.stream = RedactedStream(rewriter, dialect, side)
        self.offsets = offsets
        self.ended = False
        self.large = (0, 0)
        self.ragged = -1

    def note(self, events: Sequence[SessionEvent]) -> None:
        """Note where a large frame is."""
        for event in events:
            if isinstance(event, Frame) and not event.complete:
                start = event.offset + len(event.header)
                self.large = (event.offset, start + (sys.maxsize if event.length is None else event.length))


class RedactedLog(SessionLog):
    """Decodes one session, redacted by `redaction`, and adds its rows to a batch.

    `opened` is redacted already; `removed` is what that took out.

    A message is held until it is complete: while it is under way nothing of it is written, so a recorder
    that is killed loses it. Offsets of changes and findings become those in the redacted stream, so these
    wait for what they are about.
    """

    spools = False

    def __init__(
        self,
        session_id: int,
        opened: Opened,
        dialects: Mapping[Side, Dialect],
        limits: WriterLimits,
        redaction: Redaction,
        removed: set[str],
    ) -> None:
        super().__init__(session_id, opened, dialects, limits)
        self._removed = removed
        self._redaction = redaction
        self._dialects = dialects
        self._message_limit = limits.message_limit
        self._notes: deque[tuple[Changed | Found, int]] = deque()
        deflate = negotiate(parse_response_head(opened.start.response_head)).deflate
        self._streams: dict[Side, _Stream] = {}
        for side in Side if redaction.payloads else ():
            self._streams[side] = self._stream(side, deflate)

    def _stream(self, side: Side, deflate: DeflateParameters | None) -> _Stream:
        dialect, offsets = self._dialects[side], _OffsetMap()
        rewriter = MessageRewriter(
            self._redaction.message,
            side,
            deflate=deflate,
            dialect=dialect,
            limit=self._message_limit,
            overwrite=True,
            on_move=offsets.add,
        )
        return _Stream(rewriter, dialect, offsets, side)

    def receive_data(self, side: Side, data: bytes, at_ns: int, batch: RowBatch) -> Sequence[SessionEvent]:
        """Add the rows of what can be written now that `data` has come."""
        stream = self._streams.get(side)
        if stream is not None:
            data = stream.stream.receive_data(data)
            for start, end, rule_id in stream.stream.take_between():
                self._session.leave_out(side, start, end, rule_id)
        events = super().receive_data(side, data, at_ns, batch)
        if stream is not None:
            stream.note(events)
        self._store_notes(batch)
        return events

    def receive_eof(self, end: ReachedEnd, at_ns: int, batch: RowBatch) -> Sequence[SessionEvent]:
        """Note how a TCP direction ended, and add the rows of what that completes."""
        rest = self._finish(end.side, at_ns, batch)
        return [*rest, *super().receive_eof(end, at_ns, batch)]

    def flush(self, at_ns: int, batch: RowBatch) -> Sequence[tuple[Side, Sequence[SessionEvent]]]:
        """Add the rows of what is still held: nothing more will come."""
        events = [(side, self._finish(side, at_ns, batch)) for side in Side]
        self._store_notes(batch, last=True)
        return events

    def change(self, changed: Changed, at_ns: int, batch: RowBatch) -> None:
        """Add what was sent on instead of bytes of one side, as soon as those are written."""
        rule_id, stream = rule_of_no_frames(changed.rules), self._streams.get(changed.side)
        if rule_id is not None and stream is not None:
            stream.stream.leave_out(changed.start_offset, changed.end_offset, rule_id)
        self._notes.append((changed, at_ns))
        self._store_notes(batch)

    def finding(self, found: Found, at_ns: int, batch: RowBatch) -> None:
        """Add a departure from a rule, as soon as what it is about is written."""
        self._notes.append((found, at_ns))
        self._store_notes(batch)

    def _finish(self, side: Side, at_ns: int, batch: RowBatch) -> Sequence[SessionEvent]:
        stream = self._streams.get(side)
        if stream is None or stream.ended:
            return []
        stream.ended = True
        rest = stream.stream.receive_eof()
        events = super().receive_data(side, rest, at_ns, batch) if rest else []
        self._store_notes(batch)
        return events

    def _store_notes(self, batch: RowBatch, *, last: bool = False) -> None:
        while self._notes and (last or self._is_written(self._notes[0][0])):
            note, at_ns = self._notes.popleft()
            if isinstance(note, Changed):
                super().change(self._redacted_change(note), at_ns, batch)
            else:
                super().finding(self._redacted_finding(note), at_ns, batch)

    def _is_written(self, note: Changed | Found) -> bool:
        stream = self._streams.get(note.side)
        end = note.end_offset if isinstance(note, Changed) else note.offset
        return stream is None or end is None or stream.ended or stream.rewriter.settled >= end

    def _redacted_change(self, changed: Changed) -> Changed:
        stream = self._streams.get(changed.side)
        if stream is None:
            return changed
        start = stream.offsets.written(changed.start_offset)
        inside = changed.start_offset == stream.ragged or stream.large[0] < start < stream.large[1]
        return replace(
            changed,
            start_offset=start,
            end_offset=stream.offsets.written(changed.end_offset),
            sent=self._redacted_sent(changed, stream, inside=inside),
        )

    def _redacted_sent(self, changed: Changed, stream: _Stream, *, inside: bool) -> bytes:
        """What was sent on, redacted by itself. `inside` a frame, it is overwritten; and so is what is not
        all of its frames, apart from the first header, and frames that are compressed or part of a message.
        """
        dialect, sent = self._dialects[changed.side], changed.sent
        decoder = FrameDecoder(dialect)
        decoder.receive_data(sent)
        whole = decoder.at_boundary and not inside
        stream.ragged = -1 if whole else changed.end_offset
        if not whole:
            header = None if inside else dialect.read_header(sent)
            keep = header.size if isinstance(header, Header) else 0
            return sent[:keep] + overwritten(len(sent) - keep)
        rewriter = MessageRewriter(
            self._redaction.message, changed.side, dialect=dialect, limit=self._message_limit, overwrite=True
        )
        alone = StreamRewriter(rewriter, dialect)
        return alone.receive_data(sent) + alone.receive_eof()

    def _redacted_finding(self, found: Found) -> Found:
        stream, offset = self._streams.get(found.side), found.offset
        if stream is not None and offset is not None:
            offset = stream.offsets.written(offset)
        detail = self._redaction.detail(found.detail, self._removed, of_payload=offset is not None)
        return replace(found, detail=detail, offset=offset)
