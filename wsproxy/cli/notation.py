"""Bytes out of the notations people paste: hex in every common dress, escapes, literals and dumps.

Text in, bytes out, no I/O. Dumps with offsets are read by `wsproxy.cli.dumps`.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

from wsproxy.cli.dumps import read_dump
from wsproxy.errors import UsageError


@dataclass(frozen=True, slots=True)
class Notation:
    """The bytes that were meant, and the name of the notation they were written in."""

    data: bytes
    name: str


_BYTES_LITERAL = re.compile(r"""\b[bB](?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""")
_AROUND_LITERALS = re.compile(r"[\w\s=()+,\\.;:\[\]>]*")
_HEX_CALL = re.compile(r"""(?:fromhex|unhexlify|from|decode_hex)\(\s*["']([0-9A-Fa-f\s:]*)["']""")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|u00([0-9A-Fa-f]{2})|([0-3][0-7]{2})|([0abtnvfre\\'\"]))")
_ESCAPE_LETTERS = dict(zip("0abtnvfre\\'\"", b"\0\a\b\t\n\v\f\r\x1b\\'\"", strict=True))
_META = re.compile(r"M-\^[@-_?]|M-[ -~]|\^[@-_?]")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_CAST = re.compile(r"\(\s*(?:unsigned\s+)?(?:byte|char|u?int8_t|uint8|sbyte|BYTE)\s*\)")
_ARRAY = re.compile(r"=[^={}]*\{([^{}]*)\}")
_WRAPPER = re.compile(r"\b(?:Buffer|Uint8Array|Int8Array|bytearray|bytes|byte|vec|new|from|of|u8|pack)\b!?")
_PREFIX = re.compile(
    r"(?<![0-9A-Za-z])(?:0[xX]|[xX]|%|U\+00)(?=[0-9A-Fa-f])|(?<=[0-9A-Fa-f])%(?=[0-9A-Fa-f])"
)
_SEPARATORS = re.compile(r"[\s,;:{}\[\]()<>|&'\"`$_=.\-]+")
_DECIMAL_LIST = re.compile(r"\s*[\[{(<]*\s*-?\d{1,3}(?:\s*,\s*-?\d{1,3})+\s*,?\s*[\]})>]*\s*")


def read_notation(text: str) -> Notation | None:
    """Read `text` in whichever notation fits; None if it is in none of them.

    Raises `UsageError` for text that is plainly hex but cannot be read as bytes (an odd number of digits).
    """
    for read in _READERS:
        found = read(text)
        if found is not None:
            return found
    return None


def _literals(text: str) -> Notation | None:
    call = _HEX_CALL.search(text)
    if call:
        return Notation(_hex_digits(re.sub(r"[\s:]", "", call[1])), "hex in a call")
    found = _BYTES_LITERAL.findall(text)
    if not found or not _AROUND_LITERALS.fullmatch(_BYTES_LITERAL.sub("", text)):
        return None
    try:
        return Notation(b"".join(ast.literal_eval(literal) for literal in found), "Python bytes")
    except SyntaxError as error:
        raise UsageError(f"this Python bytes literal cannot be read ({error.msg}): {found[0][:60]}") from None


def _dump(text: str) -> Notation | None:
    found = read_dump(text)
    return None if found is None else Notation(*found)


def _escapes(text: str) -> Notation | None:
    if not re.search(r"\\(?:x[0-9A-Fa-f]|u00|[0-3][0-7]{2})", text):
        return None
    lines = (re.sub(r"^\s*\$?[\"']|[\"'][\s;\\+]*$", "", line) for line in text.strip().splitlines())
    return Notation(unescape("".join(lines)), "backslash escapes")


def unescape(text: str) -> bytes:
    """Backslash escapes as C, Python, JavaScript and shells write them; other characters as UTF-8."""
    out, position = bytearray(), 0
    for match in _ESCAPE.finditer(text):
        out += text[position : match.start()].encode()
        if match[4]:
            out.append(_ESCAPE_LETTERS[match[4]])
        else:
            out.append(int(match[1] or match[2] or match[3], 8 if match[3] else 16))
        position = match.end()
    return bytes(out + text[position:].encode())


def _meta(text: str) -> Notation | None:
    """What `cat -v` prints: `M-^A~^FM-'{`."""
    if not re.search(r"M-\^[@-_]|M-~\^", text):
        return None

    def byte(match: re.Match[str]) -> str:
        shown = match[0]
        high = 0x80 if shown.startswith("M-") else 0
        last = ord(shown[-1])
        return chr(high | (last ^ 0x40 if "^" in shown[:-1] else last))

    return Notation(_META.sub(byte, text).encode("latin-1", "ignore"), "cat -v")


def _decimals(text: str) -> Notation | None:
    bare = _WRAPPER.sub(" ", text)
    if not _DECIMAL_LIST.fullmatch(bare):
        return None
    tokens = re.findall(r"-?\d+", bare)
    if all(len(token) == 2 for token in tokens):
        return None
    values = [int(token) for token in tokens]
    if not all(-128 <= value <= 255 for value in values):
        return None
    return Notation(bytes(value & 0xFF for value in values), "decimal bytes")


def _tokens(text: str) -> Notation | None:
    bare = _CAST.sub(" ", _COMMENT.sub(" ", text))
    arrays = _ARRAY.findall(bare)
    bare = " ".join(arrays) if arrays else bare.rsplit("=", 1)[-1]
    bare = _PREFIX.sub(" ", _WRAPPER.sub(" ", bare))
    tokens = [re.sub(r"(?<=^[0-9A-Fa-f]{2})[hH]$", "", token) for token in _SEPARATORS.split(bare) if token]
    if "*" in tokens:
        raise UsageError(
            "a line with only * stands for lines left out: make the dump with offsets, or with -v"
        )
    if not tokens or not all(re.fullmatch(r"[0-9A-Fa-f]+", token) for token in tokens):
        return None
    if all(len(token) <= 2 for token in tokens) and len(tokens) > 1:
        return Notation(bytes(int(token, 16) for token in tokens), "hex")
    return Notation(b"".join(_hex_digits(token) for token in tokens), "hex")


def _hex_digits(digits: str) -> bytes:
    if len(digits) % 2:
        shown = digits if len(digits) <= 24 else f"{digits[:12]}...{digits[-8:]}"
        raise UsageError(
            f"{shown} has an odd number of hex digits ({len(digits)}): two make a byte, so check the ends"
        )
    return bytes.fromhex(digits)


def one_byte_per_character(text: str) -> Notation | None:
    """Binary data that something decoded as Latin-1: every character stands for one byte."""
    if not text.isascii() and all(ord(character) < 0x100 for character in text):
        return Notation(text.encode("latin-1"), "text, one byte per character")
    return None


_READERS: tuple[Callable[[str], Notation | None], ...] = (
    _literals,
    _dump,
    _escapes,
    _meta,
    _decimals,
    _tokens,
)
