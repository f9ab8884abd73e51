"""Secrets in texts and payloads: values in JSON documents, and what patterns find.

Source: RFC 8259; RFC 6901.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import thread_time

import regex

from wsproxy.protocol.overwrite import overwritten
from wsproxy.store.pointers import Pointers

REPLACEMENT = "REDACTED"
TEXT_LIMIT = (1 << 20) - 64
"""Larger texts are overwritten as a whole: looking through them would take too long."""

TIME_LIMIT_S = 0.5
"""So much time, of a processor, all patterns together have for one text."""

_QUOTED = f'"{REPLACEMENT}"'
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_LIKE_JSON = re.compile(r'[{}\[\]"]')
_NAME, _VERSION = re.compile(r"[\w-]{1,32}[: ]+"), re.compile(r" HTTP/[\d.]{1,8}\Z")
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class TextRules:
    """What is replaced in texts: the values that `pointers` point at in JSON, and what `patterns` find."""

    pointers: Pointers
    patterns: tuple[regex.Pattern[str], ...]
    names: frozenset[str] = frozenset()
    """If not empty: what `pointers` point at is a member with one of these names."""

    @property
    def any(self) -> bool:
        """Whether there are rules for payloads."""
        return bool(self.pointers.nodes or self.patterns)

    def payload(self, payload: bytes, *, text: bool = False) -> bytes:
        """The payload, redacted; the same object if nothing was found.

        `text` says it is known to be a text: then one that looks like JSON, or a part of it, and is none, is
        overwritten if there are pointers, as nobody can tell what they point at. What is too large, or takes
        the patterns too long, is overwritten, too.
        """
        if not self.any:
            return payload
        if len(payload) > TEXT_LIMIT:
            return overwritten(len(payload))
        before = payload.decode("utf-8", "surrogateescape")
        mark = _BYTE_ORDER_MARK if before.startswith(_BYTE_ORDER_MARK) else ""
        document = before[len(mark) :]
        after = self._document(document, text=text or before.isprintable())
        if after is None:
            return overwritten(len(payload))
        return payload if after == document else (mark + after).encode("utf-8", "surrogateescape")

    def text(self, text: str) -> str:
        """The text with what the patterns find replaced; of one that takes them too long, which is a line of
        a head or a URL, no more than what it is stays.
        """
        found = self._found(text)
        if found is not None:
            return found
        name, end = _NAME.match(text), _VERSION.search(text)
        return "".join((self._short(name), REPLACEMENT, self._short(end)))

    def _short(self, match: re.Match[str] | None) -> str:
        return "" if match is None else self._found(match[0]) or ""

    def _found(self, text: str) -> str | None:
        end = thread_time() + TIME_LIMIT_S
        for pattern in self.patterns:
            left = end - thread_time()
            if left <= 0:
                return None
            try:
                text = pattern.sub(_replaced, text, timeout=left)
            except (TimeoutError, MemoryError):
                return None
        return text

    def _document(self, before: str, *, text: bool) -> str | None:
        """The text, redacted; None if that cannot be done."""
        is_json = _is_json(before)
        after = before
        if self.pointers.nodes:
            if is_json and self._may_point(before):
                after = _replace_spans(before, spans(before, self.pointers))
            elif not is_json and text and _LIKE_JSON.search(before):
                return None
        found = self._found(after)
        if is_json and found is not None and found != after:
            found = _mended(found)
        return found

    def _may_point(self, text: str) -> bool:
        return not self.names or "\\" in text or any(name in text for name in self.names)


def spans(text: str, pointers: Pointers) -> Iterator[tuple[int, int]]:
    """Where in a JSON document, which it must be, the values at `pointers` begin and end."""
    levels: list[_Level] = []
    hidden, depth = -1, 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        opens, closes = token in ("{", "["), token in ("}", "]")
        if hidden >= 0:
            depth += opens - closes
            if not depth:
                yield hidden, match.end()
                hidden = -1
            continue
        level = levels[-1] if levels else None
        if closes:
            levels.pop()
        elif level is not None and level.takes(token):
            continue
        else:
            below = pointers if level is None else level.below()
            if below.target and opens:
                hidden, depth = match.start(), 1
            elif below.target:
                yield match.start(), match.end()
            elif opens:
                levels.append(_Level(below, is_object=token == "{"))


class _Level:
    """An object or an array around the place where a scan is."""

    __slots__ = ("_index", "_is_object", "_name", "_pointers")

    def __init__(self, pointers: Pointers, *, is_object: bool) -> None:
        self._pointers = pointers
        self._is_object = is_object
        self._index = 0
        self._name: str | None = None

    def takes(self, token: str) -> bool:
        """Whether the token is its own: a member's name, or what stands between values."""
        if token == ",":
            self._index += 1
            self._name = None
        elif token != ":":
            if not self._is_object or self._name is not None:
                return False
            self._name = str(json.loads(token, strict=False))
        return True

    def below(self) -> Pointers:
        """The pointers as seen from the value that comes now."""
        return self._pointers.below(self._name or "" if self._is_object else str(self._index))


def _replace_spans(text: str, found: Iterator[tuple[int, int]]) -> str:
    parts, position = [], 0
    for start, end in found:
        parts += [text[position:start], _QUOTED]
        position = end
    return "".join((*parts, text[position:])) if parts else text


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_int=str, parse_float=str, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def _mended(text: str) -> str:
    """What was a JSON document: a number or name of a value that is replaced becomes a string."""

    def quoted(match: re.Match[str]) -> str:
        token = match[0]
        return _QUOTED if token[0] != '"' and REPLACEMENT in token else token

    return text if _is_json(text) else _TOKEN.sub(quoted, text)


def _replaced(match: regex.Match[str]) -> str:
    """What stands in place of a match: its groups replaced if the pattern has any, else all of it."""
    if not match.re.groups:
        return REPLACEMENT if match[0] else ""
    parts, position = [], match.start()
    for start, end in _groups(match):
        if start >= position:
            parts += [match.string[position:start], REPLACEMENT]
            position = end
    return "".join((*parts, match.string[position : match.end()]))


def _groups(match: regex.Match[str]) -> Sequence[tuple[int, int]]:
    """The spans of its groups that are not empty, outer ones first."""
    found = (match.span(number) for number in range(1, match.re.groups + 1))
    return sorted({span for span in found if span[0] < span[1]}, key=lambda span: (span[0], -span[1]))
