"""Writes that follow one another, sent as one."""

from collections.abc import Iterable

from wsproxy.replay.actions import Action, End, Write

_SIZE = 1 << 16


class Batch:
    """Joins the writes of a player's actions, until they are 64 KiB. `end` is what to do next after them."""

    __slots__ = ("end",)

    def __init__(self) -> None:
        self.end: End | None = None

    def next(self, actions: Iterable[Action]) -> Action:
        """What to do now; what came behind it is to be asked for again, except an End, which is kept."""
        end, self.end = self.end, None
        if end is not None:
            return end
        out: list[bytes] = []
        size = 0
        for action in actions:
            if not isinstance(action, Write):
                if not out:
                    return action
                if isinstance(action, End):
                    self.end = action
                break
            out.append(action.data)
            size += len(action.data)
            if size >= _SIZE:
                break
        return Write(b"".join(out))
