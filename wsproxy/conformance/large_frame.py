"""A frame too large to be held, on its way on as it comes.

It goes on under a header that was sent before its payload data was known: its length cannot change. Where it
must (the peer takes no such frame, or the length is not known), each part becomes a fragment.

Source: RFC 6455 section 5.4.
"""

from wsproxy.conformance.conditions import Draft
from wsproxy.conformance.outlet import Outlet
from wsproxy.protocol.frame import RSV1, FramePiece
from wsproxy.protocol.masking import apply_mask
from wsproxy.protocol.opcodes import Opcode

_CHARACTER = 4
NOT_UTF8 = "message.text-not-utf8"


class DroppedFrame:
    """It does not go on."""

    __slots__ = ("_end", "_outlet", "_rules")

    def __init__(self, draft: Draft, outlet: Outlet) -> None:
        self._outlet = outlet
        self._rules = draft.rules
        frame = draft.frame
        self._end = frame.offset + len(frame.header) + len(frame.payload)
        outlet.track.drop(self._end, self._rules)

    def add(self, piece: FramePiece) -> None:
        """Its next piece; the last one ends it."""
        self._end += len(piece.payload) + len(piece.trailer)
        self._outlet.track.drop(self._end, self._rules)


class LargeFrame:
    """It goes on: untouched, with another header or key, mended where its text is wrong, or in fragments."""

    __slots__ = ("_draft", "_end", "_held", "_outlet", "_sent", "_split", "_started", "_untouched")

    def __init__(self, draft: Draft, outlet: Outlet) -> None:
        frame, limit = draft.frame, outlet.frame_limit
        self._draft = draft
        self._outlet = outlet
        too_large = bool(limit) and (frame.length or 0) > limit
        self._split = too_large or (frame.length is None and bool(draft.rules))
        if self._split:
            draft.rules.append("frame.too-large")
        self._untouched = not draft.rules
        self._end = frame.offset + len(frame.header)
        self._sent = 0
        self._started = False
        self._held = b""
        self._take(frame.payload, b"", last=False)

    def add(self, piece: FramePiece) -> None:
        """Its next piece; the last one ends it."""
        self._take(piece.payload, piece.trailer, last=piece.last)

    def _take(self, payload: bytes, trailer: bytes, *, last: bool) -> None:
        data = self._held + payload
        self._end += len(payload)
        text = self._outlet.text
        if not self._started and text is not None and text.begun and len(data) < _CHARACTER and not last:
            self._held = data
            return
        if not self._started:
            self._start(data, last=last)
        if self._split:
            self._held = b""
            self._end += len(trailer)
            self._send_fragment(data, last=last)
        else:
            self._send(data, last=last)
            if trailer:
                self._end += len(trailer)
                self._outlet.track.relay(self._end)
        if last:
            self._outlet.ended(self._draft.opcode, self._draft.fin)

    def _start(self, data: bytes, *, last: bool) -> None:
        """Send the header, and before it what completes a character that the frame does not go on with."""
        self._started = True
        draft, outlet, text = self._draft, self._outlet, self._outlet.text
        before = text.crossing(data, last=last and draft.fin) if text is not None else b""
        if before:
            frame = outlet.writer.frame(Opcode.CONTINUATION, before, fin=False, key=outlet.writer.key())
            outlet.track.inject(frame, (NOT_UTF8,))
        if self._split:
            return
        outlet.mid_frame = True
        end = draft.frame.offset + len(draft.frame.header)
        if self._untouched:
            outlet.track.relay(end, None if outlet.track.holds(draft.frame.offset) else draft.frame.header)
        else:
            length = draft.frame.length or 0
            header = outlet.writer.header(draft.opcode, length, draft.fin, draft.rsv, draft.key)
            outlet.track.replace(end, header, draft.rules)

    def _send(self, data: bytes, *, last: bool) -> None:
        draft, outlet, text = self._draft, self._outlet, self._outlet.text
        mended, cut = data, 0
        if text is not None:
            mended, cut = text.piece(data, last=last and draft.fin)
            if last and cut:
                text.sent_begun(mended[-cut:])
                cut = 0
        start = self._end - len(data)
        self._held, mended, data = (data[-cut:], mended[:-cut], data[:-cut]) if cut else (b"", mended, data)
        if not mended:
            return
        rules = draft.rules if mended == data else [*draft.rules, NOT_UTF8]
        if rules:
            out = apply_mask(mended, draft.key, self._sent) if draft.key else mended
            outlet.track.replace(start + len(data), out, rules)
        elif outlet.track.holds(start):
            outlet.track.relay(start + len(data))
        else:
            out = apply_mask(data, draft.key, self._sent) if draft.key else data
            outlet.track.relay(start + len(data), out)
        self._sent += len(mended)

    def _send_fragment(self, data: bytes, *, last: bool) -> None:
        draft, outlet = self._draft, self._outlet
        fin = draft.fin and last
        rules = list(draft.rules)
        mended = outlet.text.whole(data, last=fin) if outlet.text is not None else None
        if mended is not None:
            rules.append(NOT_UTF8)
            data = mended
        first = self._sent == 0
        part = Draft(
            draft.frame, draft.opcode if first else Opcode.CONTINUATION, fin, draft.rsv, draft.key, data
        )
        if not first:
            part.rsv, part.key = draft.rsv & ~RSV1, outlet.writer.key()
        outlet.track.replace(self._end, outlet.fragments(part), rules)
        self._sent += 1
        if not fin:
            outlet.open = outlet.open or part.opcode
