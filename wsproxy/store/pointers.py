"""JSON pointers to values that do not count, or vary. `*` as a segment stands for any member or element.

Source: RFC 6901.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from wsproxy.errors import UsageError

ANY = "*"

_BAD_ESCAPE = re.compile(r"~(?![01])")


@dataclass(slots=True)
class _Node:
    """A place in documents: a pointer ends here if `target`."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    target: bool = False


class Pointers(NamedTuple):
    """Some pointers as seen from one place in a document: `below` goes a step down."""

    nodes: tuple[_Node, ...] = ()

    @classmethod
    def of(cls, pointers: Iterable[str]) -> Self:
        """These pointers, from the document's root. Raises UsageError for what is no pointer."""
        root = _Node()
        for pointer in pointers:
            node = root
            for segment in parse_pointer(pointer):
                node = node.children.setdefault(segment, _Node())
            node.target = True
        return cls((root,) if root.children else ())

    @property
    def target(self) -> bool:
        """Whether one of them ends here."""
        return any(node.target for node in self.nodes)

    def below(self, segment: str) -> "Pointers":
        """As seen from the member or element with this name."""
        if not self.nodes:
            return self
        found = (node.children.get(key) for node in self.nodes for key in {segment, ANY})
        return Pointers(tuple(node for node in found if node is not None))


def parse_pointer(pointer: str) -> list[str]:
    """The segments of a pointer, unescaped. Raises UsageError for what is no pointer."""
    if not pointer.startswith("/"):
        raise UsageError(
            f"{pointer!r} is not a JSON pointer: it begins with / (RFC 6901), as in /params/0/ts"
        )
    if _BAD_ESCAPE.search(pointer):
        raise UsageError(
            f"{pointer!r} is not a JSON pointer: ~ is written ~0, and / within a name ~1 (RFC 6901)"
        )
    return [segment.replace("~1", "/").replace("~0", "~") for segment in pointer[1:].split("/")]


def last_names(pointers: Iterable[str]) -> frozenset[str]:
    """The names that the pointers end with; none if one of them may end at an element, or any member."""
    names = [parse_pointer(pointer)[-1] for pointer in pointers]
    anything = any(name == ANY or name.isdecimal() for name in names)
    return frozenset() if anything else frozenset(names)


def split_pointers(text: str) -> list[str]:
    """The pointers in a list with commas: a comma that no slash follows is part of a name."""
    return re.split(r",(?=/)", text) if text else []
