"""Which bits of a header are which field, found by watching a construct grammar read it.

Works for any grammar: the fields of a Struct, and of a BitStruct or Struct nested in it, are told apart;
whatever else a grammar is made of counts as one field.
"""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, NamedTuple

from construct import Bitwise, Renamed, Restreamed, Struct, Transformed
from construct.lib import bytes2bits


class FieldSpan(NamedTuple):
    """A field, `offset` bytes and then `bit` bits into its header (0 is a byte's highest), `width` bits wide.

    A torn header ends in a field that is not `complete`: its `value` is None, and so is its `width` if that
    is said by what is missing.
    """

    name: str
    value: Any
    offset: int
    bit: int
    width: int | None
    complete: bool = True


def describe(grammar: Any, data: bytes) -> list[FieldSpan]:
    """The fields of the header that `data` begins with, as far as it is there; never raises.

    Fields without bits of their own (computed ones) are left out.
    """
    watch = _Watch(["header" / grammar], unit=8)
    try:
        watch.grammar.parse_stream(BytesIO(data))
    except (Exception, SystemExit):
        # A user's grammar may raise anything; what it read before is drawn.
        return list(watch.spans(0, 0, torn=True))
    return list(watch.spans(0, 0, torn=False))


class _Watch:
    """A copy of a Struct that notes each field's value, and where its stream stood, as it is read.

    `unit` is how many bits the stream's positions count: 8 in a stream of bytes, 1 in one of bits.
    """

    def __init__(self, parts: list[Any], unit: int) -> None:
        self._unit = unit
        self._parts = parts
        self._inner = [_inner(part, unit) for part in parts]
        self._done: list[tuple[Any, int]] = []
        watched = zip(parts, self._inner, strict=True)
        self.grammar = Struct(*(self._hooked(part, inner) for part, inner in watched))

    def _hooked(self, part: Any, inner: "_Watch | None") -> Any:
        if inner is not None:
            part = Renamed(Bitwise(inner.grammar) if inner._unit != self._unit else inner.grammar, part.name)
        return Renamed(part, newparsed=self._note)

    def _note(self, value: Any, context: Any) -> None:
        self._done.append((value, context._io.tell()))

    def spans(self, base: int, start: int, *, torn: bool) -> Iterator[FieldSpan]:
        """What was read from the stream's position `start` on; its position 0 is the header's bit `base`."""
        for part, inner, (value, end) in zip(self._parts, self._inner, self._done, strict=False):
            if inner is not None:
                yield from self._nested(inner, base, start, torn=False)
            elif end > start:
                yield _span(part, value, base + start * self._unit, (end - start) * self._unit)
            start = end
        if torn and len(self._done) < len(self._parts):
            yield from self._torn(len(self._done), base, start)

    def _nested(self, inner: "_Watch", base: int, start: int, *, torn: bool) -> Iterator[FieldSpan]:
        if inner._unit == self._unit:
            return inner.spans(base, start, torn=torn)
        return inner.spans(base + start * self._unit, 0, torn=torn)

    def _torn(self, index: int, base: int, start: int) -> Iterator[FieldSpan]:
        inner, part = self._inner[index], self._parts[index]
        if inner is not None:
            yield from self._nested(inner, base, start, torn=True)
            return
        known = {
            done.name: value for done, (value, _) in zip(self._parts, self._done, strict=False) if done.name
        }
        try:
            width = part.sizeof(**known) * self._unit
        except (Exception, SystemExit):
            # Its width depends on what was not read, or a user's grammar raises as it likes.
            width = None
        yield _span(part, None, base + start * self._unit, width)._replace(complete=False)


def _inner(part: Any, unit: int) -> _Watch | None:
    """The watch over the Struct or BitStruct that a field is, if it is one."""
    grammar = _unwrapped(part)
    if type(grammar) is Struct:
        return _Watch(grammar.subcons, unit)
    decode: Callable[..., bytes] | None = None
    if isinstance(grammar, Transformed):
        decode = grammar.decodefunc
    elif isinstance(grammar, Restreamed):
        decode = grammar.decoder
    if decode is bytes2bits and type(_unwrapped(grammar.subcon)) is Struct:
        return _Watch(_unwrapped(grammar.subcon).subcons, unit=1)
    return None


def _unwrapped(grammar: Any) -> Any:
    while isinstance(grammar, Renamed):
        grammar = grammar.subcon
    return grammar


def _span(part: Any, value: Any, bits: int, width: int | None) -> FieldSpan:
    return FieldSpan(part.name or "(unnamed)", value, bits // 8, bits % 8, width)
