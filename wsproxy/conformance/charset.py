"""Which charset text may be in that is not UTF-8: a guess, from how its bytes above 7F stand together."""

import re

_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_LETTERS = re.compile(rb"[A-Za-z]+")
_LOOKED_AT = 1 << 16
_JAVA_NUL = b"\xc0\x80"
SURROGATES = "CESU-8"


def guess_charset(data: bytes) -> str | None:
    """The charset `data` is probably in, by a name Python knows, or `SURROGATES`; None: no guess.

    Meant for text that is not UTF-8. Looks at the first 64 KiB.
    """
    data = data[:_LOOKED_AT]
    if not data:
        return None
    wide = guess_wide(data)
    if wide:
        return wide
    try:
        data.replace(_JAVA_NUL, b"\0").decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return _narrow(data)
    return SURROGATES


def is_wide(charset: str) -> bool:
    """Whether text in that charset may look like UTF-8 and still be none."""
    return "a".encode(charset) != b"a"


def decode_as(data: bytes, charset: str) -> str:
    """The text; what makes none in that charset is replaced."""
    if charset != SURROGATES:
        return data.decode(charset, "replace")
    halves = (
        data.replace(_JAVA_NUL, b"\0").decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
    )
    return halves.decode("utf-16-le", "replace")


def guess_wide(data: bytes) -> str | None:
    """The charset with two bytes a character, by a byte order mark or by every other byte being zero."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(data) % 2 or len(data) < 4:
        return None
    half = len(data) // 2
    for place, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if data[place::2].count(0) > 0.7 * half and 0 not in data[1 - place :: 2]:
            return name
    return None


def _narrow(data: bytes) -> str | None:
    runs = _HIGH_RUN.findall(data)
    longest = max(map(len, runs), default=0)
    if longest >= 4 and _reads(data, "gb18030", "\u3000", "\u9fff") and all(len(r) % 2 == 0 for r in runs):
        return "gb18030"
    count = sum(map(len, runs))
    latin = sum(map(len, _LETTERS.findall(data)))
    if longest >= 3 and count >= 5 and count > latin and _reads(data, "cp1251", "\u0400", "\u04ff"):
        return "cp1251"
    return "cp1252" if _reads(data, "cp1252", "\u00a0", "\u20ac") else None


def _reads(data: bytes, charset: str, first: str, last: str) -> bool:
    """Whether nearly all that is not ASCII would be characters from `first` to `last`."""
    try:
        text = data.decode(charset)
    except UnicodeDecodeError:
        return False
    odd = [character for character in text if character > "\x7f"]
    return sum(first <= character <= last for character in odd) >= 0.9 * len(odd)
