"""What goes on in place of what was received, in order and without a gap."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from wsproxy.protocol.frame import Side

type Kind = Literal["relayed", "replaced", "dropped", "injected"]


class Outgoing(NamedTuple):
    """Bytes to be sent to `side.other`, in place of the bytes `start` to `end` of `side`'s stream.

    Relayed bytes are as received. Dropped ones have no `data`. Injected ones stand for nothing received:
    their range is empty. What is not relayed says in `rules` why: the ids of the rules departed from.
    """

    side: Side
    kind: Kind
    start: int
    end: int
    data: bytes
    rules: tuple[str, ...] = ()


class Track:
    """Tiles one side's stream: every call goes on where the last one ended, in bytes of that stream.

    What is made is appended to `out`, which both sides share. `show` gives the bytes at hand: relaying up to
    an offset within them copies nothing until `flush`, which must come before they are replaced. With
    `apart`, each call makes a piece of its own.
    """

    __slots__ = ("_base", "_out", "_run", "_window", "apart", "mark", "side")

    def __init__(self, side: Side, out: list[Outgoing], *, apart: bool = False) -> None:
        self.side = side
        self.apart = apart
        self.mark = 0
        self._out = out
        self._window = b""
        self._base = 0
        self._run = 0

    @property
    def end(self) -> int:
        """Where the next call goes on."""
        return self._run

    def show(self, window: bytes, base: int) -> None:
        """The bytes at hand, the first of which is the stream's byte `base`."""
        self.flush()
        self._window = window
        self._base = base

    def holds(self, offset: int) -> bool:
        """Whether the stream from this byte on is at hand."""
        return offset >= self._base

    def relay(self, end: int, data: bytes | None = None) -> None:
        """What follows up to `end` goes on as received; `data` where it is no longer at hand."""
        if data is None:
            self._run = end
            if self.apart:
                self.flush()
        else:
            self._append("relayed", end, data, ())

    def relay_now(self, data: bytes) -> None:
        """`data`, which follows, goes on as received, at once."""
        end = self._run + len(data)
        self._out.append(Outgoing(self.side, "relayed", self._run, end, data))
        self.mark = self._run = end

    def replace(self, end: int, data: bytes, rules: Iterable[str]) -> None:
        """`data` goes on in place of what follows up to `end`."""
        self._append("replaced" if data else "dropped", end, data, rules)

    def drop(self, end: int, rules: Iterable[str]) -> None:
        """What follows up to `end` does not go on."""
        if end > self._run:
            self._append("dropped", end, b"", rules)

    def inject(self, data: bytes, rules: Iterable[str]) -> None:
        """`data` goes on, and stands for nothing."""
        if data:
            self._append("injected", self._run, data, rules)

    def flush(self) -> None:
        """Make one piece of what was relayed since the last one."""
        if self._run > self.mark:
            data = self._window[self.mark - self._base : self._run - self._base]
            self._out.append(Outgoing(self.side, "relayed", self.mark, self._run, data))
            self.mark = self._run

    def _append(self, kind: Kind, end: int, data: bytes, rules: Iterable[str]) -> None:
        self.flush()
        self._out.append(Outgoing(self.side, kind, self.mark, end, data, tuple(dict.fromkeys(rules))))
        self.mark = self._run = end
