"""The construct grammars: the executable definition of what a frame header and a close payload are.

The header grammars read as the diagram of RFC 6455 section 5.2 does, bit after bit, and yield `fin`, `rsv`,
`opcode`, `masked`, `length` and `masking_key`. They take every header the diagram allows, and judge none.

Source: RFC 6455 sections 5.2 and 5.5.1; draft-ietf-hybi-thewebsocketprotocol-00 section 4.2 (hixie76).
"""

import runpy
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from construct import (
    BitsInteger,
    BitStruct,
    Bytes,
    Bytewise,
    Computed,
    Const,
    Construct,
    Default,
    ExprAdapter,
    Flag,
    GreedyBytes,
    If,
    IfThenElse,
    Int8ub,
    Int16ub,
    Optional,
    Padding,
    Peek,
    RepeatUntil,
    Struct,
    Switch,
    obj_,
    this,
)

from wsproxy.errors import UsageError
from wsproxy.protocol.describe import FieldSpan, describe
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, Side
from wsproxy.protocol.header import MAX_HEADER_SIZE, LayoutCache, missing_fields, one_line
from wsproxy.protocol.opcodes import Opcode


def _header(
    *,
    masked: Any = Flag,
    middle_bits: int = 16,
    long_bits: int = 64,
    extended: bool = True,
    swapped: bool = False,
    middle: Any = None,
    long: Any = None,
) -> Any:
    def shortest(context: Any) -> int:
        if context.length < 126 or not extended:
            return int(context.length)
        return 126 if context.length < 1 << middle_bits else 127

    return BitStruct(
        "fin" / Flag,
        "rsv" / BitsInteger(3),
        "opcode" / BitsInteger(4),
        "masked" / masked,
        "length7" / Default(BitsInteger(7), shortest),
        "length"
        / Switch(
            this.length7,
            {
                126: middle or BitsInteger(middle_bits, swapped=swapped),
                127: long or BitsInteger(long_bits, swapped=swapped),
            }
            if extended
            else {},
            default=Computed(this.length7),
        ),
        "masking_key" / If(this.masked, Bytewise(Bytes(4))),
    )


SIDE_HEADERS: Mapping[Side, Any] = MappingProxyType(
    {Side.CLIENT: _header(masked=Const(True, Flag)), Side.SERVER: _header(masked=Const(False, Flag))}
)
"""The header grammar the RFC gives each side: a client masks every frame, a server none (section 5.1).

Strict, for writing and for comparing; a peer's frames are read with a `Dialect`, which takes both from
either side.
"""


def _base128(groups: list[int], _context: Any) -> int:
    length = 0
    for group in groups:
        length = length << 7 | group & 0x7F
    return length


def _hixie76_opcode(context: Any) -> int:
    if context.frame_type == 0x00:
        return Opcode.TEXT
    if context.frame_type < 0x80:
        return 0x3
    return Opcode.CLOSE if context.frame_type == 0xFF and context.length == 0 else Opcode.BINARY


_HIXIE76_HEADER = Struct(
    "frame_type" / Int8ub,
    "length"
    / If(
        this.frame_type >= 0x80,
        ExprAdapter(RepeatUntil(lambda group, _groups, _context: group < 0x80, Int8ub), _base128, None),
    ),
    "fin" / Computed(True),
    "rsv" / Computed(0),
    "opcode" / Computed(_hixie76_opcode),
    "masked" / Computed(False),
    "masking_key" / Computed(None),
)


def _is_shifted(context: Any) -> bool:
    # Behind a right header of an empty message the next frame begins, and not with two zero bytes.
    return context.further is not None and context.further[2:] == b"\0\0"


_SHIFTED_HEADER = Struct(
    "begins" / Peek(Bytes(2)),
    "further" / If(lambda context: context.begins in (b"\x81\0", b"\x82\0"), Peek(Bytes(4))),
    "header"
    / IfThenElse(
        _is_shifted,
        BitStruct(
            "fin" / Flag,
            "rsv" / BitsInteger(3),
            "opcode" / BitsInteger(4),
            "length" / BitsInteger(64),
            Padding(8),
            "masking_key" / Computed(None),
        ),
        _header(),
    ),
    "fin" / Computed(this.header.fin),
    "rsv" / Computed(this.header.rsv),
    "opcode" / Computed(this.header.opcode),
    "length" / Computed(this.header.length),
    "masking_key" / Computed(this.header.masking_key),
)


def _lower_half(length: int, _context: Any) -> int:
    # Shifted by a count modulo 32, both halves of a length of 8 bytes say the same.
    halves = divmod(length, 1 << 32)
    return halves[1] if halves[0] == halves[1] else length


def _unsigned(bits: int, least: int) -> Callable[[int, Any], int]:
    # Of -1 nothing is to be made: it is no length, but says that there is none.
    negative = range((1 << bits) - least, (1 << bits) - 1)
    return lambda length, _context: length % (2 * least) if length in negative else length


def _dialect(name: str, description: str, header: Any) -> Dialect:
    return Dialect(name, description, header, layouts=LayoutCache(header))


