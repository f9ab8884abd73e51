"""The construct grammars, and the dialects made of them."""

import re
from pathlib import Path

import pytest
from construct import ConstError
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.frames import VECTORS, FrameVector
from wsproxy.errors import UsageError
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.describe import FieldSpan
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import (
    CLOSE_PAYLOAD,
    DIALECTS,
    HIXIE76,
    LEN32,
    RFC6455,
    SIDE_HEADERS,
    ClosePayload,
    build_frame,
    describe_header,
    load_dialect,
    parse_close_payload,
)
from wsproxy.protocol.header import Header, read_header

DOMOTICZ = """
from construct import *

LENGTH_SIZE = 32

def shortest(context):
    return context.length if context.length < 126 else 126

HEADER = BitStruct(
    "fin" / Flag,
    "rsv" / BitsInteger(3),
    "opcode" / BitsInteger(4),
    "masked" / Flag,
    "length7" / Default(BitsInteger(7), shortest),
    "length" / IfThenElse(this.length7 < 126, Computed(this.length7), BitsInteger(LENGTH_SIZE)),
    "masking_key" / If(this.masked, Bytewise(Bytes(4))),
)
"""
"""A grammar for domoticz#6543 (case L03): 126 is followed by a length of 4 bytes."""

writable = [vector for vector in VECTORS if vector.frames and vector.dialect != "hixie76"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_grammar_reads_the_headers_of_the_vectors(vector: FrameVector) -> None:
    grammar = DIALECTS[vector.dialect].header
    for frame in vector.frames:
        size = len(frame.header)
        expected = Header(size, frame.fin, frame.rsv, frame.opcode, frame.length, frame.masking_key)
        assert read_header(grammar, frame.header) == expected
        assert read_header(grammar, frame.header + b"\xff" * 80) == expected
        assert [read_header(grammar, frame.header[:end]) for end in range(size)] == [None] * size


@pytest.mark.parametrize("vector", writable, ids=lambda vector: vector.name)
def test_the_grammar_writes_what_it_read(vector: FrameVector) -> None:
    grammar = DIALECTS[vector.dialect].header
    for frame in vector.frames:
        assert grammar.build(grammar.parse(frame.header)) == frame.header


@pytest.mark.parametrize("dialect", [RFC6455, LEN32], ids=lambda dialect: dialect.name)
def test_the_layouts_say_what_the_grammar_says(dialect: Dialect) -> None:
    assert dialect.layouts is not None
    some = (0x00, 0x7F, 0x80, 0x81, 0xC2, 0xFF)
    prefixes = {bytes(pair) for one in some for other in range(256) for pair in ((one, other), (other, one))}
    tails = [bytes.fromhex(tail) for tail in ("0102030405060708090a0b0c", "ffffffffffffffffffffffff")]
    for prefix in prefixes:
        for tail in tails:
            data = prefix + tail
            header = read_header(dialect.header, data)
            assert dialect.read_header(data) == header
            size = header.size if isinstance(header, Header) else 2
            for torn in (data[:1], data[: size - 1]):
                assert dialect.read_header(torn) == read_header(dialect.header, torn)


@given(
    st.sampled_from([RFC6455, LEN32]),
    st.integers(0, 15),
    st.one_of(st.integers(0, 300), st.sampled_from([65535, 65536, 2**32 - 1])),
    st.booleans(),
    st.integers(0, 7),
    st.one_of(st.none(), st.binary(min_size=4, max_size=4)),
)
def test_a_header_reads_as_it_was_written(
    dialect: Dialect, opcode: int, length: int, fin: bool, rsv: int, masking_key: bytes | None
) -> None:
    header = dialect.build_header(opcode, length, fin=fin, rsv=rsv, masking_key=masking_key)
    assert dialect.read_header(header) == Header(len(header), fin, rsv, opcode, length, masking_key)
    extended = 0 if length < 126 else 2 if length < 65536 else 8 if dialect is RFC6455 else 4
    assert len(header) == 2 + extended + (4 if masking_key is not None else 0)


@pytest.mark.parametrize(
    ("dialect", "opcode", "length", "masking_key"),
    [
        (LEN32, 2, 2**32, None),
        (RFC6455, 2, 2**64, None),
        (RFC6455, 2, -1, None),
        (RFC6455, 16, 0, None),
        (RFC6455, 1, 0, b"key"),
        (HIXIE76, 1, 5, None),
    ],
    ids=["over 4 bytes", "over 8 bytes", "negative", "no such opcode", "short key", "for reading only"],
)
def test_what_a_dialect_cannot_write(
    dialect: Dialect, opcode: int, length: int, masking_key: bytes | None
) -> None:
    with pytest.raises(UsageError, match=f"dialect {dialect.name} cannot write a header"):
        dialect.build_header(opcode, length, masking_key=masking_key)


def test_build_frame() -> None:
    hello = build_frame(1, b"Hello", masking_key=bytes.fromhex("37fa213d"))
    assert hello.serialize() == bytes.fromhex("818537fa213d7f9f4d5158")
    assert (hello.fin, hello.rsv, hello.opcode, hello.length, hello.complete) == (True, 0, 1, 5, True)
    assert build_frame(0, b"", fin=False, rsv=4).serialize() == b"\x40\x00"
    assert build_frame(2, bytes(65536), dialect=LEN32).header == bytes.fromhex("827f00010000")


def test_each_side_has_its_own_header() -> None:
    fields = {"fin": True, "rsv": 0, "opcode": 1, "length": 5}
    assert SIDE_HEADERS[Side.SERVER].build({**fields, "masking_key": None}) == b"\x81\x05"
    masked = SIDE_HEADERS[Side.CLIENT].build({**fields, "masking_key": b"abcd"})
    assert masked == b"\x81\x85abcd"
    assert SIDE_HEADERS[Side.CLIENT].parse(masked).masking_key == b"abcd"
    with pytest.raises(ConstError):
        SIDE_HEADERS[Side.SERVER].parse(masked)
    with pytest.raises(ConstError):
        SIDE_HEADERS[Side.CLIENT].parse(b"\x81\x05")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", ClosePayload(None, b"")),
        (b"\x03", ClosePayload(None, b"\x03")),
        (b"\x03\xe8", ClosePayload(1000, b"")),
        (b"\x03\xe8\xff\x00bye", ClosePayload(1000, b"\xff\x00bye")),
        (b"1001", ClosePayload(0x3130, b"01")),
    ],
)
def test_close_payload(payload: bytes, expected: ClosePayload) -> None:
    assert parse_close_payload(payload) == expected
    assert CLOSE_PAYLOAD.build(expected._asdict()) == payload


