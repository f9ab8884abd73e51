"""Bytes that are not a frame, where a frame should begin.

Peers and the machines between them put HTTP answers, TLS records, chunk sizes, line ends and zeros into a
stream of frames. Decoded as frames they make wild opcodes and lengths; read as what they are they name
the culprit. Nothing here matches bytes that could begin a legal frame.
"""

import re
from collections.abc import Sequence

from wsproxy.conformance.checks_stray import (
    BYTE_ORDER_MARK,
    FIN,
    LINE_ENDS,
    line_ends,
    plausible_header,
    stray_bytes,
    stray_zero,
)
from wsproxy.conformance.stray import ForeignBytes
from wsproxy.protocol.frame import Frame, Side

FRAME_WINDOW = 1 << 12
"""So many bytes of what may be a frame tell what it is."""

NO_FRAMES = frozenset(
    {
        "handshake.request.body",
        "handshake.response.body",
        "stream.bare-text",
        "stream.byte-order-mark",
        "stream.chunk-size",
        "stream.handshake-bytes",
        "stream.http-bytes",
        "stream.resync",
        "stream.stray-line-end",
        "stream.stray-space",
        "stream.stray-zero",
        "stream.tls-bytes",
    }
)
"""The rules about bytes that are no frames."""

_HTTP_HEAD = re.compile(rb"(?:HTTP/[0-9]\.[0-9] |[A-Z]{3,10} [^\s]{1,8192} HTTP/[0-9])")
_HTTP_BEGUN = re.compile(rb"HTTP/[0-9.]*\Z|(?:GET|POST|HEAD|PUT|OPTIONS|CONNECT) [/*h][^\r\n]*\Z")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_BEGUN_101 = re.compile(rb"(?:[\t\x20-\x7e]{1,120}\r?\n){0,3}HTTP/[0-9.]{1,5} 101(?![0-9])")
_HEAD_GOES_ON = re.compile(rb"[^\n]*\n(?:[^\r\n]+\r?\n)*\r?\n")
_HANDSHAKE_BYTES = "stream.handshake-bytes"
_NAME = rb"[A-Za-z][A-Za-z0-9_-]{0,60}"
_LINE_OF_HEAD = _NAME + rb":[^\r\n\0]*\r?\n"
_REST_OF_HEAD = re.compile(rb"(?:" + _LINE_OF_HEAD + rb")+\r?\n")
_REST_BEGUN = re.compile(rb"(?:" + _LINE_OF_HEAD + rb")*(?:" + _NAME + rb"(?::[^\r\n\0]*)?)?\r?")
_TLS_RECORD = re.compile(rb"[\x14-\x18]\x03[\x00-\x04]")
BARE_TEXT = "stream.bare-text"
_TLS_NAMES = {
    0x14: "change cipher spec",
    0x15: "alert",
    0x16: "handshake",
    0x17: "application data",
    0x18: "heartbeat",
}
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,200})?\r\n")
_TEXT = re.compile(rb"[\t\r\n\x20-\x7e\xc2-\xf4\x80-\xbf]*")
_TEXT_BEGINS = (b"{", b"[", b"<", b'"')
_TEXT_ENOUGH = 16
_TLS_HEADER = 5
_TLS_LIMIT = 16384 + 2048


def rule_of_no_frames(rules: Sequence[str]) -> str | None:
    """The rule for which bytes were taken out that are no frames; None if it was for another reason."""
    return rules[0] if rules and NO_FRAMES.issuperset(rules) else None


def foreign_bytes(
    data: bytes, *, message_open: bool = False, side: Side | None = None
) -> ForeignBytes | None:
    """What stands at the start of `data`, taken as a frame boundary, if it is not a frame; None if it may
    be one.

    `data` is what follows, as far as it is known: with more of it the answer can only get more certain.
    `message_open` says that a fragmented message is under way, so that a zero byte may continue it. `side` is
    who sent it, if that is known: what stands in front of a client's frame may begin another one.
    """
    if not data or not may_be_foreign(data[0]):
        return None
    # Compressed fragments begin with 'A' and 'B', too, but a client's are masked.
    if data[:1] not in (b"A", b"B") or (side is Side.CLIENT and data[1:2] < b"\x80"):
        found = _handshake(data, side)
        if found is not None:
            return found
    for recognise in (_byte_order_mark, _http, _tls, _chunk_size, line_ends):
        found = recognise(data)
        if found is not None:
            return found
    found = _bare_text(data, message_open=message_open)
    return found if found is not None else stray_bytes(data, message_open=message_open, side=side)


def may_be_foreign(first: int) -> bool:
    """Whether bytes that begin so may be something else than a frame."""
    return first < 0x80 or first == BYTE_ORDER_MARK[0]


def _byte_order_mark(data: bytes) -> ForeignBytes | None:
    if not data.startswith(BYTE_ORDER_MARK):
        return None
    return ForeignBytes("stream.byte-order-mark", len(BYTE_ORDER_MARK), "EF BB BF, a byte order mark")


