"""Read one frame header with a construct grammar, whatever the bytes and whatever the grammar.

The grammar may be a user's own, so nothing it does may escape: an exception, a demand for endless header
bytes, an absurd value all become an `Unreadable`. And a grammar that reached for bytes which are not there
yet is asked again when they are, even if it made do without, so that a header means the same however the
stream was cut.
"""

from collections.abc import Mapping
from io import SEEK_END, SEEK_SET, BytesIO
from typing import Any, NamedTuple

MAX_HEADER_SIZE = 64
"""Bytes a header may take: RFC 6455 needs 14, the rest is room for odd dialects."""

_MAX_LENGTH = (1 << 63) - 1
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
    fields = failure = None
    try:
        fields = grammar.parse_stream(stream)
    except Exception as error:
        failure = Unreadable(f"the dialect's grammar cannot read this header: {one_line(error)}")
    if stream.short and len(data) < MAX_HEADER_SIZE:
        return None
    if stream.short:
        return Unreadable(f"the dialect's grammar wants more than {MAX_HEADER_SIZE} bytes of header")
    return failure or _header(fields, stream.tell())


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
    try:
        rsv, opcode = int(fields["rsv"]), int(fields["opcode"])
        length = None if fields["length"] is None else int(fields["length"])
    except (TypeError, ValueError, OverflowError):
        return Unreadable("the dialect's grammar yields an rsv, opcode or length that is no number")
    header = Header(size, bool(fields["fin"]), rsv, opcode, length, fields["masking_key"])
    fault = _fault(header)
    return Unreadable(fault) if fault else header


def _fault(header: Header) -> str | None:
    """What makes it impossible to go by this header."""
    key, length = header.masking_key, header.length
    if header.size < 1:
        return "the dialect's grammar takes no bytes for a header"
    if not (0 <= header.rsv <= 0x7 and 0 <= header.opcode <= 0xF):
        return "the dialect's grammar yields an rsv of over 3 bits, or an opcode of over 4"
    if key is not None and not (isinstance(key, bytes) and len(key) == 4):
        return "the dialect's grammar yields a masking_key that is not 4 bytes"
    if length is not None and length < 0:
        return "the announced payload length is negative"
    if length is not None and length > _MAX_LENGTH:
        return (
            "the announced payload length has its most significant bit set (RFC 6455 section 5.2: MUST be 0)"
        )
    return None


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
        header = self._read(prefix + b"\0" * MAX_HEADER_SIZE)
        other = self._read(prefix + b"\1" * MAX_HEADER_SIZE)
        size, fin, rsv, opcode, length, masking_key = header
        masked = masking_key is not None
        length_end = size - 4 * masked if length != other.length else 0
        layout = self[prefix] = Layout(size, length_end, length or 0, masked, fin, rsv, opcode)
        return layout

    def _read(self, data: bytes) -> Header:
        header = read_header(self._grammar, data)
        if not isinstance(header, Header):
            raise TypeError(f"the first two bytes do not fix this grammar's layout: {header}")
        return header
