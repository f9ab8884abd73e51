"""Finding the end of the opening handshake in a stream: chunks in, the exact bytes of the head out.

Source: RFC 9112 sections 2.2 and 6; RFC 6455 section 4.
"""

import re

from wsproxy.errors import UsageError
from wsproxy.protocol.frame import Side
from wsproxy.protocol.heads import announces_another, is_blank, starts_response

HEAD_LIMIT = 1 << 16

_ODD_LINE_LIMIT = 128
_REQUEST_BEGUN = re.compile(rb"(?:\xef\xbb\xbf|[ \t\0])*[A-Za-z][\w-]{0,31}[ \t]")
_REQUEST_MAY_BEGIN = re.compile(rb"(?:\xef\xbb\xbf|[ \t\0])*(?:\xef\xbb?|[A-Za-z][\w-]{0,31})?")
_JUNK = rb"[ \t\"'>*#=\-\x90-\xbf\xd0-\xff][^A-Za-z\n]{0,7}"
_RESPONSE_BEGUN = re.compile(
    rb"(?:" + _JUNK + rb"|[A-Za-z][\t -~]{0,120}?)?HTTP(?: ?/| 1\.)"
    rb"|[A-Za-z][!-~]{0,60}[ \t]{1,8}\d{3}[ \t\r\n]|101[ \t]",
    re.IGNORECASE,
)
_RESPONSE_MAY_BEGIN = re.compile(
    rb"(?:[A-Za-z][\t -~]*\r*|10?1?|" + _JUNK + rb"(?:H|HT|HTT|HTTP)?)?", re.IGNORECASE
)
_FRAME_STARTS = tuple(bytes([byte]) for byte in b"\x81\x82\x88\x89\x8a\xc1")
"""First bytes of frames that begin no line of a head: neither ASCII nor UTF-8."""


