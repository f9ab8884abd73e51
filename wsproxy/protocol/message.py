"""Frames to messages, on one side of a session.

Source: RFC 6455 sections 5.4 and 5.6; RFC 7692 section 6.
"""

from typing import NamedTuple

from wsproxy.errors import UsageError
from wsproxy.protocol.deflate import Inflater, InflateStream
from wsproxy.protocol.frame import RSV1, Frame, FramePiece, OpaqueData, WireEvent
from wsproxy.protocol.inflate import DeflateFault, Fragment, is_text
from wsproxy.protocol.opcodes import Opcode

MESSAGE_LIMIT = 1 << 20
"""So many bytes of a message are put together, kept and shown, wherever nothing else is said."""

_MOST_FRAGMENTS = 4096

_ORPHAN = "a continuation frame without a message to continue (RFC 6455 section 5.4)"
_REPEATED_OPCODE = "a fragment repeats the message's opcode, taken as its continuation (RFC 6455 section 5.4)"
_INSIDE = "sent inside a fragmented message of another opcode (RFC 6455 section 5.4)"
_SUPERSEDED = "unfinished: another message began (RFC 6455 section 5.4)"
_CUT_OFF = "unfinished: the stream ended"
_OPAQUE = "unfinished: no frames can be told apart from here on"
NOT_AGREED = "RSV1 is set, but no compression was agreed: the payload is as received (RFC 7692 section 6)"
_LATE_RSV1 = "RSV1 is set on a continuation frame (RFC 7692 section 6.1)"


class Message(NamedTuple):
    """An assembled data message.

    `opcode` is that of its first frame. `payload` is decompressed and at most the limit long; `length` is the
    whole length in bytes, `truncated` whether that is more. `compressed` says RSV1 was set on it, or had to
    be. It was sent in `frames` frames, in the bytes from `start_offset` to `end_offset` of its side's stream,
    where control frames may stand in between. `error` says in what it departs from the RFCs, or why its
    payload is not what the peer meant.
    """

    opcode: int
    payload: bytes
    length: int
    frames: int
    compressed: bool
    start_offset: int
    end_offset: int
    truncated: bool = False
    error: str | None = None


class _OpenMessage:
    """A message under way: `data` is what is kept, `cuts` where its frames begin and which have RSV1."""

    __slots__ = (
        "compressed",
        "cuts",
        "data",
        "end",
        "errors",
        "final",
        "frames",
        "length",
        "opcode",
        "start",
        "stream",
    )

    def __init__(self, frame: Frame, error: str | None = None) -> None:
        self.opcode = frame.opcode
        self.start = frame.offset
        self.end = frame.offset
        self.data = bytearray()
        self.length = 0
        self.frames = 0
        self.cuts: list[tuple[int, bool]] = []
        self.compressed = False
        self.final = False
        self.stream: InflateStream | None = None
        self.errors = [error] if error else []

    def begin_frame(self, frame: Frame) -> None:
        """Count the frame in."""
        rsv1 = frame.rsv >= RSV1
        if len(self.cuts) < _MOST_FRAGMENTS:
            self.cuts.append((len(self.data), rsv1))
        if self.frames and rsv1 and not frame.opcode:
            self.note(_LATE_RSV1)
        if self.frames and frame.opcode:
            self.note(_REPEATED_OPCODE)
        self.compressed |= rsv1
        self.final = frame.fin or not self.opcode
        self.frames += 1
        self.end = frame.offset + len(frame.header)

    def fragments(self) -> list[Fragment]:
        """The payload data of each of its frames."""
        ends = [*(start for start, _ in self.cuts[1:]), len(self.data)]
        return [
            Fragment(rsv1, bytes(self.data[start:end]))
            for (start, rsv1), end in zip(self.cuts, ends, strict=True)
        ]

    def note(self, error: str | None) -> None:
        """Add what is wrong with it, once."""
        if error is not None and error not in self.errors:
            self.errors.append(error)


