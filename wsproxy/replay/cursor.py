"""A place in a script whose steps come page by page."""

from collections.abc import Sequence

from wsproxy.replay.model import PlayedMessage
from wsproxy.replay.script import Expect, Play, Step


class Cursor:
    """Where one connection is in its script: `current` is the step to take, None where more are needed."""

    __slots__ = ("_at", "_steps", "complete")

    def __init__(self) -> None:
        self._steps: Sequence[Step] = ()
        self._at = 0
        self.complete = False
        """Whether all steps were taken."""

    def feed(self, steps: Sequence[Step]) -> None:
        """Give the next steps; none: there are no more."""
        self._steps, self._at = steps, 0
        self.complete = not steps

    @property
    def current(self) -> Step | None:
        """The step to take."""
        return self._steps[self._at] if self._at < len(self._steps) else None

    def advance(self) -> None:
        """The step is done."""
        self._at += 1

    @property
    def left(self) -> Sequence[Step]:
        """The steps not taken, of those that were given."""
        return self._steps[self._at :]

    def next_expected(self) -> PlayedMessage | None:
        """The message that is expected next, as far as steps are known."""
        for place in range(self._at, len(self._steps)):
            step = self._steps[place]
            if isinstance(step, Expect):
                return step.message
        return None

    def next_played(self) -> Play | None:
        """What is played next, as far as steps are known."""
        for place in range(self._at, len(self._steps)):
            step = self._steps[place]
            if isinstance(step, Play):
                return step
        return None
