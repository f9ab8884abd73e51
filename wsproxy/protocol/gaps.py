"""Decoding around bytes that are known to be no frames."""

from collections import deque
from typing import NamedTuple

from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.frame import NO_FRAME, OpaqueData, WireEvent

_MOST = 10_000


class _Gap(NamedTuple):
    start: int
    end: int
    reason: str


class Gaps:
    """What is to be left out of one side's stream, in order; at most 10,000 places wait."""

    __slots__ = ("_end", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[_Gap] = deque()
        self._end = -1

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, start: int, end: int, rule_id: str) -> None:
        """Leave these bytes out, for that rule."""
        if end > start and len(self._waiting) < _MOST:
            self._waiting.append(_Gap(start, end, NO_FRAME + rule_id))

    def decode(self, decoder: FrameDecoder, data: bytes) -> list[WireEvent]:
        """What the next bytes complete. What begins within a frame is not left out."""
        pending, position = decoder.pending, decoder.offset
        window, base = pending + data, position - len(pending)
        total = base + len(window)
        events: list[WireEvent] = []
        while self._waiting and self._waiting[0].start < total:
            gap = self._waiting.popleft()
            if gap.start > position:
                events += decoder.receive_data(window[position - base : gap.start - base])
                position = gap.start
            elif gap.start < position:
                if not pending or gap.start != base:
                    continue
                # Nothing was made of them yet.
                decoder.begin_again(base)
                pending = b""
            if not decoder.at_boundary:
                continue
            position = min(gap.end, total)
            reason = NO_FRAME if gap.start == self._end else gap.reason
            events.append(OpaqueData(gap.start, window[gap.start - base : position - base], reason))
            decoder.begin_again(position)
            self._end = position
            if gap.end > total:
                self._waiting.appendleft(gap._replace(start=total))
        if position < total:
            events += decoder.receive_data(window[position - base :])
        return events