class MessageAssembler:
    """Assembles the data messages of one side from what its decoder gives; no event makes it raise.

    Control frames pass without effect. Compressed messages go to `inflater`; without one they stay as
    received and say so. Of a message at most `message_limit` bytes are kept. Nothing a peer sends is left
    out:

    - a continuation frame with nothing to continue is a message by itself;
    - a data frame inside an unfinished message goes on with it if it repeats its opcode; another final frame
    is a
      message of its own, and the unfinished one may go on; another first fragment ends the unfinished one.

    Raises UsageError for a negative `message_limit`.
    """

    __slots__ = ("_current", "_inflater", "_limit", "_open", "_unmarks")

    def __init__(self, inflater: Inflater | None = None, *, message_limit: int = MESSAGE_LIMIT) -> None:
        if message_limit < 0:
            raise UsageError(f"message_limit is {message_limit}; it cannot be negative")
        self._inflater = inflater
        self._limit = message_limit
        self._open: _OpenMessage | None = None
        self._current: _OpenMessage | None = None
        self._unmarks = False

    def receive(self, event: WireEvent) -> Message | None:
        """The message that this event ends, if it does."""
        if type(event) is Frame:
            offset, header, fin, rsv, opcode, _, length, payload, _ = event
            if opcode >= 8:
                self._current = None
                return None
            if fin and opcode and self._open is None and length == len(payload) <= self._limit:
                end = offset + len(header) + length
                if rsv < RSV1 and self._inflater is None:
                    # Half the time that the constructor of a named tuple takes; most messages come by here.
                    return tuple.__new__(
                        Message, (opcode, payload, length, 1, False, offset, end, False, None)
                    )
                return self._single(event, end)
            return self._receive_frame(event)
        if type(event) is FramePiece:
            return self._receive_piece(event)
        between = isinstance(event, OpaqueData) and event.between_frames
        return None if between else self._abandon(self._open, _OPAQUE)

    def receive_eof(self) -> list[Message]:
        """What is left unfinished when the stream ends: usually nothing, two messages at most."""
        left = (self._open, self._current if self._current is not self._open else None)
        messages = [self._abandon(message, _CUT_OFF) for message in left]
        return [message for message in messages if message is not None]

    def _single(self, frame: Frame, end: int) -> Message:
        """A message in one frame, where compression plays a part."""
        rsv1, payload, length, error = frame.rsv >= RSV1, frame.payload, len(frame.payload), None
        if rsv1 and self._inflater is not None:
            payload, length, error, _ = self._inflater.inflate(payload)
        elif self._inflater is not None and self._is_unmarked(frame.opcode, payload):
            rsv1, error = True, DeflateFault.UNMARKED.value
            payload, length, _, _ = self._inflater.inflate(payload)
        elif self._inflater is not None:
            self._inflater.pass_plain(payload)
        else:
            error = NOT_AGREED
        truncated = len(payload) < length
        return Message(frame.opcode, payload, length, 1, rsv1, frame.offset, end, truncated, error)

    def _is_unmarked(self, opcode: int, payload: bytes) -> bool:
        """Whether a text that is not marked as compressed is, by all that can be told."""
        if opcode != Opcode.TEXT or self._inflater is None or not payload:
            return False
        # Who forgot the mark once is not believed to mean control characters where there is text behind them.
        if is_text(payload) if self._unmarks else _is_utf8(payload):
            return False
        found = self._inflater.makes_text(payload)
        self._unmarks = self._unmarks or found
        return found

    def _receive_frame(self, frame: Frame) -> Message | None:
        message, unfinished = self._open, None
        if message is None:
            message = _OpenMessage(frame, None if frame.opcode else _ORPHAN)
        elif frame.opcode and frame.opcode != message.opcode:
            if not frame.fin:
                unfinished = self._abandon(message, _SUPERSEDED)
            message = _OpenMessage(frame, _INSIDE if frame.fin else None)
        message.begin_frame(frame)
        if not message.final:
            self._open = message
        self._current = message
        return self._add(message, frame.payload, frame.trailer, last=frame.complete) or unfinished

    def _receive_piece(self, piece: FramePiece) -> Message | None:
        if self._current is None:
            return None
        return self._add(self._current, piece.payload, piece.trailer, last=piece.last)

    def _add(self, message: _OpenMessage, payload: bytes, trailer: bytes, *, last: bool) -> Message | None:
        """Add payload data to the message; `last` says the frame ends here."""
        message.end += len(payload) + len(trailer)
        message.length += len(payload)
        room = self._limit - len(message.data)
        if (
            message.stream is None
            and len(payload) > room
            and self._inflater is not None
            and message.cuts[0][1]
        ):
            message.stream = self._inflater.stream()
            message.stream.receive_data(bytes(message.data))
            message.data.clear()
        if message.stream is not None:
            message.stream.receive_data(payload)
        else:
            message.data += payload if len(payload) <= room else payload[:room]
        if not last:
            return None
        self._current = None
        return self._finish(message) if message.final else None

    def _abandon(self, message: _OpenMessage | None, error: str) -> Message | None:
        if message is None:
            return None
        message.note(error)
        return self._finish(message)

    def _finish(self, message: _OpenMessage) -> Message:
        if message is self._open:
            self._open = None
        self._current = None
        payload, length = bytes(message.data), message.length
        if message.stream is not None:
            payload, length, error, _ = message.stream.finish()
            message.note(error)
        elif message.compressed and self._inflater is not None:
            payload, length, error, _ = self._inflater.inflate_fragments(message.fragments())
            message.note(error)
        elif (
            self._inflater is not None
            and len(payload) == length
            and self._is_unmarked(message.opcode, payload)
        ):
            message.note(DeflateFault.UNMARKED.value)
            message.compressed = True
            payload, length, _, _ = self._inflater.inflate(payload)
        elif self._inflater is not None:
            self._inflater.pass_plain(payload, whole=len(payload) == length)
        elif message.compressed:
            message.note(NOT_AGREED)
        return Message(
            message.opcode,
            payload,
            length,
            message.frames,
            message.compressed,
            message.start,
            message.end,
            len(payload) < length,
            "; ".join(message.errors) or None,
        )


def _is_utf8(payload: bytes) -> bool:
    if payload.isascii():
        return True
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
