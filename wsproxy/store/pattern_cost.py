"""How long a regular expression may take, from what it looks like: it runs over what peers send.

Python's engine tries one way to match after another. How many there can be is counted here from above: where
a repetition may end is a choice if what follows it may be part of it as well. `a*b` has one end, `.*b` as
many as the text has characters, `.*.*b` as many as pairs of them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

_MOST_STEPS = 2e8
_LEAST_LENGTH = 200
_LONG = 1000
_TOO_MANY = 1e30
_LATIN_1 = 256
_BEYOND = frozenset(map(ord, "\u4e2d\u0661\u2003\u2020"))
"""Stand for all other characters: a letter, a digit, a space, and one that is none of these."""

_LETTER = ord("\u4e2d")
_ALL = frozenset(range(_LATIN_1)) | _BEYOND
_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
_ASSERTIONS = (_constants.ASSERT, _constants.ASSERT_NOT)
_AT_BEGINNING = (_constants.AT_BEGINNING, _constants.AT_BEGINNING_STRING)
_CATEGORIES = {
    _constants.CATEGORY_DIGIT: r"\d",
    _constants.CATEGORY_NOT_DIGIT: r"\D",
    _constants.CATEGORY_SPACE: r"\s",
    _constants.CATEGORY_NOT_SPACE: r"\S",
    _constants.CATEGORY_WORD: r"\w",
    _constants.CATEGORY_NOT_WORD: r"\W",
}
_SCOPED = re.compile(r"\(\?([aiLmsux]+)(?:-[imsx]+)?:")
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}

type _Chars = frozenset[int]


class TooCostlyError(ValueError):
    """A pattern that can take for ever on a short text already."""


def longest_text(pattern: str, most: int, share: float = 1.0) -> int:
    """The longest text, in characters, that the pattern may be tried on: `most`, or less if that could take
    more than a second or two, of which this pattern may have `share`.

    Raises TooCostlyError where that is less than anybody can use, re.error for what is no pattern.
    """
    parsed = _parser.parse(pattern)
    flags = parsed.state.flags
    for scoped in _SCOPED.findall(pattern):
        if "a" in scoped:
            raise TooCostlyError
        flags |= sum(_FLAGS[each] for each in set(scoped) & set(_FLAGS))
    cost = _Walk(flags).cost(list(parsed))
    length = int(min(most, (share * _MOST_STEPS / cost.factor) ** (1 / cost.power)))
    if length < _LEAST_LENGTH:
        raise TooCostlyError
    return length


class _Cost(NamedTuple):
    """So many steps at most: `factor` times the length of the text to the power of `power`."""

    factor: float
    power: int


class _Next(NamedTuple):
    """What comes behind a place: with which characters it can begin, and whether nothing need come."""

    first: _Chars
    done: bool


_END = _Next(frozenset(), True)
_UNKNOWN = _Next(_ALL, False)


@dataclass(slots=True)
class _Count:
    """`ends` long repetitions have ends to choose from; `choices` is the product of all other choices,
    `steps` that of the lengths of short repetitions.
    `runs` are the characters in repetitions that are gone through, `loose` says whether those of one with a
    single end may be gone through again and again.
    """

    choices: float = 1.0
    steps: float = 1.0
    ends: int = 0
    runs: _Chars = frozenset()
    loose: bool = False

    def add(self, other: "_Count", times: int = 1) -> None:
        self.choices = min(self.choices * other.choices ** min(times, 100), _TOO_MANY)
        self.steps = min(self.steps * other.steps, _TOO_MANY)
        self.ends += other.ends * times
        self.runs |= other.runs
        self.loose |= other.loose


class _Walk:
    def __init__(self, flags: int) -> None:
        self._flags = flags

    def cost(self, items: Sequence[Any]) -> _Cost:
        count = _Count()
        self._sequence(items, _END, _ALL, count)
        inner = max(count.ends + count.loose, int(bool(count.runs)))
        return _Cost(
            count.choices * count.steps,
            max(1, inner + (inner > 0 and self._starts_overlap(items, count.runs))),
        )

    def _starts_overlap(self, items: Sequence[Any], runs: _Chars) -> bool:
        """Whether what is gone through from one beginning may be gone through from the next one again."""
        for op, value in items:
            if op is _constants.AT and value in _AT_BEGINNING and not self._flags & re.MULTILINE:
                return False
            if op is _constants.SUBPATTERN:
                return self._starts_overlap([*value[3]], runs)
            if op is _constants.ASSERT_NOT and value[0] < 0:
                # Nothing begins behind a character of a run: `(?<!\w)\w+@`.
                return len(value[1]) != 1 or not runs <= (self._single(*value[1][0]) or frozenset())
            chars = self._single(op, value)
            if chars is None:
                return True
            if not chars & runs:
                return False
        return True

    def _sequence(self, items: Sequence[Any], behind: _Next, before: _Chars, count: _Count) -> _Next:
        """Count the items from the last to the first; what they are to those in front of them. `before` are
        the characters that may stand in front of them.
        """
        for index in range(len(items) - 1, -1, -1):
            behind = self._item(items[index], behind, self._last(items[:index], before), count)
        return behind

    def _last(self, items: Sequence[Any], before: _Chars) -> _Chars:
        """The characters that may be the last of what they match."""
        found: _Chars = frozenset()
        for item in reversed(items):
            op, value = item
            if op is _constants.AT:
                continue
            found |= self._chars_in([item])
            if op not in _REPEATS or value[0]:
                return found if self._single(op, value) or op in _REPEATS else found | before
        return found | before

    def _item(self, item: Any, behind: _Next, before: _Chars, count: _Count) -> _Next:
        op, value = item
        chars = self._single(op, value)
        if chars is not None:
            return _Next(chars, False)
        if op in _REPEATS:
            return self._repeat(item, behind, before, count)
        if op is _constants.SUBPATTERN:
            return self._sequence([*value[3]], behind, before, count)
        if op is _constants.BRANCH:
            return self._branch([[*each] for each in value[1]], behind, before, count)
        if op is _constants.GROUPREF_EXISTS:
            return self._branch([[*value[1]], [*(value[2] or ())]], behind, before, count)
        if op is _constants.ATOMIC_GROUP:
            inside = self._sequence([*value], _END, before, count)
            return _Next(inside.first | behind.first, inside.done and behind.done)
        if op in _ASSERTIONS:
            self._sequence([*value[1]], _UNKNOWN, _ALL, count)
        elif op is not _constants.AT:
            # What a group has found, and what future versions may know.
            count.runs, count.loose = _ALL, True
        return _UNKNOWN

    def _repeat(self, item: Any, behind: _Next, before: _Chars, count: _Count) -> _Next:
        op, (least, most, body) = item
        inner, items, times = _Count(), [*body], int(most)
        alone = self._sequence(items, _END, _ALL, _Count())
        again = _Next(alone.first | behind.first, behind.done and least <= 1)
        first = self._sequence(items, again if times > 1 else behind, before, inner)
        chars = self._chars_in(items)
        kept = op is _constants.POSSESSIVE_REPEAT
        open_ended = not (kept or least == times or behind.done) and bool(chars & behind.first or alone.done)
        gone_through = not behind.done or least > 1 or bool(inner.runs)
        if times < _LONG:
            count.add(inner, times)
            count.choices *= times - least + 1 if open_ended else 1
            count.steps *= max(times, 1) if gone_through else 1
        elif not kept and (inner.choices > 1 or inner.ends):
            raise TooCostlyError
        else:
            if gone_through:
                inner.runs |= chars
                inner.ends += open_ended
                inner.loose |= not open_ended and bool(before & chars)
            count.add(inner)
        optional = least == 0 or alone.done
        return _Next(first.first | behind.first if optional else first.first, optional and behind.done)

    def _branch(
        self, branches: Sequence[Sequence[Any]], behind: _Next, before: _Chars, count: _Count
    ) -> _Next:
        counts = [_Count() for _ in branches]
        nexts = [
            self._sequence(items, behind, before, each) for items, each in zip(branches, counts, strict=True)
        ]
        first: _Chars = frozenset().union(*(each.first for each in nexts))
        overlap = sum(len(each.first) for each in nexts) > len(first)
        choices = [each.choices for each in counts]
        either = _Count(
            sum(choices) if overlap else max(choices),
            max(each.steps for each in counts),
            max(each.ends for each in counts),
            frozenset().union(*(each.runs for each in counts)),
            any(each.loose for each in counts),
        )
        count.add(either)
        return _Next(first, any(each.done for each in nexts))

    def _chars_in(self, items: Iterable[Any]) -> _Chars:
        """All characters that may be in what they match."""
        found: _Chars = frozenset()
        for op, value in items:
            if (chars := self._single(op, value)) is not None:
                found |= chars
            elif op in _REPEATS:
                found |= self._chars_in(value[2])
            elif op is _constants.SUBPATTERN:
                found |= self._chars_in(value[3])
            elif op is _constants.BRANCH:
                found = found.union(*map(self._chars_in, value[1]))
            elif op is not _constants.AT and op not in _ASSERTIONS:
                return _ALL
        return found

    def _single(self, op: Any, value: Any) -> _Chars | None:
        """The characters of an item that is one character; None if it is something else."""
        if op is _constants.LITERAL:
            return self._literal(value)
        if op is _constants.NOT_LITERAL:
            return _ALL - {value}
        if op is _constants.ANY:
            return _ALL if self._flags & re.DOTALL else _ALL - {ord("\n")}
        return self._class(value) if op is _constants.IN else None

    def _class(self, parts: Sequence[Any]) -> _Chars:
        negated = bool(parts) and parts[0][0] is _constants.NEGATE
        found: set[int] = set()
        for op, value in parts[negated:]:
            if op is _constants.CATEGORY:
                found |= self._category(value)
                continue
            least, most = (value, value) if op is _constants.LITERAL else value
            for code in range(least, min(most, _LATIN_1 - 1) + 1):
                found |= {code} if negated else self._literal(code)
            if most >= _LATIN_1 and not negated:
                found |= _BEYOND
        return _ALL - found if negated else frozenset(found)

    def _literal(self, code: int) -> _Chars:
        if code >= _LATIN_1:
            return _BEYOND if not self._flags & re.IGNORECASE else _ALL
        if not (self._flags & re.IGNORECASE and chr(code).isalpha()):
            return frozenset({code})
        cases = chr(code).lower() + chr(code).upper()
        return frozenset({code, _LETTER, *(ord(each) for each in cases if ord(each) < _LATIN_1)})

    def _category(self, category: Any) -> set[int]:
        pattern = re.compile(_CATEGORIES[category], self._flags & re.ASCII)
        return {code for code in _ALL if pattern.match(chr(code))}
