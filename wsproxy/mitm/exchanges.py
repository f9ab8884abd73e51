"""Plain HTTP exchanges, refused opening handshakes among them, on their way into the recording.

Relies on the `response` and `error` hooks: one of them runs for every request, once, when its response is
complete or will never be.
"""

import time
from collections.abc import Callable
from typing import Any, cast

from mitmproxy import http
from mitmproxy.net.http import http1
from mitmproxy.utils import human

from wsproxy.mitm.facts import http_target
from wsproxy.mitm.received import BODY_LIMIT, received
from wsproxy.mitm.sessions import Sessions
from wsproxy.store.model import HttpExchange


class Exchanges:
    """Records what passes that is no session, and counts it. `clock` gives nanoseconds since the epoch."""

    name = "wsproxy_exchanges"

    def __init__(self, sessions: Sessions, clock: Callable[[], int] = time.time_ns) -> None:
        self._sessions = sessions
        self._clock = clock
        self.recorded = 0

    async def response(self, flow: http.HTTPFlow) -> None:
        """A response is complete."""
        if flow.websocket is None:
            await self._record(flow)

    async def error(self, flow: http.HTTPFlow) -> None:
        """There will be no response, or not all of it."""
        if flow.websocket is None and flow.request.method != "CONNECT":
            await self._record(flow)

    async def _record(self, flow: http.HTTPFlow) -> None:
        if self._sessions.recorder is None:
            return
        exchange = _exchange(flow, self._clock())
        # While more waits to be stored than may, this one waits where it is, and its client with it.
        await self._sessions.relaxed.wait()
        if self._sessions.recorder is not None:
            self._sessions.recorder.exchange(exchange)
            self.recorded += 1


def _exchange(flow: http.HTTPFlow, now_ns: int) -> HttpExchange:
    request_head, request_body, request_length = _message(flow.request)
    response_head, response_body, response_length = _message(flow.response)
    return HttpExchange(
        started_at_ns=int(flow.request.timestamp_start * 1_000_000_000),
        ended_at_ns=now_ns,
        client_address=human.format_address(flow.client_conn.peername),
        server_address=human.format_address(flow.server_conn.peername or flow.server_conn.address),
        target=http_target(flow.request),
        request_head=request_head,
        request_body=request_body,
        response_head=response_head,
        response_body=response_body,
        request_body_length=request_length,
        response_body_length=response_length,
    )


def _message(message: http.Request | http.Response | None) -> tuple[bytes, bytes, int]:
    """The head of a message, the beginning of its body, and how long that is."""
    if message is None:
        return b"", b"", 0
    came = received(message)
    body, length = bytes(came.body), came.length
    if not (came.head or length) and message.raw_content:
        # Nothing came: an addon has made it.
        body, length = message.raw_content[:BODY_LIMIT], len(message.raw_content)
    return came.head or _assembled(message), body, length


def _assembled(message: http.Request | http.Response) -> bytes:
    untyped = cast(Any, http1)
    if isinstance(message, http.Request):
        return bytes(untyped.assemble_request_head(message))
    return bytes(untyped.assemble_response_head(message))
