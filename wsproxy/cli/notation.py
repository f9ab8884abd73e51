"""Bytes out of the notations people paste: hex in every common dress, escapes, literals and dumps.

Text in, bytes out, no I/O. Dumps with offsets are read by `wsproxy.cli.dumps`.
"""

import ast
import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from wsproxy.cli.dumps import read_dump
from wsproxy.cli.numbers import bit_bytes, decimal_bytes
from wsproxy.cli.surroundings import bared, tidied
from wsproxy.errors import UsageError


@dataclass(frozen=True, slots=True)
class Notation:
    """The bytes that were meant, and the name of the notation they were written in."""

    data: bytes
    name: str


_BYTES_LITERAL = re.compile(r"""\b[bB](?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""")
_AROUND_LITERALS = re.compile(r"[\w\s=()+,\\.;:\[\]>]*")
_HEX_CALL = re.compile(r"""(?:fromhex|unhexlify|from|decode_hex)\(\s*["']([0-9A-Fa-f\s:]*)["']""")
_STRING = re.compile(r"""(?<![\w\\])\$?("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""")
_ESCAPE = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u(?:00|[dD][cC])([0-9A-Fa-f]{2})|[xu]\{0*([0-9A-Fa-f]{1,2})\}|([0-3]?[0-7]{1,2})|([abtnvfre\\'\"]))"
)
_ESCAPED_BYTE = re.compile(r"\\(?:x\{?[0-9A-Fa-f]|u00|u[dD][cC][89A-Fa-f]|u\{[0-9A-Fa-f]|[0-3][0-7]{2})")
_DECIMAL_ESCAPE = re.compile(r"\\(?:1[0-9][89]|1[89][0-9]|2[0-57-9][89]|2[89][0-9])")
_ESCAPE_LETTERS = dict(zip("abtnvfre\\'\"", b"\a\b\t\n\v\f\r\x1b\\'\"", strict=True))
_BYTEA = re.compile(r"\s*\\x((?:[0-9A-Fa-f]{2}){3,})\s*")
_META = re.compile(r"M-\^[@-_?]|M-[ -~]|\^[@-_?]")
_LESS = re.compile(r"<[0-9A-Fa-f]{2}>(?:<[0-9A-Fa-f]{2}>|\^[@-_?]|\S)")
_LESS_BYTE = re.compile(r"<([0-9A-Fa-f]{2})>|\^[@-_?]")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_CAST = re.compile(r"\(\s*(?:unsigned\s+)?(?:byte|char|u?int8_t|uint8|sbyte|BYTE)\s*\)")
_ARRAY = re.compile(r"=[^={}]*\{([^{}]*)\}")
_WRAPPER = re.compile(
    r"\b(?:Buffer|Uint8Array|Int8Array|bytearray|byteArrayOf|toByte|bytes|byte|uint8|vec|new|from|of|u8|pack)\b!?(?:\(\))?"
)
_PREFIX = re.compile(
    r"(?<![0-9A-Za-z])(?:0[xX]|[xX]|%|U\+00|#?\$|&[hH])(?=[0-9A-Fa-f])|(?<=[0-9A-Fa-f])(?:%|#\$)(?=[0-9A-Fa-f])"
)
_SEPARATORS = re.compile(r"[\s,;:{}\[\]()<>|&'\"`$_=.\-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_RUN = re.compile(r"\s*(?:(?:0[xX][0-9A-Fa-f]{2}){2,}|(?:[xX][0-9A-Fa-f]{2}){2,})\s*")
_PERCENT = re.compile(r"\s*%[0-9A-Fa-f]{2}[!-~]+\s*")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")
_LEAST_BASE64 = 24


def read_notation(text: str) -> Notation | None:
    """Read `text` in whichever notation fits; None if it is in none of them.

    Raises `UsageError` for text that is plainly hex but cannot be read as bytes (an odd number of digits).
    """
    tidy = tidied(text)
    found = _read(tidy)
    if found is not None or _CONTROL.search(text):
        return found
    found = next((each for each in map(_read, bared(tidy)) if each is not None), None)
    return found or _encoded(tidy)


def _read(text: str) -> Notation | None:
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
    if bytea := _BYTEA.fullmatch(text):
        return Notation(bytes.fromhex(bytea[1]), "bytea")
    if not _ESCAPED_BYTE.search(text):
        return None
    if _DECIMAL_ESCAPE.search(text):
        text = re.sub(r"\\(\d{1,3})", lambda match: f"\\x{int(match[1]) & 0xFF:02x}", text)
    strings = _STRING.findall(text)
    if strings and not _ESCAPED_BYTE.search(_STRING.sub("", text)):
        # A line of source code, of a shell or of strace: the strings in it are what is meant.
        return Notation(b"".join(unescape(string[1:-1]) for string in strings), "backslash escapes")
    lines = (re.sub(r"^\s*\$?[\"']|[\"'][\s;\\+]*$", "", line) for line in text.strip().splitlines())
    return Notation(unescape("".join(lines)), "backslash escapes")


def unescape(text: str) -> bytes:
    """Backslash escapes as C, Python, JavaScript and shells write them; other characters as UTF-8."""
    out, position = bytearray(), 0
    for match in _ESCAPE.finditer(text):
        out += text[position : match.start()].encode()
        if match[5]:
            out.append(_ESCAPE_LETTERS[match[5]])
        else:
            out.append(int(match[1] or match[2] or match[3] or match[4], 8 if match[4] else 16))
        position = match.end()
    return bytes(out + text[position:].encode())


def _angles(text: str) -> Notation | None:
    """What less and vim show: `<81>^EHello`, `<81><05>Hello`."""
    if not _LESS.match(text.lstrip()):
        return None
    shown = _LESS_BYTE.sub(
        lambda match: chr(int(match[1], 16)) if match[1] else chr(ord(match[0][-1]) ^ 0x40), text.strip()
    )
    return Notation(shown.encode("latin-1", "ignore"), "less")


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


def _numbers(text: str) -> Notation | None:
    bits = bit_bytes(text)
    if bits is not None and len(bits) > 1:
        return Notation(bits, "bits")
    found = decimal_bytes(_COMMENT.sub(" ", text))
    return None if found is None else Notation(found, "decimal bytes")


def _tokens(text: str) -> Notation | None:
    if _RUN.fullmatch(text):
        return Notation(bytes.fromhex(re.sub(r"0?[xX]", "", text)), "hex")
    bare = _CAST.sub(" ", _COMMENT.sub(" ", text))
    arrays = _ARRAY.findall(bare)
    bare = " ".join(arrays) if arrays else bare.rsplit("=", 1)[-1]
    bare = _PREFIX.sub(" ", _WRAPPER.sub(" ", bare))
    tokens = [re.sub(r"^0?([0-9A-Fa-f]{2})[hH]$", r"\1", token) for token in _SEPARATORS.split(bare) if token]
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


def _encoded(text: str) -> Notation | None:
    """What is in an encoding that could be mistaken for other text: only where nothing else fits."""
    if _PERCENT.fullmatch(text):
        return Notation(unquote_to_bytes(text.strip()), "percent-encoded")
    packed = "".join(text.split())
    unmistakable = "=" in packed[-2:] or (
        len(packed) >= _LEAST_BASE64 and all(re.search(kind, packed) for kind in ("[A-Z]", "[a-z]", "[0-9]"))
    )
    if not (unmistakable and _BASE64.fullmatch(packed)):
        return None
    try:
        return Notation(base64.b64decode(packed, validate=True), "base64")
    except binascii.Error:
        return None


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
    _angles,
    _numbers,
    _tokens,
)
