"""How long the body is that some peers send with a head of an opening handshake, where it has no business.

Source: RFC 9112 sections 6 and 7.1; RFC 6455 section 4.1 knows of no body.
"""

import re

from wsproxy.protocol.heads import Head

BODY_LIMIT = 64 << 10

_CHUNK = re.compile(rb"([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
_CHUNK_MAY_BEGIN = re.compile(rb"(?:[0-9a-fA-F]{1,16}[ \t]*(?:;[^\r\n]*)?\r?)?")
_TRAILER = re.compile(rb"(?:[^\r\n]+\r?\n)*\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_LENGTH = re.compile(rb"\d{1,9}")


class RequestBody:
    """Tells which of the bytes behind a request's head are its body, in any cutting; never raises.

    It does for a response, too.

    That is as many as Content-Length says, or the chunks if Transfer-Encoding names them last, up to the
    first byte that breaks their rules. Nothing beyond `limit` bytes counts as body.

    `told` says that the head tells where the body ends, within the limit; `begun`, that some of it has come.
    """

    __slots__ = ("_chunks", "_left", "begun", "told")

    def __init__(self, request: Head, *, limit: int = BODY_LIMIT) -> None:
        length = request.get("content-length") or b""
        lengths, codings = set(request.get_all("content-length")), request.tokens("transfer-encoding")
        self.begun = False
        self.told = len(lengths) == 1 and bool(_LENGTH.fullmatch(length)) and int(length) <= limit
        if codings:
            self.told = codings[-1] == "chunked"
        self._chunks: bytearray | None = None
        self._left = min(int(length), limit) if _LENGTH.fullmatch(length) else 0
        if codings[-1:] == ["chunked"]:
            self._chunks, self._left = bytearray(), limit

    @property
    def complete(self) -> bool:
        """Whether nothing more belongs to it."""
        return not self._left

    def receive_data(self, data: bytes) -> int:
        """How many of the next bytes belong to it."""
        size = min(self._left, len(data))
        if self._chunks is not None and size:
            before = len(self._chunks)
            self._chunks += data[:size]
            end = _chunks_end(bytes(self._chunks))
            if end is not None:
                self._left = size = max(0, end - before)
        self._left -= size
        self.begun = self.begun or size > 0
        return size


def _chunks_end(data: bytes) -> int | None:
    """Where chunks that begin at the start of `data` end, None while more of them are to come."""
    position = 0
    while chunk := _CHUNK.match(data, position):
        size = int(chunk[1], 16)
        if not size:
            trailer = _TRAILER.match(data, chunk.end())
            return trailer.end() if trailer else None
        position = chunk.end() + size
        line_end = _LINE_END.match(data, position)
        if line_end is None:
            return position if data[position:] not in (b"", b"\r") else None
        position = line_end.end()
    return None if _CHUNK_MAY_BEGIN.fullmatch(data, position) else position
