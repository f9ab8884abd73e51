"""Dumps with offsets: xxd, hexdump, od, tcpdump -X, Wireshark, Format-Hex. Text in, bytes out.

The bytes of a line are found without trusting its text column: offsets say how many there are, and the column
itself is cut off where the tools put it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from wsproxy.cli.numbers import bit_bytes

_LINE = re.compile(r"\s*(?P<zerox>0x)?(?P<offset>[0-9A-Fa-f]{4,16})(?P<colon>[:h]?)(?P<rest>[ \t].*|)$")
_HEADING = re.compile(
    r"\s*(?:Offset\b.*|Path:.*|Label:.*|[- ]+|(?:0[0-9A-F] )+0[0-9A-F].*|\s*)$", re.IGNORECASE
)
_PAIRS = re.compile(r"(?:[0-9A-Fa-f]{2}[ -])*[0-9A-Fa-f]{2}")
_PREFIXED = re.compile(r"(?:\s+0x[0-9A-Fa-f]{2})+")
_GAP = re.compile(r"[ \t]{2,}")
_NARROW_GAP = re.compile(r" {2,3}(?! )")
_OD_CELLS = re.compile(r"(?: (?:[0-7]{3}| \\[0abtnvfr]|  .| \*\*))+ *")
_OD_ESCAPES = dict(zip("0abtnvfr", b"\0\a\b\t\n\v\f\r", strict=True))
_HALF_LINE = 8


@dataclass(frozen=True, slots=True)
class _Line:
    offset: str
    colon: bool
    rest: str


type _Reader = Callable[[str], bytes | None]


def read_dump(text: str) -> tuple[bytes, str] | None:
    """The bytes of a dump and the notation's name; None if `text` is no dump."""
    rows = [line for line in text.expandtabs().splitlines() if not _HEADING.match(line)]
    parsed = [None if line.strip() == "*" else _parse_line(line) for line in rows]
    lines = [line for line in parsed if line is not None]
    if not lines or any(line is None and row.strip() != "*" for line, row in zip(parsed, rows, strict=True)):
        return None
    if not _is_dump(lines):
        return None
    for name, reader in _readers(lines):
        contents = [reader(line.rest) for line in lines]
        if None not in contents:
            data = _join(parsed, [content for content in contents if content is not None])
            if data is not None:
                return data, name
    return None


def _parse_line(line: str) -> _Line | None:
    match = _LINE.match(line)
    return match and _Line(match["offset"], bool(match["colon"] or match["zerox"]), match["rest"])


def _is_dump(lines: list[_Line]) -> bool:
    first = lines[0]
    if not first.rest.strip():
        return False
    if first.colon:
        return True
    same_width = len({len(line.offset) for line in lines}) == 1
    growing = all(a.offset < b.offset for a, b in pairwise(lines))
    return same_width and growing and (not int(first.offset, 16) or len(lines) > 1)


def _readers(lines: list[_Line]) -> list[tuple[str, _Reader]]:
    words_are_swapped = not lines[0].colon and len(lines[0].offset) in (6, 7)
    framed = all(line.rest.rstrip().endswith("|") for line in lines if line.rest.strip())
    readers: list[tuple[str, _Reader]] = [
        ("hexdump -C" if framed else "dump", _byte_pairs),
        ("od -b", _octal_bytes),
    ]
    if words_are_swapped:
        readers += [
            ("hexdump", _swapped_words),
            ("od", _octal_words),
            ("od -c", _od_characters),
            ("od -t u1", _decimals),
        ]
    else:
        readers += [("xxd -b", _bits), ("xxd", _groups)]
    return readers


def _join(parsed: list[_Line | None], contents: list[bytes]) -> bytes | None:
    """Put the lines together by their offsets: `*` repeats the line before, a bare last offset is the end."""
    lines = [line for line in parsed if line is not None]
    repeated = None in parsed
    for base in (16, 8, 10):
        data = _join_in_base(parsed, lines, contents, base)
        if data is not None:
            return data
    return None if repeated else b"".join(contents)


def _join_in_base(
    parsed: list[_Line | None], lines: list[_Line], contents: list[bytes], base: int
) -> bytes | None:
    try:
        offsets = [int(line.offset, base) for line in lines]
    except ValueError:
        return None
    data, index, start = bytearray(), 0, offsets[0]
    for line in parsed:
        if line is None:
            filler = contents[index - 1] if index else b""
            while filler and index < len(offsets) and len(data) < offsets[index] - start:
                data += filler
            continue
        excess = len(data) - (offsets[index] - start)
        if excess < 0 or excess > (1 if not contents[index] else 0):
            return None
        # A dump of words pads an odd byte; the bare offset at its end tells the true length.
        del data[len(data) - excess :]
        data += contents[index]
        index += 1
    return bytes(data)


def _segments(rest: str) -> list[str]:
    for mark in ("  |", " |", "  >"):
        rest = rest.split(mark, 1)[0]
    return [segment for segment in _GAP.split(rest.strip()) if segment]


def _byte_pairs(rest: str) -> bytes | None:
    """Two digits a byte; a narrow gap after the eighth is part of the line, any other gap begins the text
    column.
    """
    if _PREFIXED.fullmatch(rest):
        return bytes.fromhex(rest.replace("0x", ""))
    segments = _segments(rest)
    if not segments:
        return b""
    match = _PAIRS.match(segments[0])
    if not match or (match.end() < len(segments[0]) and segments[0][match.end()] != " "):
        return None
    data = bytes.fromhex(match[0].replace("-", " "))
    if len(segments) > 1 and len(data) == _HALF_LINE and _NARROW_GAP.match(rest.lstrip(), match.end()):
        more = _PAIRS.fullmatch(segments[1])
        data += bytes.fromhex(more[0].replace("-", " ")) if more else b""
    return data


def _groups(rest: str) -> bytes | None:
    segments = _segments(rest)
    groups = segments[0].split() if segments else []
    if not all(re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", group) for group in groups):
        return None
    return bytes.fromhex("".join(groups))


def _bits(rest: str) -> bytes | None:
    segments = _segments(rest)
    return bit_bytes(segments[0]) if segments else b""


def _decimals(rest: str) -> bytes | None:
    tokens = rest.split()
    if not all(re.fullmatch(r"-?\d{1,3}", token) and -128 <= int(token) <= 255 for token in tokens):
        return None
    return bytes(int(token) & 0xFF for token in tokens)


def _words(rest: str, pattern: str, base: int, size: int) -> bytes | None:
    words = " ".join(_segments(rest)).split()
    if not all(re.fullmatch(pattern, word) and int(word, base) < 1 << (8 * size) for word in words):
        return None
    return b"".join(int(word, base).to_bytes(size, "little") for word in words)


def _swapped_words(rest: str) -> bytes | None:
    return _words(rest, r"[0-9A-Fa-f]{4}", 16, 2)


def _octal_words(rest: str) -> bytes | None:
    return _words(rest, r"[0-7]{6}", 8, 2)


def _octal_bytes(rest: str) -> bytes | None:
    return _words(rest, r"[0-7]{3}", 8, 1)


def _od_characters(rest: str) -> bytes | None:
    if rest and not _OD_CELLS.fullmatch(rest + " " * (-len(rest) % 4)):
        return None
    out = bytearray()
    for cell in (rest[at : at + 4].strip() for at in range(0, len(rest), 4)):
        if len(cell) == 3:
            out.append(int(cell, 8))
        elif len(cell) == 2 and cell != "**":
            out.append(_OD_ESCAPES[cell[1]])
        elif cell != "**":
            out += (cell or " ").encode()
    return bytes(out)
