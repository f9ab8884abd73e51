"""A stream of frames that was cut into HTTP chunks, with the chunks taken off.

Some servers and the machines in front of them announce `Transfer-Encoding: chunked` with the 101 and mean it,
some do it unannounced: either way the stream begins with the size of a chunk, and a frame in it.

Source: RFC 9112 section 7.1; cases T01 T02 X15 C151.
"""

import re
from collections import deque
from typing import NamedTuple

from wsproxy.conformance.checks_foreign import foreign_bytes
from wsproxy.conformance.outgoing import Outgoing
from wsproxy.protocol.frame import Side

CHUNK_SIZE = "stream.chunk-size"

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,200})?\r\n")
_SIZE_LINE_BEGUN = re.compile(rb"(?:[0-9A-Fa-f]{1,8}[ \t]*(?:;[^\r\n]{0,200})?\r?)?")
_LEGAL = b"AB"
"""Sizes that begin with these bytes could begin a frame, too: the end of the chunk tells."""
_FIN = 0x80
_MOST_WAITED_FOR = 4096
_LAST_CHUNK_END = re.compile(rb"(?:[^\r\n]{1,1000}\r\n)*\r\n")
_MOST_TRAILERS = 8192


class _Run(NamedTuple):
    """`size` bytes of what is in the chunks, from `start` on, stand at `raw` in the stream."""

    start: int
    raw: int
    size: int


class Dechunker:
    """Takes the chunks off what `side` sends, if it begins with one; whatever is no chunk passes.

    `passes` says that there are no chunks in this stream. Never holds back more than some 8 KiB.
    """

    __slots__ = ("_held", "_left", "_mark", "_raw", "_runs", "_side", "_start", "_state", "passes")

    def __init__(self, side: Side) -> None:
        self.passes = False
        self._side = side
        self._state = self._decide
        self._held = b""
        self._left = 0
        self._raw = 0
        self._start = 0
        self._mark = 0
        self._runs: deque[_Run] = deque()

    def receive(self, data: bytes) -> bytes:
        """What is in the chunks of the next bytes."""
        self._held += data
        out: list[bytes] = []
        while self._state(out):
            pass
        return b"".join(out)

    def receive_eof(self) -> bytes:
        """The stream ends: what was held back to see whether it is chunked is not."""
        out: list[bytes] = []
        if self._state == self._decide:
            self._pass(out, len(self._held))
        return b"".join(out)

    def place(self, out: Outgoing) -> list[Outgoing]:
        """What goes on for bytes in the chunks, as pieces of the stream itself."""
        if out.kind == "relayed":
            return self._relayed(out)
        end = self._raw_end(out.end)
        if out.kind == "injected" or end <= self._mark:
            return [out._replace(start=self._mark, end=self._mark)]
        start, self._mark = self._mark, end
        framed = end - start > out.end - out.start
        rules = (*out.rules, CHUNK_SIZE) if framed and CHUNK_SIZE not in out.rules else out.rules
        return [out._replace(start=start, end=end, rules=rules)]

    def settled(self) -> list[Outgoing]:
        """What stands behind the last byte of a chunk, now that nothing of this side goes on any more."""
        return [] if self._runs else self._dropped(self._raw)

    def rest(self) -> list[Outgoing]:
        """What stands behind the last byte of a chunk, at the end of the stream."""
        end = self._raw + len(self._held)
        return self._dropped(end)

    def _decide(self, out: list[bytes]) -> bool:
        """Whether this stream is chunked at all."""
        held = self._held
        line = _SIZE_LINE.match(held)
        if line is None:
            if _SIZE_LINE_BEGUN.fullmatch(held):
                return False
        elif len(held) == line.end():
            return False
        else:
            whole = line.end() + int(line[1], 16) + 2
            if held[:1] in _LEGAL and len(held) < whole <= _MOST_WAITED_FOR:
                return False
            found = foreign_bytes(held)
            if found is not None and found.rule_id == CHUNK_SIZE and int(line[1], 16):
                self._state = self._size
                return True
            if len(held) < whole <= _MOST_WAITED_FOR and held[line.end()] >= _FIN:
                return False
        self.passes = True
        self._state = self._rest
        return True

    def _size(self, out: list[bytes]) -> bool:
        line = _SIZE_LINE.match(self._held)
        if line is None:
            if _SIZE_LINE_BEGUN.fullmatch(self._held):
                return False
            self._state = self._rest
            return True
        self._skip(line.end())
        self._left = int(line[1], 16)
        self._state = self._data if self._left else self._last
        return True

    def _data(self, out: list[bytes]) -> bool:
        size = min(self._left, len(self._held))
        self._pass(out, size)
        self._left -= size
        if self._left:
            return False
        self._state = self._end
        return True

    def _end(self, out: list[bytes]) -> bool:
        if len(self._held) < 2 and b"\r\n".startswith(self._held):
            return False
        if self._held.startswith(b"\r\n"):
            self._skip(2)
            self._state = self._size
        else:
            self._state = self._rest
        return True

    def _last(self, out: list[bytes]) -> bool:
        """Behind the last chunk: trailer fields, and whatever comes then."""
        end = _LAST_CHUNK_END.match(self._held)
        if end is not None:
            self._skip(end.end())
        elif len(self._held) < _MOST_TRAILERS and not self._held[:1] >= b"\x80":
            return False
        self._state = self._rest
        return True

    def _rest(self, out: list[bytes]) -> bool:
        """No more chunks."""
        self._pass(out, len(self._held))
        return False

    def _skip(self, size: int) -> None:
        self._held = self._held[size:]
        self._raw += size

    def _pass(self, out: list[bytes], size: int) -> None:
        if size:
            out.append(self._held[:size])
            self._runs.append(_Run(self._start, self._raw, size))
            self._start += size
            self._skip(size)

    def _raw_end(self, end: int) -> int:
        """Where in the stream the bytes up to `end` end; what lies before is forgotten."""
        found = self._mark
        while self._runs and self._runs[0].start < end:
            run = self._runs[0]
            if run.start + run.size > end:
                return run.raw + end - run.start
            found = run.raw + run.size
            self._runs.popleft()
        return found

    def _relayed(self, out: Outgoing) -> list[Outgoing]:
        pieces: list[Outgoing] = []
        position = out.start
        while position < out.end and self._runs:
            run = self._runs[0]
            size = min(run.start + run.size, out.end) - position
            raw = run.raw + position - run.start
            pieces += self._dropped(raw)
            data = out.data[position - out.start : position - out.start + size]
            pieces.append(out._replace(start=raw, end=raw + size, data=data))
            position += size
            self._mark = raw + size
            if position >= run.start + run.size:
                self._runs.popleft()
        return pieces

    def _dropped(self, end: int) -> list[Outgoing]:
        if end <= self._mark:
            return []
        start, self._mark = self._mark, end
        return [Outgoing(self._side, "dropped", start, end, b"", (CHUNK_SIZE,))]
