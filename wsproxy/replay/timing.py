"""When what was recorded is due, at the speed it is played at. Pure: times come in as arguments."""

import math

from wsproxy.errors import UsageError

PATIENCE_NS = 1_000_000_000
"""How long something is waited for that may not come, as a recorded Ping."""

_NOW_NS = 500_000
"""What is due within half a millisecond goes out now: a loop's timers are no finer."""
_FOR_EVER_S = 1e9


def parse_speed(text: str | float | None) -> float | None:
    """The speed somebody asked for: a number, or "max" (None) for no gaps at all. Raises UsageError."""
    if text is None or text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not (math.isfinite(speed) and speed > 0):
        raise UsageError(
            f"the speed {text!r} makes no sense: give a number over 0 (1 is as recorded), or max"
        )
    return speed


def parse_patience(seconds: float | None) -> float | None:
    """How long somebody is willing to wait, None: for ever. Raises UsageError for what is no such time."""
    if seconds is None:
        return None
    if isinstance(seconds, int | float) and seconds > 0:
        return seconds if seconds < _FOR_EVER_S else None
    raise UsageError(f"patience {seconds!r} makes no sense: give seconds, a number over 0, or None for ever")


class Pace:
    """Recorded times to live ones, in nanoseconds.

    Gaps count from what was played or heard last, so that a peer that takes its time delays what follows by
    just that much.
    """

    __slots__ = ("_live_ns", "_recorded_ns", "_speed")

    def __init__(self, speed: float | None, recorded_ns: int, live_ns: int) -> None:
        self._speed = speed
        self._recorded_ns = recorded_ns
        self._live_ns = live_ns

    def gap_ns(self, recorded_ns: int) -> int:
        """How long after what was played or heard last it was recorded, at no other speed."""
        return max(0, recorded_ns - self._recorded_ns)

    def anchor(self, recorded_ns: int, live_ns: int) -> None:
        """From here on, what was at `recorded_ns` is at `live_ns`; time does not run backwards."""
        self._recorded_ns = recorded_ns
        self._live_ns = max(self._live_ns, live_ns)

    def played(self, recorded_ns: int) -> None:
        """Go on from something that was played when it was due."""
        self._live_ns = self.due(recorded_ns)
        self._recorded_ns = max(recorded_ns, self._recorded_ns)

    def due(self, recorded_ns: int) -> int:
        """When it is to be played."""
        if self._speed is None:
            return self._live_ns
        return self._live_ns + max(0, int((recorded_ns - self._recorded_ns) / self._speed))

    def wait_ns(self, recorded_ns: int, now_ns: int) -> int:
        """How long to wait until it is due; 0: play it."""
        if self._speed is None:
            return 0
        wait = self.due(recorded_ns) - now_ns
        return wait if wait > _NOW_NS else 0


class Grace:
    """How long to wait for a thing that may not come; `over` is called before the next one."""

    __slots__ = ("_until_ns",)

    def __init__(self) -> None:
        self._until_ns: int | None = None

    def until_ns(self, from_ns: int) -> int:
        """When to go on without it; it counts from the time of the first call."""
        if self._until_ns is None:
            self._until_ns = from_ns + PATIENCE_NS
        return self._until_ns

    def over(self) -> None:
        """It came, or is done without."""
        self._until_ns = None
