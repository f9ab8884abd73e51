"""What waits for the writer's thread, and the back-pressure that keeps it small."""

import sys
from collections import deque
from collections.abc import Callable
from threading import Event, Lock

# What an item costs besides its data (tuple, bytes object, numbers): without it a flood of tiny chunks would
# count as nothing.
_ITEM_COST = 256
_LEAST_HIGH_WATER = 64 << 10
_FIRST_HIGH_WATER = 256 << 10


class Intake[Item]:
    """A queue into the writer's thread.

    `put` is called from one thread at a time (the event loop's), the rest from the writer's, `finish` from
    any. `on_pressure(True)` is called in the putting thread only, at once, when more than the high-water mark
    waits (bytes, at most `high_water`): told from another thread, the event loop would hear of it too late.
    `on_pressure(False)` is called in the writer's, when less than a quarter of that waits. The mark follows
    the pace at which data is taken, see `set_pace`. `hold` keeps the pressure on, whatever waits.
    """

    def __init__(self, high_water: int, on_pressure: Callable[[bool], None]) -> None:
        self._items: deque[Item] = deque()
        self._most = high_water
        self._high = min(high_water, _FIRST_HIGH_WATER)
        self._on_pressure = on_pressure
        self._put = self._done = self._committed = 0
        self._notice_at = self._high
        self._held = self._pressed = False
        self._lock = Lock()
        self._wake = Event()
        self.closed = False

    @property
    def backlog(self) -> int:
        """Bytes put in and not committed yet, what it costs to keep them included."""
        return self._put - self._committed

    @property
    def stored(self) -> int:
        """Bytes done so far, counted in the same way."""
        return self._done

    def put(self, item: Item, size: int) -> None:
        """Add `item`, which holds `size` bytes; a no-op once closed."""
        if self.closed:
            return
        self._items.append(item)
        self._put += size + _ITEM_COST
        if self._put - self._done > self._notice_at:
            self._wake.set()
            self._settle(press=True)

    def wait(self, seconds: float) -> None:
        """Let data gather: for `seconds`, or until much waits, or `finish` is called."""
        self._notice_at = self._high // 4
        if self._put - self._done <= self._notice_at:
            self._wake.wait(seconds)
        self._wake.clear()
        self._settle()

    def take(self) -> list[Item]:
        """All items there are, first come first."""
        items = self._items
        return [items.popleft() for _ in range(len(items))]

    def done(self, size: int, count: int) -> None:
        """Say that `count` items with `size` bytes need no more memory: they wait no longer."""
        self._done += size + count * _ITEM_COST
        if self._pressed:
            self._settle()

    def commit(self) -> None:
        """Say that what is done is committed."""
        self._committed = self._done

    def set_pace(self, bytes_a_second: float, catch_up_time: float) -> None:
        """Let no more wait than can be taken in `catch_up_time` seconds, so that nothing waits for long."""
        self._set_high(int(bytes_a_second * catch_up_time))

    def raise_mark(self, stored: int) -> None:
        """Let more wait again if that many bytes, stored in no time, say something about the pace."""
        if stored >= self._high // 4:
            self._set_high(2 * self._high)

    def _set_high(self, allowed: int) -> None:
        self._high = min(self._most, max(allowed, _LEAST_HIGH_WATER))
        self._settle()

    def hold(self, held: bool) -> None:
        """Keep the pressure on, or no longer."""
        if held is not self._held:
            self._held = held
            self._settle()

    def finish(self) -> None:
        """Accept nothing more; what is there can still be taken."""
        self.closed = True
        self._wake.set()

    def discard(self) -> None:
        """Accept nothing more, and forget what is there."""
        self.closed = True
        self._items.clear()
        self._done = self._committed = self._put
        self._held = False
        self._settle()

    def _settle(self, *, press: bool = False) -> None:
        # One lock around judging and telling: on_pressure calls must not overtake one another.
        with self._lock:
            waiting = self._put - self._done
            wanted = self._held or waiting > (self._high // 4 if self._pressed else self._high)
            if wanted and not self._pressed and not press:
                self._notice_at = -1
                return
            self._notice_at = sys.maxsize if wanted else self._high
            if wanted is not self._pressed:
                self._pressed = wanted
                self._on_pressure(wanted)