class HeadReader:
    """Reads one side's head from chunks in any cutting; nothing a peer sends makes it raise or slow down.

    A head ends with its first blank line; a line ends with LF, whether or not a CR stands before it, or with
    CR if the first line does. Where a frame begins instead of a line, the blank one is missing, and so
    it is where another response begins behind an interim one. Blank lines before the head are part of it, and
    so are the interim responses (1xx, but not 101) before the final one.

    A device may send no response head at all, but frames at once. That is decided at the first byte that
    rules a head out, and reported as `headless`:

    - a request begins with a word of at most 32 letters, digits, `_` and `-`, a letter first, and white
      space; white space, NUL and byte order marks may come before it;
    - a response begins with `HTTP/` in any case; or with a letter, and has `HTTP/` somewhere in the first 126
      characters of its first line (`Error: HTTP/1.1 400 Bad Request`); or with a word and a three-digit
      number (`ICY 200 OK`); or with at most eight bytes that begin no frame, and `HTTP/`. Until one of these
      is there, its first line is printable ASCII.

    So frames are told by their first byte if that is no letter (81, 82, 88, 89, 00), by their second
    otherwise in most cases (41 05), and after 129 bytes at the latest. It is `headless`, too, when no head
    has ended after `limit` bytes. `reason` says which.

    Raises UsageError for a `limit` below 1.
    """

    __slots__ = (
        "_begun",
        "_buffer",
        "_complete",
        "_cr_ends",
        "_cr_searched",
        "_first_lines",
        "_line",
        "_request",
        "_searched",
        "_start",
        "head",
        "limit",
        "reason",
        "rest",
        "too_long",
    )

    def __init__(self, side: Side, *, limit: int = HEAD_LIMIT) -> None:
        if limit < 1:
            raise UsageError(f"limit is {limit}; a head needs at least 1 byte")
        self.limit = limit
        self.head: bytes | None = None
        self.rest = b""
        self.reason: str | None = None
        self.too_long = False
        self._request = side is Side.CLIENT
        self._buffer = bytearray()
        self._complete = 0
        self._begin_anew()
        self._start = 0
        self._line = 0
        self._searched = 0

    def _begin_anew(self) -> None:
        self._begun = False
        self._first_lines: list[bytes] = []
        self._cr_ends: bool | None = None
        self._cr_searched = 0

    @property
    def headless(self) -> bool:
        """Whether no (further) head will come; `reason` tells why."""
        return self.reason is not None

    @property
    def pending(self) -> bytes:
        """The bytes received so far, while nothing is decided."""
        return b"" if self.head is not None else bytes(self._buffer)

    def receive_data(self, data: bytes) -> bytes | None:
        """The exact head once it is complete, `rest` being what came after it; None while more is needed.

        When the peer turns out to be `headless`, the head is what came of one (nothing, or interim
        responses), and `rest` all that followed. Raises UsageError when called again after that.
        """
        if self.head is not None:
            raise UsageError("the head is complete; give what follows `rest` to a FrameDecoder")
        room = self.limit - len(self._buffer)
        self._buffer += data[:room]
        self._scan()
        if self.head is None and len(data) > room:
            self.too_long = True
            self._give_up(f"no head ended within {self.limit} bytes")
        if self.head is not None:
            self.rest += data[room:]
        return self.head

    def _scan(self) -> None:
        """Go on, line by line, from where the last call stopped; no line is searched for twice."""
        while self.head is None:
            newline = self._buffer.find(b"\n", self._searched)
            self._searched = len(self._buffer) if newline < 0 else newline + 1
            if not self._begun and not self._begins(newline):
                return
            end = self._end_without_lf(newline)
            if end is not None:
                self._searched = self._line = end
                self._end_head(end)
                continue
            if newline < 0:
                return
            if self._begun and self._is_another_head():
                self._searched = self._line
                self._end_head(self._line)
                continue
            if self._begun and self._is_blank(newline):
                self._end_head(newline + 1)
            self._line = newline + 1

    def _is_another_head(self) -> bool:
        """Whether the final response begins where the blank line of the one before it is missing."""
        if self._request or self._line == self._start:
            return False
        return starts_response(bytes(self._buffer[self._line : self._line + 5])) and announces_another(
            bytes(self._buffer[self._start : self._buffer.find(b"\n", self._start)])
        )

    def _is_blank(self, newline: int) -> bool:
        line = bytes(self._buffer[self._line : newline])
        if len(self._first_lines) < 2:
            self._first_lines.append(line)
        return self._line > self._start and is_blank(line, self._first_lines)

    def _end_without_lf(self, newline: int) -> int | None:
        """Where the head has ended before `newline`: with a frame in place of a line, or two CRs."""
        if not self._begun:
            return None
        if self._line > self._start and self._buffer[self._line : self._line + 1] in _FRAME_STARTS:
            return self._line
        stop = len(self._buffer) if newline < 0 else newline
        if self._cr_ends is None:
            self._cr_ends = self._cr_ends_line(stop)
        if not self._cr_ends:
            return None
        end = self._buffer.find(b"\r\r", max(self._start, self._cr_searched - 1), stop)
        self._cr_searched = stop
        return None if end < 0 else end + 2

    def _cr_ends_line(self, stop: int) -> bool | None:
        """Whether the first line ends with CR alone; None while that is not known."""
        cr = self._buffer.find(b"\r", max(self._start, self._cr_searched - 1), stop)
        self._cr_searched = stop
        behind = self._buffer[cr + 1 : cr + 2] if cr >= 0 else b""
        if not behind:
            return False if stop < len(self._buffer) else None
        self._cr_searched = cr
        return behind not in (b"\r", b"\n", b"\0")

    def _begins(self, newline: int) -> bool:
        """Whether the scan can go on past the first line's beginning; gives up when that rules a head out."""
        while self._buffer[self._line : self._line + 1] == b"\r":
            self._line += 1
        if self._line == newline:
            return True
        stop = self._line + _ODD_LINE_LIMIT + 1
        line = bytes(self._buffer[self._line : stop if newline < 0 else min(stop, newline + 1)])
        begun, may_begin = (
            (_REQUEST_BEGUN, _REQUEST_MAY_BEGIN) if self._request else (_RESPONSE_BEGUN, _RESPONSE_MAY_BEGIN)
        )
        if begun.match(line):
            self._begun, self._start = True, self._line
        elif len(line) > _ODD_LINE_LIMIT or not may_begin.fullmatch(line):
            self._give_up(f"the bytes begin no HTTP {'request' if self._request else 'response'}")
        return self._begun

    def _end_head(self, end: int) -> None:
        self._complete = end
        start_line = self._buffer[self._start : self._buffer.find(b"\n", self._start)]
        if not self._request and announces_another(bytes(start_line)):
            self._begin_anew()
        else:
            self._finish()

    def _give_up(self, reason: str) -> None:
        self.reason = reason
        self._finish()

    def _finish(self) -> None:
        self.head = bytes(self._buffer[: self._complete])
        self.rest = bytes(self._buffer[self._complete :])
