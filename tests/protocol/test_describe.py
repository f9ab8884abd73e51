"""describe_header: names, values and places of the fields of any header, also of one cut short."""

import pytest
from construct import (
    BitsInteger,
    BitStruct,
    Byte,
    Bytes,
    BytesInteger,
    Check,
    Computed,
    Int8ub,
    Int16ub,
    Nibble,
    Octet,
    Padding,
    StopIf,
    Struct,
    this,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.frames import VECTORS
from wsproxy.protocol.describe import FieldSpan, describe
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.grammar import DIALECTS, HIXIE76, LEN32, RFC6455, describe_header
from wsproxy.protocol.header import Header

FIRST_BYTE = [
    FieldSpan("fin", True, 0, 0, 1),
    FieldSpan("rsv", 0, 0, 1, 3),
    FieldSpan("opcode", 1, 0, 4, 4),
]
MASKED_126 = [FieldSpan("masked", True, 1, 0, 1), FieldSpan("length7", 126, 1, 1, 7)]


def torn(name: str, offset: int, bit: int, width: int | None) -> FieldSpan:
    return FieldSpan(name, None, offset, bit, width, complete=False)


@pytest.mark.parametrize(
    ("dialect", "data", "fields"),
    [
        (
            RFC6455,
            "8105",
            [*FIRST_BYTE, FieldSpan("masked", False, 1, 0, 1), FieldSpan("length7", 5, 1, 1, 7)],
        ),
        (
            RFC6455,
            "81fe01024142434445464748",
            [
                *FIRST_BYTE,
                *MASKED_126,
                FieldSpan("length", 258, 2, 0, 16),
                FieldSpan("masking_key", b"ABCD", 4, 0, 32),
            ],
        ),
        (
            LEN32,
            "817f00010000",
            [
                *FIRST_BYTE,
                FieldSpan("masked", False, 1, 0, 1),
                FieldSpan("length7", 127, 1, 1, 7),
                FieldSpan("length", 65536, 2, 0, 32),
            ],
        ),
        (HIXIE76, "0041ff", [FieldSpan("frame_type", 0, 0, 0, 8)]),
        (HIXIE76, "808105", [FieldSpan("frame_type", 128, 0, 0, 8), FieldSpan("length", 133, 1, 0, 16)]),
    ],
)
def test_whole_headers(dialect: Dialect, data: str, fields: list[FieldSpan]) -> None:
    assert describe_header(dialect, bytes.fromhex(data)) == fields


@pytest.mark.parametrize(
    ("dialect", "data", "fields"),
    [
        (RFC6455, "", [torn("fin", 0, 0, 1)]),
        (RFC6455, "81", [*FIRST_BYTE, torn("masked", 1, 0, 1)]),
        (RFC6455, "81fe", [*FIRST_BYTE, *MASKED_126, torn("length", 2, 0, 16)]),
        (RFC6455, "81fe01", [*FIRST_BYTE, *MASKED_126, torn("length", 2, 0, 16)]),
        (
            RFC6455,
            "81fe0102aabbcc",
            [
                *FIRST_BYTE,
                *MASKED_126,
                FieldSpan("length", 258, 2, 0, 16),
                torn("masking_key", 4, 0, 32),
            ],
        ),
        (HIXIE76, "8081", [FieldSpan("frame_type", 128, 0, 0, 8), torn("length", 1, 0, None)]),
    ],
)
def test_torn_headers(dialect: Dialect, data: str, fields: list[FieldSpan]) -> None:
    assert describe_header(dialect, bytes.fromhex(data)) == fields


NESTED = Struct(
    "size" / Int8ub,
    "bits" / BitStruct("high" / Nibble, "low" / Struct("a" / Nibble, "b" / Octet)),
    "inner" / Struct("c" / Int16ub, "d" / Bytes(this._.size)),
    Check(this.size),
    Padding(1),
    "sum" / Computed(this.size + this.inner.c),
    "last" / BytesInteger(this.size),
)
NESTED_FIELDS = [
    FieldSpan("size", 2, 0, 0, 8),
    FieldSpan("high", 15, 1, 0, 4),
    FieldSpan("a", 14, 1, 4, 4),
    FieldSpan("b", 0xDD, 2, 0, 8),
    FieldSpan("c", 0x0304, 3, 0, 16),
    FieldSpan("d", b"\x05\x06", 5, 0, 16),
    FieldSpan("(unnamed)", None, 7, 0, 8),
    FieldSpan("last", 0x0809, 8, 0, 16),
]


def test_structs_within_structs() -> None:
    data = bytes.fromhex("02 fe dd 0304 0506 07 0809")
    assert describe(NESTED, data) == NESTED_FIELDS
    assert describe(NESTED, data[:9]) == [*NESTED_FIELDS[:7], torn("last", 8, 0, 16)]
    assert describe(NESTED, data[:7]) == [*NESTED_FIELDS[:6], torn("(unnamed)", 7, 0, 8)]
    assert describe(NESTED, data[:5]) == [*NESTED_FIELDS[:5], torn("d", 5, 0, None)]
    assert describe(NESTED, data[:4]) == [*NESTED_FIELDS[:4], torn("c", 3, 0, 16)]
    assert describe(NESTED, data[:2]) == [NESTED_FIELDS[0], torn("high", 1, 0, 4)]


def test_fields_after_a_stop_are_not_there() -> None:
    assert describe(Struct("a" / Byte, StopIf(this.a), "b" / Byte), b"\x01") == [FieldSpan("a", 1, 0, 0, 8)]


def test_a_grammar_without_fields_is_one_field() -> None:
    assert describe(Int16ub, b"\x01\x02") == [FieldSpan("header", 0x0102, 0, 0, 16)]
    assert describe(Int16ub, b"\x01") == [torn("header", 0, 0, 16)]


def test_a_grammar_that_fails_ends_in_the_field_it_failed_at() -> None:
    grammar = BitStruct("a" / BitsInteger(8), "b" / Computed(lambda context: 1 // context.a), "c" / Octet)
    assert describe(grammar, b"\x00\x01") == [FieldSpan("a", 0, 0, 0, 8), torn("b", 1, 0, 0)]


def test_parsed_hooks_of_the_user_are_kept() -> None:
    seen = []
    describe(Struct("a" / Byte * (lambda value, _context: seen.append(value))), b"\x07")
    assert seen == [7]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_fields_of_a_vector_cover_its_headers(vector) -> None:
    for frame in vector.frames:
        fields = describe_header(DIALECTS[vector.dialect], frame.header + b"payload")
        assert sum(field.width or 0 for field in fields) == 8 * len(frame.header)


@given(st.sampled_from(list(DIALECTS.values())), st.binary(max_size=80))
def test_fields_stand_side_by_side(dialect: Dialect, data: bytes) -> None:
    fields = describe_header(dialect, data)
    place = 0
    for field in fields:
        assert field.offset * 8 + field.bit == place
        place += field.width or 0
    header = dialect.read_header(data)
    assert all(field.complete for field in fields[:-1])
    assert fields[-1].complete == (header is not None and "more than" not in str(header))
    if isinstance(header, Header):
        assert place == header.size * 8
