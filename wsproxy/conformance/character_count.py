"""Texts whose length was counted in characters, though it is to be in bytes.

Source: RFC 6455 section 5.2.
"""

from codecs import utf_8_decode
from collections.abc import Iterator

_MOST_BYTES = 4
"""Of a character in UTF-8."""


def ends_by_characters(text: bytes, count: int) -> Iterator[int]:
    """How many bytes that many characters have, and as many of the 16 bits that other languages count.

    Nothing if they are not all there, or if it is the same in bytes.
    """
    if text[:count].isascii():
        return
    characters = _readable(text[: _MOST_BYTES * count])
    if len(characters) >= count:
        yield len(characters[:count].encode())
    units = characters.encode("utf-16-le")[: 2 * count]
    if len(units) == 2 * count and len(characters[:count]) * 2 != len(characters[:count].encode("utf-16-le")):
        yield len(units.decode("utf-16-le", "ignore").encode())


def _readable(text: bytes) -> str:
    """What of it is UTF-8, up to where it is not, or is cut."""
    try:
        return utf_8_decode(text, "strict", False)[0]
    except UnicodeDecodeError as error:
        return text[: error.start].decode()
