"""A user's grammar may do anything: nothing of it escapes, and a header means the same however it was cut."""

import pytest
from construct import (
    Byte,
    Bytes,
    BytesInteger,
    CancelParsing,
    Check,
    Computed,
    Const,
    Error,
    GreedyBytes,
    GreedyRange,
    Int8ub,
    Int16ub,
    Int64sb,
    Optional,
    Padding,
    Peek,
    Pointer,
    Prefixed,
    Seek,
    Struct,
    Terminated,
    this,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.strategies import chunk_sizes, piece_limits
from tests.protocol.wire_events import cut, fed, serialized, whole
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.grammar import HIXIE76, RFC6455
from wsproxy.protocol.header import MAX_HEADER_SIZE, Header, LayoutCache, Unreadable, read_header

USUAL = {"fin": True, "rsv": 0, "opcode": 2, "length": 0, "masking_key": None}


def grammar(*parts, **fields):
    """A Struct of `parts` that yields the usual fields, but for `fields`."""
    computed = {name: Computed(value) for name, value in {**USUAL, **fields}.items()}
    return Struct(*parts, *(name / value for name, value in computed.items()))


def raises(error: BaseException):
    def function(_context):
        raise error

    return function


HOSTILE = {
    "divides by zero": (grammar(Byte, length=raises(ZeroDivisionError())), "ZeroDivisionError"),
    "knows no field": (grammar(Byte, length=this.nothing), "KeyError"),
    "gives up": (grammar(Byte, Error), "ExplicitError"),
    "cancels": (grammar(Byte, length=raises(CancelParsing())), "yields no fin"),
    "wants magic": (grammar(Const(b"magic")), "ConstError"),
    "checks": (grammar("first" / Byte, Check(this.first == 300)), "CheckError"),
    "recurses": (grammar(Byte, length=raises(RecursionError())), "RecursionError"),
    "reads on": (grammar(GreedyBytes), "more than 64"),
    "repeats": (grammar(GreedyRange(Byte)), "more than 64"),
    "pads": (grammar(Padding(65)), "more than 64"),
    "pads by 2^62": (grammar(Padding(1 << 62)), "more than 64"),
    "sought past the end": (grammar(Byte, Seek(1 << 40)), "more than 64"),
    "sought the end": (grammar(Byte, Seek(0, 2)), "more than 64"),
    "points far": (grammar(Byte, Pointer(1000, Byte)), "more than 64"),
    "looks far ahead": (grammar(Byte, Peek(Bytes(100))), "more than 64"),
    "must be all": (grammar(Byte, Terminated), "TerminatedError"),
    "prefixed by itself": (grammar(Prefixed(Int64sb, GreedyBytes)), ""),
    "takes nothing": (grammar(), "takes no bytes"),
    "goes back": (grammar(Byte, Seek(0)), "takes no bytes"),
    "yields a number": (Int16ub, "yields no fin"),
    "yields less": (Struct("fin" / Byte), "yields no rsv, opcode, length, masking_key"),
    "negative length": (grammar(Byte, length=-1), "negative"),
    "length of 2^63": (grammar(Byte, length=1 << 63), "top bit"),
    "length of 20,000 bits": (
        grammar("n" / BytesInteger(60), length=lambda context: context.n**40 + (1 << 70)),
        "top bit",
    ),
    "endless length": (grammar(Byte, length=float("inf")), "OverflowError"),
    "length is text": (grammar(Byte, length="long"), "ValueError"),
    "length is a list": (grammar(Byte, length=lambda _: [1]), "TypeError"),
    "no length, no end": (grammar(Byte, length=None), "no terminator"),
    "opcode of 8 bits": (grammar(Byte, opcode=16), "opcode of over 4"),
    "negative opcode": (grammar(Byte, opcode=-1), "opcode of over 4"),
    "rsv of 4 bits": (grammar(Byte, rsv=8), "rsv of over 3"),
    "rsv is None": (grammar(Byte, rsv=None), "TypeError"),
    "key of 3 bytes": (grammar(Byte, masking_key=b"abc"), "masking_key that is not 4 bytes"),
    "key is a number": (grammar(Byte, masking_key=1 << 40), "masking_key that is not 4 bytes"),
}


@pytest.mark.parametrize(("header", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_grammar_makes_the_stream_opaque(header, words: str) -> None:
    decoder = FrameDecoder(Dialect("mine", "", header))
    data = b"\x01\xfe" + b"\x7f" * 70
    events = fed(decoder, cut(data, [1]))
    assert serialized(events) + decoder.pending == data
    assert decoder.opaque
    assert words in events[0].reason
    assert "\n" not in events[0].reason
    assert len(events[0].reason) < 300


ODD = {
    "makes do without": grammar(
        "first" / Int8ub, "more" / Optional(Int16ub), length=lambda context: context.more or 1
    ),
    "looks ahead": grammar(
        "first" / Int8ub, "next" / Peek(Int16ub), length=lambda context: context.next or 1
    ),
    "until it fails": grammar(
        "all" / GreedyRange(Const(b"\0")), "end" / Int8ub, length=lambda context: len(context.all)
    ),
    "two numbers": grammar("a" / Int8ub, "b" / Int16ub, length=lambda context: context.a * context.b),
    "key without a bit": grammar("key" / Bytes(4), "size" / Int8ub, length=this.size, masking_key=this.key),
    "length is a fraction": grammar("size" / Int8ub, length=lambda context: context.size / 3),
    **{name: header for name, (header, _) in HOSTILE.items()},
}


@pytest.mark.parametrize("header", ODD.values(), ids=ODD)
@given(
    st.lists(st.one_of(st.binary(max_size=6), st.integers(0, 80).map(bytes)), max_size=8).map(b"".join),
    chunk_sizes,
    piece_limits,
)
def test_cutting_changes_nothing_for_any_grammar(
    header, data: bytes, sizes: list[int], piece_limit: int
) -> None:
    dialect = Dialect("mine", "", header)
    one, other = (FrameDecoder(dialect, piece_limit=piece_limit) for _ in range(2))
    events = fed(one, [data])
    assert whole(events) == whole(fed(other, cut(data, sizes)))
    assert one.pending == other.pending
    assert len(one.pending) <= piece_limit + MAX_HEADER_SIZE
    assert serialized(events) + one.pending == data


def test_a_grammar_that_makes_do_without_is_asked_again() -> None:
    header = grammar("first" / Int8ub, "more" / Optional(Int16ub))
    assert read_header(header, b"a") is None
    assert read_header(header, b"ab") is None
    assert read_header(header, b"abc") == Header(3, True, 0, 2, 0, None)


def test_a_header_may_take_all_there_is_room_for() -> None:
    header = grammar(Bytes(MAX_HEADER_SIZE))
    assert read_header(header, bytes(MAX_HEADER_SIZE - 1)) is None
    assert read_header(header, bytes(MAX_HEADER_SIZE)) == Header(64, True, 0, 2, 0, None)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_header_or_none_or_unreadable(data: bytes) -> None:
    for dialect in (RFC6455, HIXIE76):
        header = dialect.read_header(data)
        if isinstance(header, Header):
            assert 1 <= header.size <= len(data)
            assert read_header(dialect.header, data[: header.size]) == header
            assert dialect.read_header(data[: header.size - 1]) is None
        elif header is None:
            assert len(data) < MAX_HEADER_SIZE
        else:
            assert isinstance(header, Unreadable)


def test_layouts_are_only_for_grammars_that_two_bytes_tell() -> None:
    with pytest.raises(TypeError, match="do not fix this grammar's layout"):
        LayoutCache(grammar(Const(b"magic")))[b"ma"]
