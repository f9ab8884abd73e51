"""The buffer mitmproxy's HTTP/1 connections read heads from, with the exact bytes of each head kept.

Relies on `Http1Connection` appending to `buf` with `+=`, taking heads with `maybe_extract_lines()` (an h11
ReceiveBuffer: None means "wait for more"), turning each line into bytes where it answers a ValueError with
its text, and all else with the inherited methods; on ReceiveBuffer's `_data` and `_extract(count)`.
"""

import logging
import re
from collections.abc import Callable

from h11._receivebuffer import ReceiveBuffer

from wsproxy.conformance.hixie76 import ANSWER_BYTES, is_hixie76_request, is_hixie76_response
from wsproxy.mitm.heads import headless_view, plain_view, request_view, response_view, upgrade_request
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import (
    HEAD_LIMIT,
    HeadReader,
    RequestHead,
    parse_request_head,
    parse_response_head,
)

_HIXIE76_KEY = "Sec-WebSocket-Key1"
_HIXIE76_TAIL = 8
_BLANK_LINE = re.compile(rb"\n\r*\n")

_SENT = {Side.CLIENT: "request", Side.SERVER: "response"}

_log = logging.getLogger(__name__)


class _Refusal(bytearray):
    """A line for mitmproxy to stumble over, and to give this reason."""

    reason = ""

    def __bytes__(self) -> bytes:
        raise ValueError(self.reason)


class HeadBuffer(ReceiveBuffer):
    """Shows mitmproxy the head in a form it accepts if it belongs to an opening handshake, as it came
    otherwise.

    `asked` tells the upgrade request that a response answers, None for another request; on the client's side
    it is not used. `head` is the last head given out, of which `gone` bytes were taken before; None if it was
    plain HTTP. `last` is that head in any case. `broken`: its end never came, or too late.
    """

    head: bytes | None = None
    last = b""
    in_body = False
    """Whether a body is being read: a chunked one ends in trailers, which are asked for as a head is."""
    gone = 0
    given_up = broken = False

    def __init__(self, side: Side, asked: Callable[[], RequestHead | None]) -> None:
        super().__init__()
        self._side = side
        self._asked = asked
        self._restart()

    def _restart(self) -> None:
        self._reader = HeadReader(self._side)
        self._read = 0
        self._taken = 0

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """The lines of the next head, without the blank one; None while it is not complete."""
        if self.in_body:
            return super().maybe_extract_lines()
        if self.given_up:
            return self._give_out(bytes(self._data[: self._taken]), headless=True)
        if self._reader.head is None:
            chunk, self._read = bytes(self._data[self._read :]), len(self._data)
            self._reader.receive_data(chunk)
        if self._reader.head is None:
            return None
        size = len(self._reader.head) + (0 if self._reader.headless else self._tail_size(self._reader.head))
        if len(self._data) < size:
            return None
        return self._give_out(bytes(self._data[:size]), headless=self._reader.headless)

    def _tail_size(self, head: bytes) -> int:
        """Behind the head of a hixie-76 request stands its third key, behind that of the response the
        answer.
        """
        if self._side is Side.CLIENT:
            asking = parse_request_head(head)
            challenged = asking.get(_HIXIE76_KEY) is not None and is_hixie76_request(asking)
            return _HIXIE76_TAIL if challenged else 0
        request = self._asked()
        asked = request is not None and is_hixie76_request(request)
        return ANSWER_BYTES if asked and is_hixie76_response(parse_response_head(head)) else 0

    def give_up(self) -> None:
        """No more of this head will come: what came of it is to be relayed as it is."""
        self.given_up = True

    def take_interim(self) -> bytes:
        """Interim responses that have come since the last call, while the final one is still awaited."""
        pending = self._reader.pending
        end = max((match.end() for match in _BLANK_LINE.finditer(pending)), default=0)
        interim = pending[self._taken : end]
        self._taken = max(self._taken, end)
        return interim

    def _give_out(self, raw: bytes, *, headless: bool) -> list[bytearray]:
        self.gone = self._taken
        too_long = self._reader.too_long
        self.broken = self.given_up or too_long
        self.last = b"" if headless else raw
        self._restart()
        if headless and (self._side is Side.CLIENT or self._asked() is None):
            return [self._refuse(too_long)]
        lines = self._request_lines(raw) if self._side is Side.CLIENT else self._response_lines(raw, headless)
        return [bytearray(line) for line in lines]

    def _request_lines(self, raw: bytes) -> list[bytes]:
        request = upgrade_request(raw)
        self._extract(len(raw))
        self.head = None if request is None else raw
        return plain_view(parse_request_head(raw)) if request is None else request_view(request)

    def _response_lines(self, raw: bytes, headless: bool) -> list[bytes]:
        request = self._asked()
        self._extract(len(raw))
        self.head = None if request is None else raw
        if headless:
            return headless_view()
        response = parse_response_head(raw)
        return plain_view(response) if request is None else response_view(request, response)

    def _refuse(self, too_long: bool) -> bytearray:
        """For mitmproxy to refuse: bytes that are no head, or one that is too long."""
        self.head = None
        if not too_long:
            return self._data[:80]
        refusal = _Refusal()
        refusal.reason = (
            f"the head of a {_SENT[self._side]} is longer than {HEAD_LIMIT:,} bytes, the most that is read"
        )
        if self._side is Side.SERVER:
            _log.warning("refused: %s", refusal.reason)
        return refusal
