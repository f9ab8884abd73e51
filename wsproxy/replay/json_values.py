"""JSON as it is compared: what it says, not how it is spelt. Untrusted text in, bounded work, no crash.

Source: RFC 8259; RFC 6901 for pointers.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from wsproxy.store.pointers import Pointers

DEEPEST = 200
"""Documents nested more deeply are compared as text."""

_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?")
_LONGEST_EXPONENT = 18
_PLAIN_DIGITS = 30
_IGNORED = "?"


class Number(str):
    """A number (or NaN, Infinity, -Infinity, which some peers write) as it was spelt."""

    __slots__ = ()

    @property
    def exact(self) -> str:
        """The same text for all spellings of one number: digits, `e`, exponent; nothing is rounded."""
        match = _NUMBER.fullmatch(self)
        if match is None or len(match[4] or "") > _LONGEST_EXPONENT:
            return str(self)
        sign, whole, fraction = match[1], match[2], match[3] or ""
        digits = (whole + fraction).lstrip("0")
        significant = digits.rstrip("0")
        if not significant:
            return "0"
        exponent = int(match[4] or 0) - len(fraction) + len(digits) - len(significant)
        return f"{sign}{significant}e{exponent}"

    @property
    def plain(self) -> str:
        """An exact spelling for people: without exponent or needless zeros where that is short."""
        digits, mark, exponent = self.exact.partition("e")
        places = int(exponent) if mark else 0
        if not mark or len(digits) + abs(places) > _PLAIN_DIGITS:
            return digits if self.exact == "0" else str(self)
        if places >= 0:
            return digits + "0" * places
        sign, digits = ("-", digits[1:]) if digits[0] == "-" else ("", digits)
        digits = digits.rjust(1 - places, "0")
        return f"{sign}{digits[:places]}.{digits[places:]}"


class NotJson(ValueError):
    """The payload is no JSON document, or one too deep to be compared as such."""


def parse_json(payload: bytes) -> Any:
    """The document in a payload: objects as tuples of (name, value), so that none is lost where a name is
    doubled, arrays as lists, numbers as `Number`. Raises NotJson.
    """
    try:
        text = payload.decode()
        value = json.loads(
            text, object_pairs_hook=tuple, parse_int=Number, parse_float=Number, parse_constant=Number
        )
    except (ValueError, RecursionError) as error:
        raise NotJson from error
    if text.count("[") + text.count("{") > DEEPEST:
        _check_depth(value)
    return value


def canonical(value: Any, ignored: Pointers) -> str:
    """A text that is the same for documents that say the same, apart from what stands at `ignored`.

    The order of members does not count, that of values under a doubled name does. An ignored array element
    stands for any, and for none at the end of its array.
    """
    parts: list[str] = []
    _write(value, ignored, parts)
    return "".join(parts)


def with_values(value: Any, other: Any, pointers: Pointers) -> Any:
    """The document with what stands at `pointers` in the other one: with nothing where that has nothing."""
    if pointers.nodes and type(value) is type(other) is tuple:
        return _object_with_values(value, other, pointers)
    if pointers.nodes and type(value) is type(other) is list:
        return _array_with_values(value, other, pointers)
    return value


def pretty_lines(value: Any) -> list[str]:
    """The document for a diff: a line for each member or element, members by name."""
    return list(_pretty(value, "", "", ""))


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [child for each in level for child in _children(each)]
        if not level:
            return
    raise NotJson


def _children(value: Any) -> list[Any]:
    if type(value) is list:
        return value
    return [member for _, member in value] if type(value) is tuple else []


def _write(value: Any, ignored: Pointers, parts: list[str]) -> None:
    if type(value) is tuple:
        _write_object(value, ignored, parts)
    elif type(value) is list:
        _write_array(value, ignored, parts)
    else:
        parts.append(_scalar(value))


def _write_object(members: tuple[tuple[str, Any], ...], ignored: Pointers, parts: list[str]) -> None:
    parts.append("{")
    for name, value in sorted(members, key=_name):
        below = ignored.below(name)
        if not below.target:
            parts.append(json.dumps(name) + ":")
            _write(value, below, parts)
            parts.append(",")
    parts.append("}")


def _write_array(elements: list[Any], ignored: Pointers, parts: list[str]) -> None:
    if not ignored.nodes:
        parts.append("[")
        for element in elements:
            _write(element, ignored, parts)
            parts.append(",")
        parts.append("]")
        return
    written: list[str] = []
    for index, element in enumerate(elements):
        below = ignored.below(str(index))
        if below.target:
            written.append(_IGNORED)
        else:
            start = len(parts)
            _write(element, below, parts)
            written.append("".join(parts[start:]))
            del parts[start:]
    while written and written[-1] is _IGNORED:
        written.pop()
    parts.append("[" + "".join(f"{each}," for each in written) + "]")


def _object_with_values(
    members: tuple[tuple[str, Any], ...], others: tuple[tuple[str, Any], ...], pointers: Pointers
) -> tuple[tuple[str, Any], ...]:
    named = dict(others)
    placed = [(name, value, pointers.below(name)) for name, value in members]
    return (
        *((name, with_values(value, named.get(name), at)) for name, value, at in placed if not at.target),
        *(member for member in others if pointers.below(member[0]).target),
    )


def _array_with_values(elements: list[Any], others: list[Any], pointers: Pointers) -> list[Any]:
    filled: list[Any] = []
    for index in range(max(len(elements), len(others))):
        at, here, there = pointers.below(str(index)), elements[index : index + 1], others[index : index + 1]
        if at.target:
            filled += there
        else:
            filled += [with_values(value, there[0], at) for value in here] if there else here
    return filled


def _scalar(value: Any) -> str:
    return value.exact if type(value) is Number else json.dumps(value)


def _name(member: tuple[str, Any]) -> str:
    return member[0]


def _pretty(value: Any, indent: str, before: str, after: str) -> Iterator[str]:
    if not value or type(value) not in (list, tuple):
        yield f"{indent}{before}{_shown(value)}{after}"
        return
    is_object = type(value) is tuple
    items = sorted(value, key=_name) if is_object else [("", element) for element in value]
    yield f"{indent}{before}{'{' if is_object else '['}"
    for at, (name, item) in enumerate(items):
        label = json.dumps(name, ensure_ascii=False) + ": " if is_object else ""
        yield from _pretty(item, indent + "  ", label, "," if at < len(items) - 1 else "")
    yield f"{indent}{'}' if is_object else ']'}{after}"


def _shown(value: Any) -> str:
    if type(value) is Number:
        return value.plain
    if type(value) is tuple:
        return "{}"
    return json.dumps(value, ensure_ascii=False)