def foreign_frame(frame: Frame, *, message_open: bool, side: Side) -> ForeignBytes | None:
    """What was decoded as this frame, if it is something else: its first 4 KiB tell. A dialect without
    lengths has nothing of the kind.
    """
    if not may_be_foreign(frame.header[0]) or frame.length is None:
        return None
    return foreign_bytes(frame.serialize()[:FRAME_WINDOW], message_open=message_open, side=side)


def _handshake(data: bytes, side: Side | None) -> ForeignBytes | None:
    first_line = data.split(b"\n", 1)[0].strip()[:80].decode("latin-1")
    if begun := _BEGUN_101.match(data):
        end = _HEAD_GOES_ON.match(data, begun.end())
        length, detail = end.end() if end else len(data), f"another opening response: {first_line}"
        return ForeignBytes(_HANDSHAKE_BYTES, length, detail, whole=end is not None)
    detail = f"lines of a head behind its blank line: {first_line}"
    if rest := _REST_OF_HEAD.match(data):
        return ForeignBytes(_HANDSHAKE_BYTES, rest.end(), detail)
    if side is Side.CLIENT and b":" in data and _REST_BEGUN.fullmatch(data):
        return ForeignBytes(_HANDSHAKE_BYTES, len(data), detail, whole=False)
    return None


def _http(data: bytes) -> ForeignBytes | None:
    if not _HTTP_HEAD.match(data) and not _HTTP_BEGUN.match(data):
        return None
    end = _HEAD_END.search(data)
    first_line = data.split(b"\n", 1)[0].strip()[:80].decode("latin-1")
    return ForeignBytes(
        "stream.http-bytes", end.end() if end else len(data), f"HTTP, not a frame: {first_line}"
    )


def _tls(data: bytes) -> ForeignBytes | None:
    if not _TLS_RECORD.match(data) or len(data) < _TLS_HEADER:
        return None
    length = int.from_bytes(data[3:5])
    if not 0 < length <= _TLS_LIMIT:
        return None
    detail = f"a TLS {_TLS_NAMES[data[0]]} record of {length} bytes: one side speaks TLS, the other does not"
    return ForeignBytes("stream.tls-bytes", min(_TLS_HEADER + length, len(data)), detail)


def _chunk_size(data: bytes) -> ForeignBytes | None:
    line = _CHUNK_SIZE.match(data)
    if not line:
        return None
    size = int(line[1], 16)
    after = data[line.end() + size : line.end() + size + 2]
    # 'A' and 'B' also begin a compressed fragment, so they need the chunk's own end as a witness.
    if after != b"\r\n" and (len(after) == 2 or data[:1] in b"AB"):
        return None
    if size == 0:
        return ForeignBytes("stream.chunk-size", line.end(), "the size line of the last HTTP chunk (0)")
    inside = data[line.end() :]
    if not _may_begin_frame(inside) and not (after == b"\r\n" and inside[0] >= FIN):
        return None
    return ForeignBytes("stream.chunk-size", line.end(), f"the size line of an HTTP chunk of {size} bytes")


def _bare_text(data: bytes, *, message_open: bool) -> ForeignBytes | None:
    text = _TEXT.match(data)
    if not text or not text[0]:
        return None
    length = _length_as_utf8(text[0])
    behind = data[length : length + 1]
    may_be_text = begins_text(data) or data[length - 1 : length] == b"\n"
    before_a_frame = may_be_text and behind >= b"\x80" and plausible_header(behind)
    if not _begins_text(data[0], text.end(), message_open=message_open, told=before_a_frame):
        return None
    if text.end() < min(len(data), _TEXT_ENOUGH) and not before_a_frame:
        return None
    return ForeignBytes(BARE_TEXT, length, "text without a frame around it")


def begins_text(data: bytes) -> bool:
    """Whether JSON or XML may begin there: a frame never begins so."""
    return data[:1] in _TEXT_BEGINS


def _begins_text(first: int, length: int, *, message_open: bool, told: bool) -> bool:
    """Whether a run of text that begins so is no frame: as one, its first byte would be wrong twice over. A
    short one is none if it is `told` by what stands behind it.

    All of them lack FIN and have RSV2 or RSV3, or have RSV1 and an opcode that is never compressed.
    """
    if begins_text(bytes((first,))):
        return True
    opcode = first & 0x0F
    orphan = opcode == 0 and not message_open
    return 0x20 < first < 0x7F and (opcode > 2 or orphan) and (told or length >= _TEXT_ENOUGH)


def _length_as_utf8(text: bytes) -> int:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(text)


def _may_begin_frame(data: bytes) -> bool:
    if not data or plausible_header(data) or (data[1:2] >= b"\x80" and stray_zero(data, None)):
        return True
    return bool(_CHUNK_SIZE.match(data) or LINE_ENDS.match(data))
