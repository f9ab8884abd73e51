"""Lists of numbers that are bytes: decimal, as most languages print them, signed or not; and bits."""

import re

_NUMBER = r"-?\d{1,3}"
_GAP = r"(?: ?, ?| )"
_LIST = re.compile(rf"[\[{{(<] ?({_NUMBER}(?:{_GAP}{_NUMBER})+) ?,? ?[\]}})>]")
_BARE = re.compile(rf"({_NUMBER}(?:{_GAP}{_NUMBER})+) ?,?")
_NUMBERED = re.compile(r"\{(?: ?\"\d+\" ?: ?\d{1,3} ?,?)+ ?\}")
_AROUND = re.compile(
    r"\{ ?\"type\" ?: ?\"Buffer\", ?\"data\" ?: ?\[ ?,? ?\] ?\}|[\w \[\](){}<>=;:.,#*&!]{0,120}"
)
_SOURCE = re.compile(
    r"\b(?:bytes|bytearray)\(|byte\s*\[\]|Array\b|Buffer\b|asList\(|byteArrayOf\(|\bu8;|UInt8\b|uint8"
)
_BITS = re.compile(r"[01]{8}(?: ?[,|_ ] ?[01]{8})*")


def decimal_bytes(text: str) -> bytes | None:
    """The bytes of the one list of decimal numbers in `text`; None if there is none, or if it may be hex."""
    text = " ".join(text.split())
    if _NUMBERED.fullmatch(text):
        return _bytes(re.findall(r":\s*(\d+)", text))
    text = text.replace("u8,", ",").replace("u8]", "]")
    bare = _BARE.fullmatch(text)
    lists = [bare[1]] if bare else [found[1] for found in _LIST.finditer(text)]
    if len(lists) != 1 or not _AROUND.fullmatch(text.replace(lists[0], "")):
        return None
    tokens = re.findall(r"-?\d+", lists[0])
    # Between blanks alone a number is decimal only if no byte in hex is as long.
    plain = not any(len(token) > 2 for token in tokens) and "," not in lists[0]
    if plain or (all(len(token) == 2 for token in tokens) and not _is_source(text, tokens)):
        return None
    return _bytes(tokens)


def _is_source(text: str, tokens: list[str]) -> bool:
    """Whether it is in a programming language, where a number without a mark is decimal."""
    return bool(_SOURCE.search(text)) and not any(token.startswith("0") for token in tokens)


def bit_bytes(text: str) -> bytes | None:
    """The bytes of groups of eight bits; None if it is something else."""
    text = " ".join(text.split())
    return bytes(int(bits, 2) for bits in re.findall("[01]{8}", text)) if _BITS.fullmatch(text) else None


def _bytes(tokens: list[str]) -> bytes | None:
    values = [int(token) for token in tokens]
    return bytes(value & 0xFF for value in values) if all(-128 <= each <= 255 for each in values) else None
