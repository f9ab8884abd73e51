"""One side's stream, redacted as it comes, also where bytes in it are no frames."""

from typing import NamedTuple

from wsproxy.conformance.checks_foreign import foreign_frame
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import NO_FRAME, Frame, OpaqueData, Side, WireEvent
from wsproxy.protocol.gaps import Gaps
from wsproxy.protocol.overwrite import overwritten
from wsproxy.protocol.rewrite import MessageRewriter

_HARMLESS = frozenset({"stream.stray-line-end", "stream.stray-zero", "stream.chunk-size"})
"""The rules for bytes that hold no secret."""


class Between(NamedTuple):
    """Bytes between frames, in the stream as it is written."""

    start: int
    end: int
    rule_id: str


class RedactedStream:
    """Chunks in, bytes out; `rewriter` does the work. `written` is how many came out.

    Where what seems to be a frame is something else, and nobody has said so (`leave_out`), it and all that
    follows is overwritten: no rule finds a secret in frames that are none.
    """

    def __init__(self, rewriter: MessageRewriter, dialect: Dialect, side: Side) -> None:
        self.written = 0
        self._rewriter = rewriter
        self._side = side
        self._decoder = FrameDecoder(dialect)
        self._gaps = Gaps()
        self._between: list[Between] = []
        self._rule_id = ""
        self._message_open = self._lost = False

    def leave_out(self, start: int, end: int, rule_id: str) -> None:
        """These bytes, not received yet, are taken out for that rule: frames go on behind them."""
        self._gaps.add(start, end, rule_id)

    def receive_data(self, data: bytes) -> bytes:
        """What is to be written, now that these bytes have come."""
        decoder, gaps = self._decoder, self._gaps
        events = gaps.decode(decoder, data) if gaps else decoder.receive_data(data)
        return b"".join([self._receive(event) for event in events])

    def receive_eof(self) -> bytes:
        """What is still to be written, now that the stream has ended."""
        pending = self._decoder.pending
        if not self._lost:
            return self._count(self._rewriter.receive_eof(pending))
        rest = self._overwrite(pending) if pending else b""
        return rest + self._count(self._rewriter.receive_eof(b""))

    def take_between(self) -> list[Between]:
        """Where in what came out since the last call bytes between frames are."""
        found, self._between = self._between, []
        return found

    def _receive(self, event: WireEvent) -> bytes:
        if isinstance(event, OpaqueData):
            return self._pass_between(event) if event.between_frames else self._overwrite(event.data)
        if self._lost or (isinstance(event, Frame) and self._is_foreign(event)):
            self._lost = True
            return self._overwrite(event.serialize())
        return self._count(self._rewriter.receive(event))

    def _is_foreign(self, frame: Frame) -> bool:
        if foreign_frame(frame, message_open=self._message_open, side=self._side) is not None:
            return True
        if not frame.is_control:
            self._message_open = not frame.fin
        return False

    def _pass_between(self, event: OpaqueData) -> bytes:
        # What goes on names no rule of its own.
        rule_id = self._rule_id = event.reason.removeprefix(NO_FRAME) or self._rule_id
        if self._lost or rule_id not in _HARMLESS:
            event = event._replace(data=overwritten(len(event.data)))
        out = self._count(self._rewriter.receive(event))
        if not self._lost:
            self._between.append(Between(self.written - len(event.data), self.written, rule_id))
        return out

    def _overwrite(self, data: bytes) -> bytes:
        return self._count(self._rewriter.receive(OpaqueData(0, data, "")))

    def _count(self, out: bytes) -> bytes:
        self.written += len(out)
        return out
