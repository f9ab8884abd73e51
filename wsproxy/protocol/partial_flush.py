"""Messages of a peer whose compressor flushes in part only: they end in the middle of a byte.

Such a message ends with an empty block whose last bits, zeros all, are not sent: they begin the next message,
if that does not begin anew.

Source: RFC 7692 section 7.2.1; RFC 1951 section 3.2.6; zlib's manual on Z_PARTIAL_FLUSH.
"""

import zlib
from typing import NamedTuple

from wsproxy.protocol.inflate import Attempt, Decompressor, DeflateFault, Window, is_text

_FINAL_BLOCK = 0b011
"""An empty one, as long as zeros follow."""


class _End(NamedTuple):
    """Where a message ended, and how many bits of its last block are missing there."""

    decompressor: Decompressor
    missing: int


class PartialFlush:
    """What is known of one peer: nothing until the first such message, which is believed if it is text."""

    __slots__ = ("_end",)

    def __init__(self) -> None:
        self._end: _End | None = None

    @property
    def known(self) -> bool:
        """Whether the last message was one."""
        return self._end is not None

    def read(self, data: bytes, window: Window, limit: int, work: int) -> Attempt | None:
        """The message that `data` is, taken so; None if it is none. It may go on from the last, or not."""
        starts = [window.decompressor()]
        if self._end is not None and data and not data[0] & (1 << self._end.missing) - 1:
            starts.insert(0, self._end.decompressor.copy())
        for start in starts:
            attempt = Attempt(window, limit, work)
            try:
                attempt.read_on(start, data)
            except zlib.error:
                continue
            if _missing_bits(attempt.decompressor) is not None and (self.known or is_text(attempt.payload)):
                attempt.notes.append(DeflateFault.PARTIAL_FLUSH)
                return attempt
        return None

    def keep(self, attempt: Attempt) -> None:
        """Take note of what a message was taken for."""
        self._end = None
        if DeflateFault.PARTIAL_FLUSH in attempt.notes:
            self._end = _End(attempt.decompressor, _missing_bits(attempt.decompressor) or 0)


def _missing_bits(decompressor: Decompressor) -> int | None:
    """How many zero bits bring it to the end of a block; None: it is not near one."""
    for missing in range(8):
        ahead = decompressor.copy()
        try:
            output = ahead.decompress((_FINAL_BLOCK << missing).to_bytes(3, "little"), 1)
        except zlib.error:
            continue
        if ahead.eof and not output:
            return missing
    return None
