"""Whether JSON that comes in parts is whole yet, without reading any of it twice.

Source: RFC 8259 section 2.
"""

import re

_MARKS = re.compile(rb'["{}\[\]]')
_STRING_END = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*("|\\?\Z)', re.DOTALL)


class JsonDepth:
    """Counts the brackets of one document. `whole` says that its first one was closed, with nothing behind it
    but white space; `broken`, that it is no JSON.
    """

    __slots__ = ("_cut", "_depth", "_in_string", "broken", "whole")

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._cut = b""
        self.whole = False
        self.broken = False

    @staticmethod
    def begins(data: bytes) -> bool:
        """Whether this may be the beginning of a document that has brackets."""
        return data.lstrip(b" \t\r\n").startswith((b"{", b"["))

    def receive(self, data: bytes) -> None:
        """More of it."""
        data, self._cut = self._cut + data, b""
        if self.whole:
            self.broken = self.broken or bool(data.strip(b" \t\r\n"))
            return
        position = 0
        while position < len(data):
            if self._in_string:
                position = self._skip_string(data, position)
                continue
            mark = _MARKS.search(data, position)
            if mark is None:
                return
            position = mark.end()
            if mark[0] == b'"':
                self._in_string = True
                continue
            self._depth += 1 if mark[0] in b"{[" else -1
            if self._depth <= 0:
                self.whole = self._depth == 0
                self.broken = not self.whole or bool(data[position:].strip(b" \t\r\n"))
                return

    def _skip_string(self, data: bytes, position: int) -> int:
        end = _STRING_END.match(data, position)
        if end is None:
            return len(data)
        self._in_string = end[1] != b'"'
        # A backslash at the end escapes what comes next.
        self._cut = b"\\" if end[1] == b"\\" else b""
        return end.end()
