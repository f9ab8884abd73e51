"""Where the frames of one side begin: what stands there and is none is mended, and frames go on behind it.

Source: RFC 6455 section 5.2.
"""

from wsproxy.conformance.boundaries import Boundaries
from wsproxy.conformance.conditions import Conditions
from wsproxy.conformance.data_frames import DataFrames
from wsproxy.conformance.ending import Ending
from wsproxy.conformance.guesses import GO_ON, Guesses
from wsproxy.conformance.outlet import Outlet
from wsproxy.conformance.repairs_close import INTERNAL_ERROR
from wsproxy.conformance.stray import WAIT, Stray
from wsproxy.conformance.verdicts import Verdicts
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, OpaqueData
from wsproxy.protocol.opcodes import Opcode

_FIRST_STRIDE = 64


class FrameStarts:
    """Looks at what `decoder` takes for the beginning of a frame, with all that has come behind it.

    Behind bytes that are no frame another `decoder` goes on, to be given `stride` bytes at first, then more
    (0: all there are): where more such bytes are near, what it made of those behind them is lost.
    """

    __slots__ = (
        "_boundaries",
        "_conditions",
        "_data",
        "_dialect",
        "_ending",
        "_outlet",
        "_piece_limit",
        "_verdicts",
        "decoder",
        "guesses",
        "stride",
    )

    def __init__(
        self,
        conditions: Conditions,
        dialect: Dialect,
        piece_limit: int,
        data: DataFrames,
        outlet: Outlet,
        ending: Ending,
        verdicts: Verdicts,
    ) -> None:
        self._conditions = conditions
        self._dialect = dialect
        self._piece_limit = piece_limit
        self._data = data
        self._outlet = outlet
        self._ending = ending
        self._verdicts = verdicts
        self._boundaries = Boundaries(conditions, dialect)
        self.guesses = Guesses(conditions.side, dialect, conditions.repairs)
        self.decoder = FrameDecoder(dialect, piece_limit=piece_limit)
        self.stride = 0

    def look(self, event: Frame | OpaqueData, window: bytes, base: int) -> int | None:
        """Where to go on instead of with this event, if it begins with bytes that are no frame.

        `window` has what is at hand of the stream, from its byte `base` on.
        """
        if self.guesses.on:
            resume = self.guess(window[event.offset - base :], event.offset)
            if resume is not None:
                return resume
        if isinstance(event, Frame) and self._boundaries.looks_at(event.header[0]):
            begun = window[event.offset - base :]
            if (found := self._boundaries.look(begun, self._data)) is not None:
                return self._mend(found, event.offset, begun)
        return None

    def look_ahead(self, window: bytes, base: int) -> int | None:
        """The same for what may yet become a frame, so that nobody waits for the rest of it."""
        pending = self.decoder.pending
        if not pending:
            return None
        offset = self.decoder.offset - len(pending)
        if self.guesses.on and self.guesses.wants(offset, pending):
            resume = self.guess(pending, offset)
            if resume is not None:
                return resume
        if not self._boundaries.looks_at(pending[0]):
            return None
        begun = window[offset - base :]
        found = self._boundaries.look_early(begun, self._data)
        return None if found is None else self._mend(found, offset, begun)

    def guess(self, data: bytes, offset: int, *, late: bool = False) -> int | None:
        """What a guess makes of a frame that begins there: where to go on, if it makes anything of it."""
        if self._data.hold is not None:
            return None
        found = self.guesses.look(data, late=late)
        if found is None:
            return None
        if found is GO_ON:
            return self._begin_again(offset)
        if not isinstance(found, Dialect):
            return self._mend(found, offset, data)
        self._dialect = self._conditions.guessed = found
        self._verdicts.distrust()
        return self._begin_again(offset)

    def _mend(self, found: Stray, offset: int, data: bytes) -> int:
        """Bytes that are no frame; where frames may go on behind them."""
        if found is WAIT:
            self.decoder = FrameDecoder(self._dialect, piece_limit=self._piece_limit)
            self.decoder.hold_back(data, offset)
            return offset + len(data)
        end, rules, track = offset + found.length, (found.rule_id,), self._outlet.track
        if found.ends:
            self._ending.fail(INTERNAL_ERROR, found.detail.encode(), end, rules)
        elif found.text is not None and not self._data.under_way:
            writer = self._outlet.writer
            track.replace(end, writer.frame(Opcode.TEXT, found.text, key=writer.key()), rules)
        else:
            track.drop(end, rules)
        return self._begin_again(end)

    def _begin_again(self, offset: int) -> int:
        """Decode from there on as if nothing had been decoded behind it."""
        self.decoder = FrameDecoder(self._dialect, piece_limit=self._piece_limit)
        self.decoder.offset = offset
        self.stride = _FIRST_STRIDE
        return offset