@given(st.binary(max_size=130))
def test_any_close_payload_can_be_written_again(payload: bytes) -> None:
    assert CLOSE_PAYLOAD.build(parse_close_payload(payload)._asdict()) == payload


def test_dialects_go_by_their_names() -> None:
    plain = {"rfc6455", "len32", "len126", "len7", "little-endian", "little-endian-32", "doubled"}
    assert set(DIALECTS) == plain | {"hixie76"}
    assert all(load_dialect(name) is dialect and dialect.name == name for name, dialect in DIALECTS.items())


def test_a_dialect_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "domoticz.py"
    path.write_text(DOMOTICZ)
    for spec in (f"{path}", f"{path}:HEADER"):
        dialect = load_dialect(spec)
        assert dialect.name == spec
        data = bytes.fromhex("81fe0000012c 37fa213d") + bytes(300)
        (frame,) = FrameDecoder(dialect).receive_data(data)
        assert (frame.length, frame.masking_key, frame.serialize()) == (300, b"\x37\xfa\x21\x3d", data)
        assert build_frame(1, b"x" * 300, dialect=dialect).header == bytes.fromhex("817e0000012c")
        assert describe_header(dialect, data)[5] == FieldSpan("length", 300, 2, 0, 32)


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        ("HEADER = 5", "", "defines no construct HEADER"),
        ("", ":HEAD", "defines no construct HEAD:"),
        ("import no_such_module", "", "cannot be run: ModuleNotFoundError"),
        ("1 +", "", "cannot be run: SyntaxError"),
        ("raise SystemExit(3)", "", "cannot be run: SystemExit: 3"),
        (
            "from construct import *\nHEADER = Struct('fin'/Flag)",
            "",
            "yields no rsv, opcode, length, masking_key",
        ),
        ("from construct import *\nHEADER = Byte", "", "yields no fin, rsv, opcode, length, masking_key"),
    ],
)
def test_a_file_without_a_usable_grammar(tmp_path: Path, source: str, name: str, words: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source)
    with pytest.raises(UsageError, match=re.escape(words)) as raised:
        load_dialect(f"{path}{name}")
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_grammar_that_refuses_the_samples_is_taken_on_trust(tmp_path: Path) -> None:
    path = tmp_path / "magic.py"
    path.write_text("from construct import *\nHEADER = Struct(Const(b'magic'))")
    (opaque,) = FrameDecoder(load_dialect(str(path))).receive_data(b"magic")
    assert opaque.reason == "the dialect's grammar yields no fin, rsv, opcode, length, masking_key"


def test_a_grammar_cannot_end_the_program(tmp_path: Path) -> None:
    path = tmp_path / "exits.py"
    path.write_text(
        "import sys\nfrom construct import *\n"
        "HEADER = Struct('fin'/Flag, 'x'/Computed(lambda _: sys.exit(3)))"
    )
    dialect = load_dialect(f"{path}:")
    (opaque,) = FrameDecoder(dialect).receive_data(b"\x81\x00")
    assert "cannot read this header" in opaque.reason
    assert describe_header(dialect, b"\x81\x00")[0].name == "fin"
    with pytest.raises(UsageError, match="cannot write a header"):
        build_frame(1, b"", dialect=dialect)


@pytest.mark.parametrize("spec", ["", "rfc", "RFC6455", "dialect.txt", "mine:HEADER"])
def test_an_unknown_dialect(spec: str) -> None:
    with pytest.raises(UsageError, match=r"no dialect .* use rfc6455, len32, .*, hixie76, or FILE.py:NAME"):
        load_dialect(spec)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        load_dialect(f"{tmp_path / 'none.py'}:HEADER")
