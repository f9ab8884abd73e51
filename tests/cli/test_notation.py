"""Bytes come back out of everything that prints them."""

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.cli.dumpers import DUMPERS, LISTS, real_tools, run_tool
from wsproxy.cli.notation import one_byte_per_character, read_notation
from wsproxy.errors import UsageError

HELLO = bytes.fromhex("81 05 48 65 6c 6c 6f")
TEXTS = st.binary(min_size=2, max_size=70) | st.text("ab cdef|<>: 09", min_size=2, max_size=70).map(
    str.encode
)


def read(text: str) -> bytes:
    found = read_notation(text)
    assert found is not None, text
    return found.data


@pytest.mark.parametrize("name", DUMPERS)
@example(b"00  \0\0\0\0")
@given(data=TEXTS)
def test_a_dump_gives_its_bytes(name: str, data: bytes) -> None:
    assert read(DUMPERS[name](data)) == data


@pytest.mark.parametrize("name", LISTS)
@given(data=st.binary(min_size=2, max_size=40))
def test_a_list_gives_its_bytes(name: str, data: bytes) -> None:
    assert read(LISTS[name](data)) == data


@pytest.mark.parametrize("line", real_tools(), ids=" ".join)
@pytest.mark.parametrize("size", [1, 7, 8, 16, 17, 200])
def test_the_real_tools_are_understood(line: list[str], size: int, tmp_path: Path) -> None:
    data = (b"\x81\x7e\x01\x00" + b'{"a": "ab cd"}' + bytes(150) + b"\x89\x00\xc3\xa9" + b"x" * 40)[:size]
    assert read(run_tool(line, data, tmp_path)) == data


@pytest.mark.parametrize(
    "text",
    [
        "81 5 48 65 6c 6c 6f",
        "8105 4865 6c6c 6f",
        "  81 05\n48 65 6c\t6c 6f  ",
        "81 05 48 65 6c 6c 6f // a frame",
        "81|05|48|65|6c|6c|6f",
        "[129, 5, 72, 101, 108, 108, 111]",
        "129,5,72,101,108,108,111",
        "[-127, 5, 72, 101, 108, 108, 111]",
        "<<129,5,72,101,108,108,111>>",
        r"\x81\x05Hello",
        r'"\201\005Hello"',
        r"$'\x81\x05Hello'",
        r"\u0081\u0005Hello",
        "b'\\x81\\x05Hello'",
        'data = b"\\x81\\x05" b"Hello"',
        "(b'\\x81\\x05'\n b'Hello')",
        "M-^A^EHello",
        "Buffer.from('810548656c6c6f', 'hex')",
        "&[0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]",
        "U+0081 U+0005 U+0048 U+0065 U+006C U+006C U+006F",
        "b'''\\x81\\x05Hello'''",
        '[]byte("\\x81\\x05Hello")',
        'read(3, "\\201\\5Hello", 4096) = 7',
        "printf '\\201\\005Hello' | nc skyq 9006",
        'const char *frame = "\\x81\\x05" "Hello";',
        r"\u{81}\x{5}Hello",
        r"\129\005Hello",
        r"\x810548656c6c6f",
        "[129 5 72 101 108 108 111]",
        "129\n5\n72\n101\n108\n108\n111\n",
        "byte[] frame = new byte[]{-127, 5, 72, 101, 108, 108, 111};",
        "byteArrayOf(0x81.toByte(), 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f)",
        "let frame: [u8; 7] = [129, 5, 72, 101, 108, 108, 111];",
        "[129u8, 5u8, 72u8, 101u8, 108u8, 108u8, 111u8]",
        "Uint8Array(7) [\n  129, 5, 72, 101,\n  108, 108, 111\n]",
        '{"type":"Buffer","data":[129,5,72,101,108,108,111]}',
        '{"0":129,"1":5,"2":72,"3":101,"4":108,"5":108,"6":111}',
        "ArrayBuffer { [Uint8Contents]: <81 05 48 65 6c 6c 6f>, byteLength: 7 }",
        "<Buffer 81 05 48 65 6c 6c 6f ... 50 more bytes>",
        "81 05 48 65 6c 6c 6f \u2026",
        "10000001 00000101 01001000 01100101 01101100 01101100 01101111",
        "00000000: 10000001 00000101 01001000 01100101 01101100 01101100  ..Hell\n"
        "00000006: 01101111                                               o\n",
        "0000000 129   5  72 101 108 108 111\n0000007\n",
        "0000000 -127    5   72  101  108  108  111\n0000007\n",
        "17:29:00.123456 <= Recv data, 7 bytes (0x7)\n0000: 81 05 48 65 6c 6c 6f       ..Hello\n",
        "read from 0x55d0 [0x55d1] (7 bytes => 7 (0x7))\n0000 - 81 05 48 65 6c 6c 6f         ..Hello\n",
        "< 2026/11/21 17:29:00.000123456  length=7 from=0 to=6\n 81 05 48 65 6c 6c 6f\n--\n",
        "   |  0  1  2  3 |\n+--------+----+---+\n|00000000| 81 05 48 65 6c 6c 6f |..Hello  |\n+-----+----+",
        "0x7ffe1000 <buf+8>:\t0x81\t0x05\t0x48\t0x65\t0x6c\t0x6c\t0x6f\n",
        "I (1234) ws: 81 05 48 65 6c 6c 6f",
        "# from the device\n81 05 48 65 6c 6c 6f  # Hello",
        "> 81 05 48 65\n> 6c 6c 6f",
        "```\n81 05 48 65 6c 6c 6f\n```",
        "\u201c81 05 48 65 6c 6c 6f\u201d\u200b",
        '["810548656c6c6f"].pack("H*")',
        "X'810548656c6c6f'",
        "0x810x050x480x650x6c0x6c0x6f",
        "db 81h, 05h, 48h, 65h, 6Ch, 6Ch, 6Fh",
        "#$81#$05#$48#$65#$6C#$6C#$6F",
        "&H81, &H05, &H48, &H65, &H6C, &H6C, &H6F",
        "%81%05Hello",
        "gQVIZWxsbw==",
        "<81>^EHello",
        "<81><05>Hello",
        r"\udc81\u0005Hello",
    ],
)
def test_hello_is_read(text: str) -> None:
    assert read(text) == HELLO


