"""Writing messages that no peer sent: injected ones, and those an addon changed."""

from collections.abc import Callable, Mapping

from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import build_frame


class Encoder:
    """Writes each message as one uncompressed frame, in the dialect of its side. `new_key` makes masking
    keys.
    """

    def __init__(self, dialects: Mapping[Side, Dialect], new_key: Callable[[], bytes]) -> None:
        self._dialects = dialects
        self._new_key = new_key

    def encode(self, side: Side, opcode: int, payload: bytes, *, masked: bool) -> bytes:
        """A frame as `side` would send it. Raises UsageError where its dialect is for reading only."""
        key = self._new_key() if masked else None
        dialect = self._dialects[side]
        return build_frame(opcode, payload, masking_key=key, dialect=dialect).serialize()
