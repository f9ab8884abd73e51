"""Whether a compressed message can go on as it is, and what it says where it cannot.

A strict receiver inflates with one window and one reading. As long as every message of a side is what was
agreed, and both legs agreed on the same, messages go on as they came. Once one does not, what its sender's
window holds and what the receiver's holds are no longer the same: from then on every compressed message of
that side goes on inflated. An uncompressed message is always allowed.

Source: RFC 7692 sections 6 and 7.
"""

import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from wsproxy.conformance.checks_deflate import (
    DAMAGED,
    DEFLATE_FAULTS,
    UNMARKED,
    WINDOW_EXCEEDED,
    deflate_rule,
    stands_alone,
    window_bits,
)
from wsproxy.conformance.conditions import Conditions
from wsproxy.conformance.utf8_stream import begins_utf8, is_utf8
from wsproxy.protocol.deflate import DeflateParameters, Inflated, InflateStream
from wsproxy.protocol.frame import Side
from wsproxy.protocol.inflate import TAIL, WINDOW, Fragment, is_text
from wsproxy.protocol.opcodes import Opcode

_LARGEST_WINDOW = 15
_ENDED = "deflate.ended"


class Verdict(NamedTuple):
    """What is to become of a compressed message: `payload` is what it says, None if nobody can tell.

    Without rules it goes on as it came. `too_large` says that only the beginning of it was inflated.
    """

    payload: bytes | None
    rules: tuple[str, ...] = ()
    too_large: bool = False


class Compression:
    """Judges the compressed messages of one side, in order; it must be told of the others, too."""

    __slots__ = (
        "_agreed",
        "_history",
        "_inflater",
        "_limit",
        "_model",
        "_passes",
        "_repairs",
        "_takeover",
        "_unmarks",
    )

    def __init__(self, conditions: Conditions) -> None:
        sent, taken = conditions.deflate
        self._agreed = sent
        self._limit: int = conditions.sent_by("hold_limit")
        self._unmarks = False
        self._passes = _same_for(conditions.side, sent, taken)
        self._repairs = conditions.repairs
        self._model = _Receiver(conditions.side, taken) if taken is not None else None
        agreed = sent or DeflateParameters()
        self._inflater = agreed.inflater(conditions.side, output_limit=self._limit)
        self._takeover = not stands_alone(conditions.side, agreed)
        self._history: bytes | None = b""

    @property
    def mends(self) -> bool:
        """Whether compressed messages must be looked into."""
        if self._agreed is None:
            return self._repairs("frame.rsv-bits")
        return any(map(self._repairs, DEFLATE_FAULTS if self._passes else (_ENDED,)))

    @property
    def follows(self) -> bool:
        """Whether uncompressed messages must be told of."""
        return self._agreed is not None and self.mends

    @property
    def agreed(self) -> bool:
        """Whether this side may compress."""
        return self._agreed is not None

    def pass_plain(self, payload: bytes) -> None:
        """An uncompressed message goes by, which some senders have in their window."""
        self._inflater.pass_plain(payload)

    def unmarked(self, payload: bytes) -> bool:
        """Whether a text that is not marked as compressed is, by all that can be told, and that is mended."""
        if self._agreed is None or not self._repairs(UNMARKED) or not payload:
            return False
        # Who forgot the mark once is not believed to mean control characters where there is text behind them.
        if is_text(payload) if self._unmarks else is_utf8(payload):
            return False
        found = self._inflater.makes_text(payload)
        self._unmarks = self._unmarks or found
        return found

    def may_be_unmarked(self, payload: bytes) -> bool:
        """The same of one that begins so: whether the rest of it may tell."""
        if self._agreed is None or not self._repairs(UNMARKED):
            return False
        return self._unmarks or not begins_utf8(payload)

    def stream(self) -> "MessageInflater | None":
        """For a compressed message that is not there whole: it does not go on as it came. None: no way."""
        self._passes = False
        if self._history is None or self._agreed is None or self._agreed.per_frame:
            return None
        return MessageInflater(self._inflater.stream(), self._history, self._limit, self._remember)

    def judge(self, opcode: int, fragments: Sequence[Fragment]) -> Verdict:
        """Judge a message by the payload data of its frames. `mends` must be true."""
        if self._agreed is None:
            return self._judge_unasked(opcode, fragments)
        inflated = self._inflate(fragments)
        too_large = inflated.length > len(inflated.payload)
        self._remember(None if too_large or inflated.failed else inflated.payload)
        if inflated.failed:
            self._passes = False
            return Verdict(inflated.payload if too_large else None, (DAMAGED,), too_large)
        rules = tuple(filter(self._repairs, self._faults(fragments, inflated)))
        if not self._passes:
            return Verdict(inflated.payload, (*rules, _ENDED), too_large)
        self._passes = not rules
        return Verdict(inflated.payload, rules, too_large)

    def _faults(self, fragments: Sequence[Fragment], inflated: Inflated) -> tuple[str, ...]:
        """The rules that a message which can be inflated departs from."""
        if inflated.error is not None:
            return tuple(map(deflate_rule, inflated.error.split("; ")))
        data = [fragment.data for fragment in fragments]
        return () if self._model is None or self._model.takes(data, inflated) else (WINDOW_EXCEEDED,)

    def end(self) -> None:
        """A message that was to go on as it came is changed after all: the receiver's window lacks it."""
        self._passes = False

    def _remember(self, payload: bytes | None) -> None:
        """What the sender's window holds now; None if nobody can tell."""
        if self._takeover:
            known = self._history is not None and payload is not None
            self._history = ((self._history or b"") + (payload or b""))[-WINDOW:] if known else None

    def _judge_unasked(self, opcode: int, fragments: Sequence[Fragment]) -> Verdict:
        """RSV1 although nothing was agreed: inflate what can be, else the bit means nothing."""
        inflated = self._inflate(fragments)
        raw = b"".join(fragment.data for fragment in fragments)
        failed = inflated.failed or inflated.length > len(inflated.payload)
        if not failed and opcode == Opcode.TEXT and not is_utf8(inflated.payload):
            failed = is_utf8(raw)
        return Verdict(raw if failed else inflated.payload, ("frame.rsv-bits",))

    def _inflate(self, fragments: Sequence[Fragment]) -> Inflated:
        if len(fragments) == 1:
            return self._inflater.inflate(fragments[0].data)
        return self._inflater.inflate_fragments(fragments)


