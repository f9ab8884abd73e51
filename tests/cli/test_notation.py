"""Bytes come back out of everything that prints them."""

import contextlib
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
    ],
)
def test_hello_is_read(text: str) -> None:
    assert read(text) == HELLO


def test_lines_left_out_of_a_dump_are_put_back() -> None:
    data = b"\x82\x7e\x00\x90" + bytes(140)
    text = (
        "00000000  82 7e 00 90 00 00 00 00  00 00 00 00 00 00 00 00  |.~..............|\n"
        "00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n"
        "*\n"
        "00000090\n"
    )
    assert read(text) == data


@pytest.mark.parametrize("text", ["Hello", "no hex at all", "xyz 81", "81 05 4g", "{", "ws://skyq:9006"])
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
