"""Read one frame header with a construct grammar, whatever the bytes and whatever the grammar.

The grammar may be a user's own, so nothing it does may escape: an exception, a demand for endless header
bytes, an absurd value all become an `Unreadable`. And a grammar that reached for bytes which are not there
yet is asked again when they are, even if it made do without: a header means the same however it was cut.
"""

from collections.abc import Mapping
from io import SEEK_END, SEEK_SET, BytesIO
from typing import Any, NamedTuple

MAX_HEADER_SIZE = 64
"""Bytes a header may take: RFC 6455 needs 14, the rest is room for odd dialects."""

_FIELDS = ("fin", "rsv", "opcode", "length", "masking_key")


class Header(NamedTuple):
    """What a header of `size` bytes says; `length` is None where a terminator ends the payload data."""

    size: int
    fin: bool
    rsv: int
    opcode: int
    length: int | None
    masking_key: bytes | None


class Unreadable(NamedTuple):
    """Why no frame can be told from these bytes."""

    reason: str


class _HeaderStream(BytesIO):
    """Notes whether it was asked for more than it has."""

    short = False

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if size is None or size < 0 or len(data) < size:
            self.short = True
        return data

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        position = super().seek(offset, whence)
        if whence == SEEK_END or position > len(self.getbuffer()):
            self.short = True
        return position


def read_header(grammar: Any, data: bytes) -> Header | Unreadable | None:
    """The header that `data` begins with, by `grammar` (a construct); None while bytes of it are missing.

    Never raises, and looks at the first `MAX_HEADER_SIZE` bytes only.
    """
    stream = _HeaderStream(data[:MAX_HEADER_SIZE])
    header: Header | Unreadable
    try:
        header = _header(grammar.parse_stream(stream), stream.tell())
    except (Exception, SystemExit) as error:
        # A user's grammar may raise anything, and no peer's bytes may end the session.
        header = Unreadable(f"the dialect's grammar cannot read this header: {one_line(error)}")
    if not stream.short:
        return header
    if len(data) < MAX_HEADER_SIZE:
        return None
    return Unreadable(f"the dialect's grammar wants more than {MAX_HEADER_SIZE} bytes of header")


def missing_fields(fields: Any) -> str:
    """Names of the fields that a grammar had to yield and did not."""
    present = fields if isinstance(fields, Mapping) else {}
    return ", ".join(name for name in _FIELDS if name not in present)


def one_line(error: BaseException) -> str:
    """The error's type and text, fit for a message of one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]


def _header(fields: Any, size: int) -> Header | Unreadable:
    if missing := missing_fields(fields):
        return Unreadable(f"the dialect's grammar yields no {missing}")
    fin, rsv, opcode = bool(fields["fin"]), int(fields["rsv"]), int(fields["opcode"])
    length, key = fields["length"], fields["masking_key"]
    if size < 1:
        return Unreadable("the dialect's grammar takes no bytes for this header")
    if not (0 <= rsv <= 0x7 and 0 <= opcode <= 0xF):
        return Unreadable("the dialect's grammar yields an rsv of over 3 bits, or an opcode of over 4")
    if key is not None and not (isinstance(key, bytes) and len(key) == 4):
        return Unreadable("the dialect's grammar yields a masking_key that is not 4 bytes")
    if length is None:
        return Header(size, fin, rsv, opcode, None, key)
    return _bounded(size, fin, rsv, opcode, int(length), key)


def _bounded(
    size: int, fin: bool, rsv: int, opcode: int, length: int, masking_key: bytes | None
) -> Header | Unreadable:
    if length < 0:
        return Unreadable("the announced payload length is negative")
    if length >= 1 << 63:
        return Unreadable("the announced payload length has its top bit set; RFC 6455 section 5.2: MUST be 0")
    return Header(size, fin, rsv, opcode, length, masking_key)


class Layout(NamedTuple):
    """Where a header has what, once its first two bytes are known.

    It has `size` bytes, the last four its masking key if `masked`. `length` is the payload length, unless
    `length_end` is set: then the bytes from the third up to there say it, big-endian.
    """

    size: int
    length_end: int
    length: int
    masked: bool
    fin: bool
    rsv: int
    opcode: int


class LayoutCache(dict[bytes, Layout]):
    """The layout for every first two bytes met, 65,536 at most, each asked of the grammar once.

    Only for a grammar like RFC 6455's, whose first two bytes fix the layout.
    """

    def __init__(self, grammar: Any) -> None:
        super().__init__()
        self._grammar = grammar

    def __missing__(self, prefix: bytes) -> Layout:
        header = self._probe(prefix + b"\0" * MAX_HEADER_SIZE)
        other = self._probe(prefix + b"\1" * MAX_HEADER_SIZE)
        size, fin, rsv, opcode, length, masking_key = header
        masked = masking_key is not None
        length_end = size - 4 * masked if length != other.length else 0
        layout = self[prefix] = Layout(size, length_end, length or 0, masked, fin, rsv, opcode)
        return layout

    def read_header(self, data: bytes) -> Header | Unreadable | None:
        """What the function `read_header` says for this grammar, at a fraction of the cost."""
        if len(data) < 2:
            return None
        size, length_end, length, masked, fin, rsv, opcode = self[data[:2]]
        if len(data) < size:
            return None
        if length_end:
            length = int.from_bytes(data[2:length_end], "big")
        return _bounded(size, fin, rsv, opcode, length, data[size - 4 : size] if masked else None)

    def _probe(self, data: bytes) -> Header:
        header = read_header(self._grammar, data)
        if not isinstance(header, Header):
            raise TypeError(f"the first two bytes do not fix this grammar's layout: {header}")
        return header
