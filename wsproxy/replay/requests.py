"""Reading a live client's requests, and answering those for plain HTTP."""

import re
from collections.abc import AsyncIterator, Iterator

from wsproxy.conformance.hixie76 import CHALLENGE_BYTES
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import HeadReader
from wsproxy.protocol.heads import RequestHead, parse_request_head, parse_response_head
from wsproxy.protocol.request_body import RequestBody
from wsproxy.replay.link import Link
from wsproxy.store.model import HttpExchange

_BODY_LIMIT = 1 << 30
_NO_BODY = (204, 304)
_KEPT = 1 << 20
_CHUNK = re.compile(rb"(?:\r?\n)?([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")


async def read_request(link: Link) -> RequestHead | None:
    """The next request, an empty one if it is none; None if the client ends before it has asked."""
    head = await _read_head(link, Side.CLIENT)
    return None if head is None else parse_request_head(head)


async def skip_body(link: Link, request: RequestHead) -> None:
    """Take the body of a request, as far as it comes."""
    async for _ in _skip(link, RequestBody(request, limit=_BODY_LIMIT)):
        pass


async def with_challenge(link: Link, request: RequestHead) -> RequestHead:
    """A hixie-76 request with the eight bytes behind it, as far as they come."""
    data = b""
    while len(data) < CHALLENGE_BYTES and (taken := await _taken(link)) is not None:
        data += taken
    link.put_back(data[CHALLENGE_BYTES:])
    return parse_request_head(request.raw + data[:CHALLENGE_BYTES])


async def _skip(link: Link, body: RequestBody) -> AsyncIterator[bytes]:
    """The body, in pieces as they come."""
    while not body.complete:
        data = await _taken(link)
        if data is None:
            return
        size = body.receive_data(data)
        yield data[:size]
        link.put_back(data[size:])
        if size < len(data):
            return


def response_to(request: RequestHead, exchange: HttpExchange) -> tuple[bytes, bool]:
    """The recorded response, and whether another request may follow on the connection.

    A chunked body is one chunk, however it came.
    """
    if not exchange.response_head:
        return exchange.response_body, False
    head, body = parse_response_head(exchange.response_head), exchange.response_body
    whole = len(body) == exchange.response_body_length
    goes_on = whole and "close" not in head.tokens("connection") and head.version.upper() != b"HTTP/1.0"
    if request.method == b"HEAD" or head.status in _NO_BODY:
        return exchange.response_head, goes_on
    if "chunked" in head.tokens("transfer-encoding"):
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return exchange.response_head + chunk + (b"0\r\n\r\n" if whole else b""), goes_on
    length = head.get("content-length") or b""
    return exchange.response_head + body, goes_on and length.isdigit()


def request_body(exchange: HttpExchange) -> bytes:
    """The recorded body of a request, as its head announces it."""
    body = exchange.request_body
    if "chunked" not in parse_request_head(exchange.request_head).tokens("transfer-encoding"):
        return body
    return (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"


async def take_response(link: Link, request_head: bytes) -> tuple[bytes, bytes, int] | None:
    """A device's response to this request: its head, the beginning of its body without transfer coding, and
    how long that is; None if none came.
    """
    head = await _read_head(link, Side.SERVER)
    if head is None:
        return None
    response = parse_response_head(head)
    if parse_request_head(request_head).method == b"HEAD" or response.status in _NO_BODY:
        return head, b"", 0
    body, length = bytearray(), 0
    chunked = "chunked" in response.tokens("transfer-encoding")
    async for piece in _skip(link, RequestBody(response, limit=_BODY_LIMIT)):
        length += len(piece)
        if len(body) < _KEPT:
            body += piece if chunked else piece[: _KEPT - len(body)]
    if chunked:
        whole = len(body) == length
        body = bytearray(b"".join(_chunks(bytes(body))))
        length = len(body) if whole else max(length, len(body) + 1)
    return head, bytes(body[:_KEPT]), length


def _chunks(body: bytes) -> Iterator[bytes]:
    """What is in the chunks of a body."""
    position = 0
    while (line := _CHUNK.match(body, position)) and (size := int(line[1], 16)):
        yield body[line.end() : line.end() + size]
        position = line.end() + size


async def _read_head(link: Link, side: Side) -> bytes | None:
    """The next head; what came behind it stays in the link. None if the peer ends before."""
    reader = HeadReader(side)
    head = None
    while head is None:
        taken = await _taken(link)
        if taken is None:
            return None
        head = reader.receive_data(taken)
    link.put_back(reader.rest)
    return head


async def _taken(link: Link) -> bytes | None:
    while (taken := link.take()) is None:
        if link.ended:
            return None
        await link.wait()
    return taken[0]
