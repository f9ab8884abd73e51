"""The session that a replayed client has with a live device, on its way into a recording."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import negotiate
from wsproxy.protocol.heads import parse_request_head, parse_response_head
from wsproxy.replay.asking import Address
from wsproxy.replay.reading import Reading
from wsproxy.store.model import HttpExchange, SessionStart, TcpEnd
from wsproxy.store.session_recorder import Changed, SessionRecorder
from wsproxy.store.writer import Recorder

_RELIEF = 1 << 20
_POLL_S = 0.005
_CLIENT = "wsproxy replay client"


class LiveSession:
    """Records what passes; what passed before the opening handshake was over is recorded after it.

    `reading` tells what of it is no frame, None: nothing does.
    """

    def __init__(
        self, recorder: Recorder, played: SessionStart, address: Address, reading: Reading | None = None
    ) -> None:
        self._recorder = recorder
        self._played = played
        self._address = address
        self._reading = reading
        self._session: SessionRecorder | None = None
        self._early: list[tuple[Side | Changed, bytes, int]] = []
        self._ends: dict[Side, tuple[TcpEnd, int]] = {}

    @property
    def session_id(self) -> int | None:
        """Its number in the recording, once it is stored."""
        return None if self._session is None else self._session.session_id

    def begin(self, request_head: bytes, response_head: bytes) -> None:
        """The opening handshake is over."""
        agreed = negotiate(parse_response_head(response_head))
        start = replace(
            self._played,
            started_at_ns=time.time_ns(),
            client_address=_CLIENT,
            server_address=str(self._address),
            target=self._url(request_head),
            request_head=request_head,
            response_head=response_head,
            request_head_sent=None,
            response_head_sent=None,
            subprotocol=agreed.subprotocol,
            extensions=agreed.extensions,
            client_tls=None,
            server_tls=None,
            mode="observe",
        )
        self._session = self._recorder.open_session(start)
        for what, data, at_ns in self._early:
            self._put(what, data, at_ns)
        for side, (how, at_ns) in self._ends.items():
            self._session.receive_eof(side, how, at_ns)

    def exchange(self, exchange: HttpExchange) -> None:
        """A plain HTTP request that led to the session is over."""
        scheme, _, rest = self._url(exchange.request_head).partition(":")
        target = f"{scheme.replace('ws', 'http')}:{rest}"
        self._recorder.exchange(
            replace(exchange, client_address=_CLIENT, server_address=str(self._address), target=target)
        )

    def receive_data(self, side: Side, data: bytes, at_ns: int) -> Sequence[Changed]:
        """Bytes that `side` sent after its head; what is to be left out, of them and of those before."""
        left_out = () if self._reading is None else self._reading.receive_data(side, data, at_ns)
        for each in left_out:
            self._put(each, b"", at_ns)
        self._put(side, data, at_ns)
        return left_out

    def receive_eof(self, side: Side, how: TcpEnd) -> None:
        """That side has ended its direction; only the first time counts."""
        if side in self._ends or how is TcpEnd.OPEN:
            return
        at_ns = time.time_ns()
        self._ends[side] = how, at_ns
        for each in () if self._reading is None else self._reading.receive_eof(side, at_ns):
            self._put(each, b"", at_ns)
        if self._session is not None:
            self._session.receive_eof(side, how, at_ns)

    def _put(self, what: Side | Changed, data: bytes, at_ns: int) -> None:
        if self._session is None:
            self._early.append((what, data, at_ns))
        elif isinstance(what, Changed):
            self._session.change(what, at_ns)
        else:
            self._session.receive_data(what, data, at_ns)

    async def relieved(self) -> None:
        """Wait until not too much waits to be stored."""
        while self._recorder.backlog > _RELIEF and self._recorder.failed is None:
            await asyncio.sleep(_POLL_S)

    def end(self) -> None:
        """It is over."""
        if self._session is not None:
            self._session.end(time.time_ns())

    def _url(self, request_head: bytes) -> str:
        """What was asked for."""
        target = parse_request_head(request_head).target.decode("utf-8", "backslashreplace")
        return replace(self._address, path=target).url if target.startswith("/") else self._address.url
