"""One session on its way into the database: what is received becomes rows."""

from collections.abc import Mapping, Sequence

from wsproxy.conformance.checks_foreign import rule_of_no_frames
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, Side
from wsproxy.protocol.message import Message
from wsproxy.protocol.session import Session, SessionEvent
from wsproxy.store import schema
from wsproxy.store.checking import SessionChecks
from wsproxy.store.limits import WriterLimits
from wsproxy.store.model import SessionEnd, TcpEnd
from wsproxy.store.rows import RowBatch, side_number, storable
from wsproxy.store.session_recorder import Changed, Found, Opened, ReachedEnd

# What a row costs besides the payload in it.
_ROW_SIZE = 100
_NO_FRAME = Frame(0, b"", False, 0, 0, None, None, b"")


class _SideLog:
    """What one side has sent so far.

    `frame` and `frame_id` are those of the frame begun last, `fragments` the ids of the last two data frames
    that did not end their message.
    """

    __slots__ = (
        "end",
        "end_id",
        "ended_at_ns",
        "fragments",
        "frame",
        "frame_id",
        "frames",
        "last_at_ns",
        "messages",
        "number",
        "received",
        "touched",
    )

    def __init__(self, number: int, at_ns: int) -> None:
        self.number = number
        self.last_at_ns = at_ns
        self.frames = self.messages = self.received = 0
        self.end = TcpEnd.OPEN
        self.end_id: int | None = None
        self.ended_at_ns: int | None = None
        self.frame, self.frame_id = _NO_FRAME, 0
        self.fragments = (0, 0)
        self.touched = True

    def fragment_before(self, frame_id: int) -> int:
        """The last frame of a message that was given up when, or after, the frame with that id came."""
        earlier, latest = self.fragments
        return latest if latest < frame_id else earlier