def test_a_dump_of_openssl_has_a_dash_in_the_middle() -> None:
    text = (
        "0000 - 81 7e 00 12 61 62 63 64-65 66 67 68 69 6a 6b 6c   .~..abcdefghijkl\n"
        "0010 - 6d 6e 6f 70 71 72 73 74-                          mnopqrst\n"
    )
    assert read(text) == b"\x81\x7e\x00\x12abcdefghijklmnopqrst"


def test_numbers_of_two_digits_are_decimal_in_source_code_alone() -> None:
    assert read("bytes([10, 20, 30])") == bytes((10, 20, 30))
    assert read("[10, 20, 30]") == bytes.fromhex("102030")
    assert read("81 20 30") == bytes.fromhex("812030")


@pytest.mark.parametrize(
    "text",
    [
        "[1, 1" + " " * 40_000,
        "[1\n" + "\n" * 40_000 + "x",
        "1, " * 40_000 + "x",
        '"' + "81 " * 40_000,
        "|00000000| " + " " * 40_000,
        "g: 81 05 zz\n" * 10_000,
        "... " * 40_000,
        "AbC1" * 40_000 + "!",
    ],
    ids=range(8),
)
def test_text_made_to_be_slow_is_not(text: str) -> None:
    began = time.process_time()
    with contextlib.suppress(UsageError):
        read_notation(text)
    assert time.process_time() - began < 5


def test_lines_left_out_of_a_dump_are_put_back() -> None:
    data = b"\x82\x7e\x00\x90" + bytes(140)
    text = (
        "00000000  82 7e 00 90 00 00 00 00  00 00 00 00 00 00 00 00  |.~..............|\n"
        "00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n"
        "*\n"
        "00000090\n"
    )
    assert read(text) == data


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "Temperature: 21",
        '{"state": "on", "list": [129, 5, 72]}',
        "no hex at all",
        "xyz 81",
        "81 05 4g",
        "{",
        "ws://skyq:9006",
        '\x01\x12{"id": "81054865"}',
        'GET / HTTP/1.1\r\nETag: "810548656c"\r\n\r\n',
        "frames12.bin",
        "recordings/a",
    ],
)
def test_other_text_is_no_notation(text: str) -> None:
    assert read_notation(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("810", "odd number of hex digits (3)"),
        ("8105 486", "odd number of hex digits (3)"),
        ("0x8105486", "odd number of hex digits (7)"),
        ("a" * 101, "aaaaaaaaaaaa...aaaaaaaa has an odd number"),
        (" 81 05\n*\n 00 00", "with -v"),
        (r"b'\x8'", "cannot be read"),
    ],
)
def test_broken_hex_is_explained(text: str, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_notation(text)
    assert words in str(raised.value)


def test_text_decoded_as_latin_1_is_one_byte_per_character() -> None:
    found = one_byte_per_character("\x81\x05Hello")
    assert found is not None
    assert found.data == HELLO
    assert one_byte_per_character("Hello") is None
    assert one_byte_per_character("\u4e2d") is None


@given(st.text(max_size=60))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    with contextlib.suppress(UsageError):
        found = read_notation(text)
        assert found is None or isinstance(found.data, bytes)
