"""Line ends, white space and zero bytes between frames.

Source: RFC 6455 section 5.2.
"""

import re

from wsproxy.conformance.stray import ForeignBytes
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.header import Header
from wsproxy.protocol.opcodes import Opcode

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LINE_ENDS = re.compile(rb"(?:\r\n)+(?!\r?\n)")
FIN = 0x80
_LINE_END, _SPACE, _ZERO = "stream.stray-line-end", "stream.stray-space", "stream.stray-zero"
_ZERO_AND_LINE_ENDS = re.compile(rb"\0\r(?:\n\r)*\n?")
_ODD_LINE_ENDS = re.compile(rb"\r[\r\n\0]*(?=[\x80-\xff])|[\r\n]+")
_SPACES = {
    Side.SERVER: re.compile(rb" [ \t\r\n]*|\t(?=[\x80-\xff])"),
    Side.CLIENT: re.compile(rb" [ \t\r\n]*(?=.[\x80-\xff])", re.DOTALL),
}
_LINE_FEEDS = re.compile(rb"\n+")
_LONG_FORM = 126
_RSV, _OPCODE = 0x70, 0x0F


def stray_bytes(data: bytes, *, message_open: bool, side: Side | None) -> ForeignBytes | None:
    """The line ends, the white space or the zero byte that `data` begins with, if no frame begins so."""
    found = None
    if side is Side.CLIENT and data[:1] == b"\n" and not message_open:
        found = _line_feeds_of_client(data)
    elif side is Side.SERVER or data[:1] == b"\r":
        found = _odd_line_ends(data, message_open=message_open)
    if found is None and data[:2] == b"\r\n":
        found = ForeignBytes(_LINE_END, 2, "1 CR LF between frames")
    if found is not None or message_open:
        return found
    return _spaces(data, side or Side.SERVER) or stray_zero(data, side)


def line_ends(data: bytes) -> ForeignBytes | None:
    """CR LF, once or more. As a frame it would be a reserved control frame without FIN: nothing that follows
    can make it right.
    """
    run = LINE_ENDS.match(data)
    if not run:
        return None
    return ForeignBytes(_LINE_END, run.end(), f"{run.end() // 2} CR LF between frames")


def stray_zero(data: bytes, side: Side | None) -> ForeignBytes | None:
    """A zero byte, where no message is under way.

    00 00 is an empty, unfinished continuation frame; one zero before a plausible header is a stray. So it is
    before one with wrong RSV bits, where a server would otherwise have masked the continuation.
    """
    if data[:1] != b"\x00":
        return None
    header = _behind_zero(data)
    final = header[:1] >= b"\x80"
    if final and side is Side.SERVER and not header.startswith(BYTE_ORDER_MARK):
        header = bytes((header[0] & ~_RSV,)) + header[1:]
    if not plausible_header(header) and not header.startswith(BYTE_ORDER_MARK):
        return None
    if not final and _is_short_frame(data):
        return None
    return ForeignBytes(_ZERO, 1, "a zero byte between frames")


def doubtful_rule(data: bytes, side: Side) -> str | None:
    """By which rule `data` may begin with a stray byte, if only what comes behind it can tell, where no
    message is under way: a zero byte may begin a continuation as well, and a client's line feed a pong.
    """
    if data[:1] == b"\n":
        return _LINE_END if side is Side.CLIENT and _is_doubtful_line_feed(data) else None
    header = _behind_zero(data)
    may_be_either = data[:1] == b"\x00" and header[:1] < b"\x80" and plausible_header(header)
    undecided = may_be_either and data[1] < _LONG_FORM and len(data) <= 2 + data[1]
    return _ZERO if undecided or _ZERO_AND_LINE_ENDS.fullmatch(data) else None


def plausible_header(data: bytes) -> bool:
    """A first byte that strict peers take: FIN or not, a registered opcode, no RSV bit but RSV1."""
    return (
        bool(data) and data[0] & 0x30 == 0 and data[0] & 0x0F in (0, 1, 2, 8, 9, 10) and data[0] & 0x8F != 0
    )


def _odd_line_ends(data: bytes, *, message_open: bool) -> ForeignBytes | None:
    run = _ODD_LINE_ENDS.match(data)
    if run is None or not plausible_header(data[run.end() :]) or data[run.end()] < FIN:
        return None
    if data[run.end()] & _OPCODE == 0 and not message_open:
        # 0A 80 is a pong without FIN that a server masked, rather than a line feed and the end of nothing.
        return None
    return ForeignBytes(_LINE_END, run.end(), f"{run[0]!r} between frames".removeprefix("b"))


def _spaces(data: bytes, side: Side) -> ForeignBytes | None:
    # As a frame it would be a continuation with RSV2, or (a tab) a ping without FIN that a server masked.
    run = _SPACES[side].match(data)
    if run is None or not _begins_message(data[run.end() :]):
        return None
    return ForeignBytes(_SPACE, run.end(), f"{run[0]!r} between frames".removeprefix("b"))


def _begins_message(data: bytes) -> bool:
    """Whether a whole message or a control frame may begin so."""
    return plausible_header(data) and data[0] >= FIN and data[0] & _OPCODE != 0


def _line_feeds_of_client(data: bytes) -> ForeignBytes | None:
    """A line feed, if what would follow the pong that it may begin can be no frame. Behind a Close nothing
    follows that could tell.
    """
    run = _LINE_FEEDS.match(data)
    if run is None or not _begins_masked(data[run.end() :]):
        return None
    end = _frame_end(data) or len(data) + 1
    if end < len(data):
        told = not plausible_header(data[end:]) or b"" < data[end + 1 : end + 2] < b"\x80"
    else:
        closes = data[run.end()] & _OPCODE == Opcode.CLOSE
        told = closes and end > len(data) == run.end() + (_frame_end(data[run.end() :]) or 0)
    return ForeignBytes(_LINE_END, run.end(), f"{run.end()} LF between frames") if told else None


def _is_doubtful_line_feed(data: bytes) -> bool:
    """Whether more of `data` tells if a client's line feed stands before a frame, or begins a pong."""
    begins = _begins_masked(_LINE_FEEDS.sub(b"", data, count=1))
    if not begins or _line_feeds_of_client(data) is not None:
        return False
    end = _frame_end(data)
    return end is None or len(data) < end + 2


def _begins_masked(data: bytes) -> bool:
    return _begins_message(data) and data[1:2] >= b"\x80"


def _frame_end(data: bytes) -> int | None:
    """Where the frame ends that `data` begins with; None while its header is not whole."""
    header = RFC6455.read_header(data)
    return header.size + (header.length or 0) if isinstance(header, Header) else None


def _behind_zero(data: bytes) -> bytes:
    run = LINE_ENDS.match(data, 1)
    return data[run.end() if run else 1 :]


def _is_short_frame(data: bytes) -> bool:
    """Whether it may be an unmasked short frame: behind it another one may begin, or nothing has come yet."""
    end = 2 + data[1]
    return data[1] < _LONG_FORM and (end >= len(data) or plausible_header(data[end:]))