class MessageInflater:
    """Inflates one message as it comes. `remember` is told what the next one may refer to."""

    __slots__ = ("_decompressor", "_limit", "_recent", "_remember", "_stream")

    def __init__(
        self, stream: InflateStream, history: bytes, limit: int, remember: Callable[[bytes | None], None]
    ) -> None:
        self._stream = stream
        self._limit = limit
        self._remember = remember
        self._recent = b""
        self._decompressor = zlib.decompressobj(-_LARGEST_WINDOW, zdict=history)

    def receive(self, data: bytes, *, last: bool) -> bytes | None:
        """What these bytes of it say; None if they cannot be inflated, or to more than the limit."""
        decompressor = self._decompressor
        self._stream.receive_data(data)
        try:
            text = decompressor.decompress(data, self._limit)
            if last and not decompressor.unconsumed_tail and not decompressor.eof:
                text += decompressor.decompress(TAIL, self._limit)
        except zlib.error:
            self._remember(None)
            return None
        self._recent = (self._recent + text[-WINDOW:])[-WINDOW:]
        if last:
            self._remember(None if self._stream.finish().error else self._recent)
        if decompressor.unconsumed_tail:
            self._remember(None)
            return None
        return text


class _Receiver:
    """Whether a receiver with a small window takes what this side sends; one with the largest always does."""

    __slots__ = ("_alone", "_bits", "_decompressor")

    def __init__(self, side: Side, taken: DeflateParameters) -> None:
        self._bits = window_bits(side, taken)
        self._alone = stands_alone(side, taken)
        self._decompressor = self._new()

    def takes(self, data: Sequence[bytes], inflated: Inflated) -> bool:
        if self._bits == _LARGEST_WINDOW:
            return True
        if self._alone:
            self._decompressor = self._new()
        try:
            size = sum(len(self._decompressor.decompress(each)) for each in (*data, TAIL))
        except zlib.error:
            return False
        return size == inflated.length

    def _new(self) -> "zlib._Decompress":
        return zlib.decompressobj(-self._bits)


def _same_for(side: Side, sent: DeflateParameters | None, taken: DeflateParameters | None) -> bool:
    """Whether what this side may send on one leg is what the other leg allows it to be."""
    if sent is None or taken is None or sent.per_frame is not taken.per_frame:
        return False
    alone = stands_alone(side, sent) or not stands_alone(side, taken)
    return alone and window_bits(side, sent) <= window_bits(side, taken)
