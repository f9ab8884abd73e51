"""Both sides of one WebSocket connection: chunks in, frames and messages out. Time comes in as an argument.

Source: RFC 6455 sections 4 to 7.
"""

from collections.abc import Mapping
from typing import NamedTuple

from wsproxy.errors import UsageError
from wsproxy.protocol.decoder import PIECE_LIMIT, FrameDecoder
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, Side
from wsproxy.protocol.gaps import Gaps
from wsproxy.protocol.grammar import RFC6455, parse_close_payload
from wsproxy.protocol.handshake import (
    Negotiated,
    RequestHead,
    ResponseHead,
    negotiate,
    parse_request_head,
    parse_response_head,
)
from wsproxy.protocol.message import MESSAGE_LIMIT, Message, MessageAssembler
from wsproxy.protocol.opcodes import Opcode

type SessionEvent = Frame | FramePiece | OpaqueData | Message


class CloseSeen(NamedTuple):
    """The first Close frame of a session: who sent it, when, and what it said (RFC 6455 section 5.5.1).

    No code where its payload is shorter than two bytes; `reason` with U+FFFD for what is no UTF-8.
    """

    side: Side
    at_ns: int
    code: int | None
    reason: str


class _Half(NamedTuple):
    decoder: FrameDecoder
    assembler: MessageAssembler


class Session:
    """Decodes and assembles what the two sides send after the opening handshake; no input makes it raise.

    `dialects` gives the dialect of a side that does not frame as the RFC says. `piece_limit` and
    `message_limit` are in bytes: how much of a frame comes in one event, how much of a message is kept.
    `close` is the first Close frame, whichever side sent it; one larger than `piece_limit` is not taken for
    one.

    Raises UsageError for limits that make no sense.
    """

    __slots__ = ("_gaps", "_halves", "_message_limit", "close", "ends", "request", "response")

    def __init__(
        self,
        *,
        dialects: Mapping[Side, Dialect] | None = None,
        piece_limit: int = PIECE_LIMIT,
        message_limit: int = MESSAGE_LIMIT,
    ) -> None:
        chosen = dialects or {}
        self._message_limit = message_limit
        self._halves = {
            side: _Half(
                FrameDecoder(chosen.get(side, RFC6455), piece_limit=piece_limit),
                MessageAssembler(message_limit=message_limit),
            )
            for side in Side
        }
        self._gaps: dict[Side, Gaps] = {}
        self.request: RequestHead | None = None
        self.response: ResponseHead | None = None
        self.close: CloseSeen | None = None
        self.ends: dict[Side, int] = {}

    def handshake(
        self, request_head: bytes, response_head: bytes, *, response_head_sent: bytes | None = None
    ) -> Negotiated:
        """Take note of the opening handshake, to know what was negotiated; the heads may be anything.

        `response_head_sent` is what the client got in place of the server's response, None for the same.
        Returns what the server agreed to.

        Raises UsageError after the first frame data: it must come before.
        """
        if any(half.decoder.offset for half in self._halves.values()):
            raise UsageError("call handshake() before receive_data(): it decides how messages are read")
        self.request, self.response = parse_request_head(request_head), parse_response_head(response_head)
        negotiated = negotiate(self.response)
        with_client = negotiated
        if response_head_sent is not None:
            with_client = negotiate(parse_response_head(response_head_sent))
        for side, agreed in ((Side.CLIENT, with_client), (Side.SERVER, negotiated)):
            if agreed.deflate is not None:
                inflater = agreed.deflate.inflater(side, output_limit=self._message_limit)
                assembler = MessageAssembler(inflater, message_limit=self._message_limit)
                self._halves[side] = _Half(self._halves[side].decoder, assembler)
        return negotiated

    def receive_data(self, side: Side, data: bytes, at_ns: int) -> list[SessionEvent]:
        """What these bytes of that side complete; each message stands behind its last frame or piece."""
        decoder, assembler = self._halves[side]
        receive = assembler.receive
        events: list[SessionEvent] = []
        append = events.append
        gaps = self._gaps and self._gaps.get(side)
        for event in gaps.decode(decoder, data) if gaps else decoder.receive_data(data):
            append(event)
            message = receive(event)
            if message is not None:
                append(message)
            elif self.close is None and type(event) is Frame and event.opcode == Opcode.CLOSE:
                self._receive_close(side, event, at_ns)
        return events

    def leave_out(self, side: Side, start: int, end: int, rule_id: str) -> None:
        """The bytes `start` to `end` of that side's stream, not decoded yet, were taken out for that rule: if
        they stand between frames, frames go on behind them.
        """
        self._gaps.setdefault(side, Gaps()).add(start, end, rule_id)

    def receive_eof(self, side: Side, at_ns: int) -> list[Message]:
        """That side's stream ended: the messages it left unfinished, usually none. `ends` keeps the time."""
        self.ends.setdefault(side, at_ns)
        return self._halves[side].assembler.receive_eof()

    def pending(self, side: Side) -> bytes:
        """The bytes received from that side that are part of no event yet."""
        return self._halves[side].decoder.pending

    def opaque(self, side: Side) -> bool:
        """Whether that side's frames can no longer be told apart."""
        return self._halves[side].decoder.opaque

    def _receive_close(self, side: Side, frame: Frame, at_ns: int) -> None:
        if frame.complete:
            code, reason = parse_close_payload(frame.payload)
            self.close = CloseSeen(side, at_ns, code, reason.decode("utf-8", "replace"))
