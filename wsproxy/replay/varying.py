"""Values that differ from run to run (ids, tokens, times): taken from a live message, put into later ones."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wsproxy.replay.json_values import NotJson, Number, parse_json
from wsproxy.store.pointers import ANY, Pointers, parse_pointer

MOST_VALUES = 10_000
"""How many captured values are kept; the oldest are forgotten."""

_LONG_TEXT, _LONG_NUMBER = 8, 5
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


class _Value(NamedTuple):
    """A string or number in a JSON text: where it stands, and as what."""

    start: int
    end: int
    raw: str
    path: tuple[str, ...]
    captured: bool
    filled: bool

    @property
    def identity(self) -> str:
        """The same for all spellings of one value."""
        if self.raw[0] == '"':
            # As a document of its own it is as valid as where it stands.
            return '"' + str(parse_json(self.raw.encode("utf-8")))
        return Number(self.raw).exact

    @property
    def is_long(self) -> bool:
        """Whether nothing but the same value looks like it."""
        if self.raw[0] == '"':
            return len(self.raw) >= _LONG_TEXT + 2
        return len(self.raw) >= _LONG_NUMBER


class Varying:
    """Captures values of live messages and carries them into what the recording sends later.

    `pointers` are JSON pointers of strings and numbers (`*` is any member). A recorded value that has
    another in the live message is replaced by that in later messages, wherever it stands at the same
    pointer or under the same member name, and anywhere if it is long (a string of 8 characters, a number
    of 5); of pointers that captured the same value, the nearest counts. `/id=/reply_to` names a further place
    for it. Raises UsageError for what is no pointer.
    """

    def __init__(self, pointers: Sequence[str]) -> None:
        pairs = [re.split(r"=(?=/)", pointer, maxsplit=1) for pointer in pointers]
        self.pointers = tuple(pair[0] for pair in pairs)
        """Where values are captured: they do not count when messages are compared."""
        self._from = Pointers.of(self.pointers)
        self._into = Pointers.of(pair[-1] for pair in pairs)
        self._names = {parse_pointer(pointer)[-1] for pointer in self.pointers} - {ANY}
        self._places = [(parse_pointer(pair[0]), parse_pointer(pair[-1])) for pair in pairs]
        self._new: dict[tuple[str, int], tuple[int, str]] = {}
        self._count = 0

    def capture(self, recorded: bytes, live: bytes) -> None:
        """Note what values the live message has where the recorded one has others; no JSON has none."""
        if not self.pointers or (recorded == live and not self._new):
            return
        came = {value.path: value for value in self._values(live) if value.captured}
        pairs = ((old, came.get(old.path)) for old in self._values(recorded) if old.captured)
        found = [(old, new, old.identity != new.identity) for old, new in pairs if new is not None]
        for old, new, differs in sorted(found, key=lambda each: not each[2]):
            self._note(old, new.raw, differs=differs)
        while len(self._new) > MOST_VALUES:
            del self._new[next(iter(self._new))]

    def _note(self, old: _Value, raw: str, *, differs: bool) -> None:
        """A value that is as recorded counts only where another pointer's has changed."""
        own = [n for n, (source, _) in enumerate(self._places) if _fits(source, old.path)]
        others = set(range(len(self._places))).difference(own)
        counts = differs or any((old.identity, n) in self._new for n in others)
        self._count += 1
        for number in own:
            self._new.pop((old.identity, number), None)
            if counts:
                self._new[old.identity, number] = self._count, raw

    def carry(self, payload: bytes) -> bytes:
        """The payload with captured values in place of recorded ones, every other byte as it is."""
        if not self._new:
            return payload
        text, position, parts = "", 0, []
        for value in self._values(payload):
            new = self._live(value) if self._may_hold(value) else None
            if new is not None and new != value.raw:
                text = text or payload.decode()
                parts += [text[position : value.start], new]
                position = value.end
        return "".join((*parts, text[position:])).encode() if parts else payload

    def _may_hold(self, value: _Value) -> bool:
        return value.captured or value.filled or value.is_long or bool(self._names & set(value.path[-1:]))

    def _live(self, value: _Value) -> str | None:
        """What the value is in this run: by its place before its name, by its name before its looks; of
        equals the latest counts.
        """
        identity = value.identity
        best: tuple[int, int, str] | None = None
        for number in range(len(self._places)):
            noted = self._new.get((identity, number))
            nearness = 0 if noted is None else self._nearness(number, value)
            if noted is not None and nearness and (best is None or (nearness, *noted) > best):
                best = nearness, *noted
        return None if best is None else best[2]

    def _nearness(self, number: int, value: _Value) -> int:
        """How much speaks for a value that this pointer captured; 0: nothing."""
        source, into = self._places[number]
        if _fits(source, value.path) or _fits(into, value.path):
            return 3
        if source[-1] != ANY and value.path[-1:] == (source[-1],):
            return 2
        return int(value.is_long)

    def _values(self, payload: bytes) -> Iterator[_Value]:
        try:
            parse_json(payload)
        except NotJson:
            return
        yield from _scan(payload.decode(), self._from, self._into)


def _fits(pointer: Sequence[str], path: Sequence[str]) -> bool:
    pairs = zip(pointer, path, strict=False)
    return len(pointer) == len(path) and all(segment in (ANY, name) for segment, name in pairs)


class _Level:
    """An object or an array around the place where a scan is."""

    __slots__ = ("captures", "fills", "index", "is_object", "name", "path")

    def __init__(self, is_object: bool, path: tuple[str, ...], captures: Pointers, fills: Pointers) -> None:
        self.is_object = is_object
        self.path = path
        self.captures = captures
        self.fills = fills
        self.index = 0
        self.name: str | None = None

    @property
    def segment(self) -> str:
        return (self.name or "") if self.is_object else str(self.index)


def _scan(text: str, captures: Pointers, fills: Pointers) -> Iterator[_Value]:
    """The strings and numbers in a valid document, names left out."""
    levels: list[_Level] = []
    for match in _TOKEN.finditer(text):
        token, level = match[0], levels[-1] if levels else None
        if token in "}]":
            levels.pop()
        elif token == "," and level:
            level.index += 1
            level.name = None
        elif token[0] == '"' and level and level.is_object and level.name is None:
            level.name = parse_json(token.encode())
        elif token not in ":,":
            path = (*level.path, level.segment) if level else ()
            below = level.captures.below(path[-1]) if level else captures
            filled = level.fills.below(path[-1]) if level else fills
            if token in "{[":
                levels.append(_Level(token == "{", path, below, filled))
            elif token[0] in '"-0123456789':
                yield _Value(match.start(), match.end(), token, path, below.target, filled.target)
