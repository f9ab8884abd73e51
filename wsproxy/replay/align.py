"""Two runs of messages laid side by side: which is the same, which was changed, which is missing or new.

Streams of any length in bounded memory: it never looks further ahead than a window.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

WINDOW = 256
"""How many messages ahead one is looked for on the other side."""

WINDOW_SIZE = 16 << 20
"""How many bytes ahead: the payload data that is held of each run."""

_REACH = 8
_ALIKE = 0.4
_REMEMBERED = 1024


class Pair[T](NamedTuple):
    """A message of each run that belong together; one that has no counterpart stands alone.

    `same` says that their keys are equal. `elsewhere`: a message of this key stands alone in the other run
    not far before, so that it is out of order rather than missing or new.
    """

    first: T | None
    second: T | None
    same: bool = False
    elsewhere: bool = False


class _Run[T]:
    """One of the runs, read no further than to the end of the window."""

    def __init__(self, items: Iterable[T], ways: "Ways[T]") -> None:
        self._items = iter(items)
        self._ways = ways
        self._held = 0
        self._window: deque[T] = deque()
        self._keys: deque[Hashable] = deque()

    @property
    def head(self) -> T:
        return self._window[0]

    def fill(self, count: int) -> int:
        """Have `count` items at hand if there are so many and they are not too large; how many there are."""
        while len(self._window) < count and (self._held < WINDOW_SIZE or not self._window):
            item = next(self._items, None)
            if item is None:
                break
            self._held += self._ways.size(item)
            self._window.append(item)
        return len(self._window)

    def keys(self) -> Sequence[Hashable]:
        """The keys of all that is at hand, each made once."""
        for at in range(len(self._keys), len(self._window)):
            self._keys.append(self._ways.key(self._window[at]))
        return self._keys

    def pop(self) -> T:
        item = self._window.popleft()
        if self._keys:
            self._keys.popleft()
        self._held -= self._ways.size(item)
        return item

    def take(self, count: int) -> "list[_Keyed[T]]":
        self.keys()
        return [(self._keys[0], self.pop()) for _ in range(count)]


class Ways[T](NamedTuple):
    """How to align: items with equal `key` are the same, which `same` may know without making keys; others
    are alike by `similarity`, 0 to 1. `size` is in bytes.
    """

    key: Callable[[T], Hashable]
    same: Callable[[T, T], bool]
    similarity: Callable[[T, T], float]
    size: Callable[[T], int]


def align[T](first: Iterable[T], second: Iterable[T], ways: Ways[T]) -> Iterator[Pair[T]]:
    """The two runs side by side. Of messages that are not the same those belong together that stand in the
    same place, or nearly so and are alike.
    """
    one, other = _Run(first, ways), _Run(second, ways)
    alone = _Alone[T]()
    while one.fill(1) and other.fill(1):
        if ways.same(one.head, other.head):
            yield Pair(one.pop(), other.pop(), True)
            continue
        one.fill(WINDOW)
        other.fill(WINDOW)
        skip = _meeting(one.keys(), other.keys())
        yield from alone.marked(_blocks(one.take(skip[0]), other.take(skip[1]), ways.similarity))
    while one.fill(1):
        yield from alone.marked([(one.take(1)[0], None)])
    while other.fill(1):
        yield from alone.marked([(None, other.take(1)[0])])


type _Keyed[T] = tuple[Hashable, T]
type _Laid[T] = tuple[_Keyed[T] | None, _Keyed[T] | None]


class _Alone[T]:
    """The keys that lately stood alone in either run, so that what is out of order can be told."""

    def __init__(self) -> None:
        self._first: OrderedDict[int, int] = OrderedDict()
        self._second: OrderedDict[int, int] = OrderedDict()

    def marked(self, laid: Iterable[_Laid[T]]) -> Iterator[Pair[T]]:
        for one, other in laid:
            if one is not None and other is not None:
                yield Pair(one[1], other[1])
            elif one is not None:
                yield Pair(one[1], None, elsewhere=_met(hash(one[0]), self._second, self._first))
            elif other is not None:
                yield Pair(None, other[1], elsewhere=_met(hash(other[0]), self._first, self._second))


def _met(key: int, there: "OrderedDict[int, int]", here: "OrderedDict[int, int]") -> bool:
    if there.get(key):
        there[key] -= 1
        return True
    here[key] = here.get(key, 0) + 1
    if len(here) > _REMEMBERED:
        here.popitem(last=False)
    return False


def _meeting(one: Sequence[Hashable], other: Sequence[Hashable]) -> tuple[int, int]:
    """How many of each to pass until both go on alike; where they never do, half of what is in sight."""
    places: dict[Hashable, int] = {}
    for place, key in enumerate(other):
        places.setdefault(key, place)
    best: tuple[int, int] | None = None
    for place, key in enumerate(one):
        if best is not None and place >= sum(best):
            break
        there = places.get(key)
        if there is not None and (best is None or place + there < sum(best)):
            best = place, there
    return best or (len(one) + 1 >> 1, len(other) + 1 >> 1)


def _blocks[T](
    one: list[_Keyed[T]], other: list[_Keyed[T]], similarity: Callable[[T, T], float]
) -> Iterator[_Laid[T]]:
    """Two stretches without a common message: those that are alike, or simply in the same place, in pairs."""
    if len(one) == len(other):
        yield from zip(one, other, strict=True)
        return
    place = 0
    for mine in one:
        near = other[place : place + _REACH]
        likeness = [similarity(mine[1], their[1]) for their in near]
        best = max(range(len(near)), key=likeness.__getitem__, default=None)
        if best is None or likeness[best] < _ALIKE:
            yield mine, None
            continue
        yield from ((None, their) for their in near[:best])
        yield mine, near[best]
        place += best + 1
    yield from ((None, their) for their in other[place:])