class SessionLog:
    """Decodes one session and adds its rows to a batch. `spools`: what waits to be decoded may be written."""

    spools = True

    def __init__(
        self,
        session_id: int,
        opened: Opened,
        dialects: Mapping[Side, Dialect],
        limits: WriterLimits,
    ) -> None:
        start = opened.start
        self.session_id = session_id
        self.checks = SessionChecks(opened, dialects)
        self._last_id = self._last_finding_id = schema.first_id(session_id)
        self._session = Session(
            dialects=dialects, piece_limit=limits.piece_limit, message_limit=limits.message_limit
        )
        self._session.handshake(
            start.request_head, start.response_head, response_head_sent=start.response_head_sent
        )
        self._sides = {side: _SideLog(side_number(side), start.started_at_ns) for side in Side}
        self._counted = 0

    def new_frames(self) -> int:
        """How many frames there are since the last call."""
        frames = sum(log.frames for log in self._sides.values())
        new, self._counted = frames - self._counted, frames
        return new

    @property
    def last_at_ns(self) -> int:
        """When the last bytes came."""
        return max(log.last_at_ns for log in self._sides.values())

    def received(self, side: Side) -> int:
        """How many bytes of that side have been decoded, or wait for the rest of their frame."""
        return self._sides[side].received

    def new_sides(self) -> list[dict[str, object]]:
        """The rows of `sides` to begin with."""
        return [{"id": row.pop("side_id"), **row} for row in self.touched_sides({})]

    def receive_data(self, side: Side, data: bytes, at_ns: int, batch: RowBatch) -> Sequence[SessionEvent]:
        """Add the rows of what `data`, received from `side`, completes."""
        log = self._sides[side]
        log.received += len(data)
        log.last_at_ns = at_ns
        log.touched = True
        events = self._session.receive_data(side, data, at_ns)
        self._add(log, events, at_ns, batch)
        self.checks.receive(side, events, at_ns)
        batch.size += len(data) + _ROW_SIZE * len(events)
        return events

    def _add(self, log: _SideLog, events: Sequence[SessionEvent], at_ns: int, batch: RowBatch) -> None:
        # The hot path: most events are a complete frame, or the message that it is, which needs no row of its
        # own.
        extend, number, frame = batch.frames.extend, log.number, log.frame
        row_id, frame_id = self._last_id, log.frame_id
        frames = messages = 0
        for event in events:
            if type(event) is Frame:
                row_id += 1
                frame, frame_id = event, row_id
                extend((row_id, number, at_ns))
                extend(event)
                frames += 1
                if not event.fin and not event.is_control:
                    log.fragments = (log.fragments[1], row_id)
            elif type(event) is Message:
                messages += 1
                if (
                    event.payload is frame.payload
                    and event.frames == 1
                    and not event.compressed
                    and not event.error
                ):
                    continue
                message_id = frame_id if event.end_offset > frame.offset else log.fragment_before(frame_id)
                _add_message(event, frame, (message_id, number, at_ns), batch)
            elif isinstance(event, FramePiece):
                row_id += 1
                _add_piece(event, frame_id, (row_id, number, at_ns), batch)
            else:
                assert isinstance(event, OpaqueData)
                row_id += 1
                batch.opaque.append((row_id, number, at_ns, event.offset, storable(event.reason), event.data))
        self._last_id, log.frame, log.frame_id = row_id, frame, frame_id
        log.frames += frames
        log.messages += messages

    def change(self, changed: Changed, at_ns: int, batch: RowBatch) -> None:
        """Add what was sent on instead of bytes of one side."""
        self.checks.change(changed)
        rule_id = rule_of_no_frames(changed.rules)
        if rule_id is not None:
            self._session.leave_out(changed.side, changed.start_offset, changed.end_offset, rule_id)
        number = side_number(changed.side)
        place = (changed.kind.value, changed.start_offset, changed.end_offset)
        rules = storable(" ".join(changed.rules))
        batch.changes.append((self._next_id(), number, at_ns, *place, changed.sent, rules))
        batch.size += len(changed.sent) + _ROW_SIZE

    def _add_finding(self, found: Found, at_ns: int, batch: RowBatch) -> None:
        number = side_number(found.side)
        what = (storable(found.rule_id), storable(found.detail))
        # Numbered by themselves: they are no part of what passed.
        self._last_finding_id += 1
        batch.findings.append((self._last_finding_id, number, at_ns, *what, found.offset, found.repaired))
        batch.size += len(found.detail) + _ROW_SIZE

    def add_findings(self, at_ns: int, batch: RowBatch) -> list[Found]:
        """Add what the checks have found since the last call."""
        found = self.checks.take()
        for each in found:
            self._add_finding(each, at_ns, batch)
        return found

    def finding(self, found: Found, at_ns: int, batch: RowBatch) -> None:
        """Add a departure from a rule that somebody else has seen."""
        self._add_finding(found, at_ns, batch)

    def receive_eof(self, end: ReachedEnd, at_ns: int, batch: RowBatch) -> Sequence[SessionEvent]:
        """Note how a TCP direction ended, and add the rows of what that completes."""
        side = end.side
        log = self._sides[side]
        log.end = end.how
        log.touched = True
        events = self._session.receive_eof(side, at_ns)
        self._add(log, events, at_ns, batch)
        self.checks.receive_eof(end, events, self._session.pending(side), at_ns)
        log.end_id, log.ended_at_ns = self._next_id(), at_ns
        return events

    def flush(self, at_ns: int, batch: RowBatch) -> Sequence[tuple[Side, Sequence[SessionEvent]]]:
        """Add the rows of what is still held: nothing more will come."""
        return []

    def end(self, at_ns: int) -> SessionEnd:
        """How the session ended."""
        self.checks.end(at_ns)
        close = self._session.close
        return SessionEnd(
            ended_at_ns=at_ns,
            close_code=close.code if close else None,
            close_reason=storable(close.reason) if close else None,
            closed_by=close.side if close else None,
            client_end=self._sides[Side.CLIENT].end,
            server_end=self._sides[Side.SERVER].end,
        )

    def touched_sides(self, undecoded: Mapping[Side, bytes]) -> list[dict[str, object]]:
        """The rows of `sides` that changed since the last call; `undecoded` is what waits to be decoded."""
        rows: list[dict[str, object]] = []
        for side, log in self._sides.items():
            waiting = undecoded.get(side, b"")
            if not (log.touched or waiting):
                continue
            # What is in the tail only for now must be replaced by the next commit, even if nothing more
            # comes.
            log.touched = bool(waiting)
            rows.append(
                {
                    "side_id": self.session_id * 2 + log.number,
                    "last_at_ns": log.last_at_ns,
                    "frames": log.frames,
                    "messages": log.messages,
                    "received_bytes": log.received + len(waiting),
                    "tcp_end": log.end.value,
                    "tcp_end_id": log.end_id,
                    "tcp_ended_at_ns": log.ended_at_ns,
                    "tail": self._session.pending(side) + waiting,
                }
            )
        return rows

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id


def _add_piece(piece: FramePiece, frame_id: int, lead: tuple[int, int, int], batch: RowBatch) -> None:
    position, payload, last, masking_key, trailer = piece
    batch.pieces.append((*lead, frame_id, masking_key, position, last, payload, trailer))


def _add_message(message: Message, frame: Frame, lead: tuple[int, int, int], batch: RowBatch) -> None:
    """Add a message, unless it simply is the complete `frame`; without its payload if it is that of the
    pieces.
    """
    is_frame = message.frames == 1 and not message.compressed and not message.error
    if is_frame and frame.complete:
        return
    (opcode, payload, length, frames, compressed, start, end, truncated, error) = message
    batch.messages.append(
        (
            *lead,
            opcode,
            None if is_frame else payload,
            length,
            frames,
            compressed,
            start,
            end,
            truncated,
            None if error is None else storable(error),
        )
    )
    batch.size += len(payload)