RFC6455 = _dialect("rfc6455", "RFC 6455 section 5.2", _header())
LEN32 = _dialect(
    "len32", "RFC 6455, but 127 is followed by a length of 4 bytes, not 8", _header(long_bits=32)
)
LEN126 = _dialect("len126", "RFC 6455, but 126 is followed by a length of 4 bytes", _header(middle_bits=32))
LEN7 = _dialect(
    "len7", "RFC 6455, but 126 and 127 are lengths themselves; nothing is longer", _header(extended=False)
)
LITTLE_ENDIAN = Dialect(
    "little-endian", "RFC 6455, but lengths of over 125 bytes are little-endian", _header(swapped=True)
)
LITTLE_ENDIAN32 = Dialect(
    "little-endian-32",
    "RFC 6455, but 126 and 127 are followed by a length of 4 bytes, little-endian",
    _header(middle_bits=32, long_bits=32, swapped=True),
)
DOUBLED = Dialect(
    "doubled",
    "RFC 6455, but lengths of 8 bytes are 4 bytes that come twice",
    _header(long=ExprAdapter(BitsInteger(64), _lower_half, lambda length, _context: length << 32 | length)),
)
SIGNED = Dialect(
    "signed",
    "RFC 6455, but lengths are signed numbers of half their size; reads only",
    _header(
        middle=ExprAdapter(BitsInteger(16), _unsigned(16, 1 << 7), None),
        long=ExprAdapter(BitsInteger(64), _unsigned(64, 1 << 15), None),
    ),
)
COUNTED = tuple(
    Dialect(
        f"counted-{counted}",
        f"RFC 6455, but lengths of 2 bytes count {counted} bytes of the header; reads only",
        _header(middle=ExprAdapter(BitsInteger(16), obj_ - counted, None)),
    )
    for counted in (4, 8, 2)
)
"""These two only to be guessed: what they read otherwise may be right as well."""
SHIFTED = Dialect(
    "shifted",
    "RFC 6455, but lengths of 8 bytes stand one byte too far left, over the 127; reads only",
    _SHIFTED_HEADER,
)
"""Not to be asked for by name: with a zero behind it an empty message cannot be told from a long one."""
HIXIE76 = Dialect(
    "hixie76", "text between 00 and FF, as before RFC 6455; reads only", _HIXIE76_HEADER, b"\xff"
)

_KNOWN = (RFC6455, LEN32, LEN126, LEN7, LITTLE_ENDIAN, LITTLE_ENDIAN32, DOUBLED, HIXIE76)

DIALECTS: Mapping[str, Dialect] = MappingProxyType({each.name: each for each in _KNOWN})


def load_dialect(spec: str) -> Dialect:
    """The dialect with the name `spec`, or one of the user's own from a Python file: `PATH.py` or
    `PATH.py:NAME`.

    NAME (HEADER if not given) is a construct that yields what `Dialect.header` must; the file is run to get
    it. Raises UsageError.
    """
    if spec in DIALECTS:
        return DIALECTS[spec]
    path, name = (spec, "") if spec.endswith(".py") else spec.rpartition(":")[::2]
    name = name or "HEADER"
    if not path.endswith(".py"):
        known = ", ".join(DIALECTS)
        raise UsageError(
            f"there is no dialect {spec!r}: use {known}, or FILE.py:NAME for a grammar of your own"
        )
    return Dialect(spec, f"the construct {name} in {path}", _load_grammar(path, name))


def _load_grammar(path: str, name: str) -> Any:
    if not Path(path).is_file():
        raise UsageError(f"there is no file {path}: name a Python file that defines a construct {name}")
    try:
        grammar = runpy.run_path(path).get(name)
    except (Exception, SystemExit) as error:
        raise UsageError(f"{path} cannot be run: {one_line(error)}") from error
    if not isinstance(grammar, Construct):
        raise UsageError(f"{path} defines no construct {name}: define it, or name another one as {path}:NAME")
    for sample in (b"\0", b"\1", b"\x81", b"\xff"):
        try:
            fields = grammar.parse(sample * MAX_HEADER_SIZE)
        except (Exception, SystemExit):
            # That it cannot read nonsense is no fault of a grammar.
            continue
        if missing := missing_fields(fields):
            raise UsageError(f"{name} in {path} yields no {missing}: add it (a Computed field will do)")
    return grammar


def describe_header(dialect: Dialect, data: bytes) -> list[FieldSpan]:
    """The fields of the frame header that `data` begins with, as far as they are there; never raises."""
    return describe(dialect.header, data[:MAX_HEADER_SIZE])


def build_frame(
    opcode: int,
    payload: bytes,
    *,
    fin: bool = True,
    rsv: int = 0,
    masking_key: bytes | None = None,
    dialect: Dialect = RFC6455,
) -> Frame:
    """A new frame with this (unmasked) payload, at offset 0; its `serialize()` gives the bytes.

    Raises UsageError where the dialect cannot write it.
    """
    header = dialect.build_header(opcode, len(payload), fin=fin, rsv=rsv, masking_key=masking_key)
    return Frame(0, header, fin, rsv, opcode, masking_key, len(payload), payload)


CLOSE_PAYLOAD = Struct("code" / Optional(Int16ub), "reason" / GreedyBytes)
"""The payload data of a Close frame, either side's; a lone byte is no code, so it is all reason."""


class ClosePayload(NamedTuple):
    """What a Close frame says: no code if the payload data has under two bytes; `reason` as received."""

    code: int | None
    reason: bytes


def parse_close_payload(payload: bytes) -> ClosePayload:
    """Read the payload data of a Close frame; never raises. Source: RFC 6455 section 5.5.1."""
    fields = CLOSE_PAYLOAD.parse(payload)
    return ClosePayload(fields.code, fields.reason)
