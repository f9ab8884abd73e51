"""A recorded client, played to a live device; what passes is recorded as a session of its own."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice

from wsproxy.protocol.frame import Side
from wsproxy.replay.actions import Log, Matches
from wsproxy.replay.asking import Address, AnswerReader, agreed, refusal, request_for
from wsproxy.replay.client_player import ClientPlayer
from wsproxy.replay.client_turns import ClientTurns
from wsproxy.replay.hearing import Hearing
from wsproxy.replay.leading import exchanges_before
from wsproxy.replay.live_session import LiveSession
from wsproxy.replay.model import ReplayOptions
from wsproxy.replay.reaching import DeviceLink, reach
from wsproxy.replay.reading import reading_of
from wsproxy.replay.recorded_link import RecordedLink
from wsproxy.replay.requests import request_body, take_response
from wsproxy.replay.script import Play, PlayEnd, Step
from wsproxy.replay.scripting import dialects_of, script_of
from wsproxy.replay.variation import Variation
from wsproxy.replay.varying import Varying
from wsproxy.replay.waiting import Patience
from wsproxy.store.model import HttpExchange, StoredSession, TcpEnd
from wsproxy.store.reader import Recording
from wsproxy.store.writer import Recorder

_PAGE = 256
_EARLY_S = 1.0
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How to play a client: `timeout_s` is how long to wait for anything beyond the time it took when
    recorded; `insecure` accepts any certificate. The rest is as elsewhere.
    """

    address: Address
    play: ReplayOptions = field(default_factory=ReplayOptions)
    timeout_s: float = 10.0
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """What became of it: the heads of the opening handshake, and why it was given up (None: it was not)."""

    request_head: bytes
    response_head: bytes
    stopped: str | None = None


def request_of(session: StoredSession, *, sent: bool) -> bytes:
    """The head of the opening request; with `sent`, as it went on to the device."""
    start = session.start
    return start.request_head if not sent or start.request_head_sent is None else start.request_head_sent


class ClientReplay:
    """Plays the client of a session, once. `matcher` and `log` are told what the device says.

    `recorder` records the new session. All of it belongs to one event loop.
    """

    def __init__(
        self,
        recording: Recording,
        session: StoredSession,
        options: ClientOptions,
        recorder: Recorder,
        matcher: Matches,
        varying: Varying,
        log: Log,
        *,
        token: Callable[[int], bytes] = secrets.token_bytes,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._session = session
        self._options = options
        self._matcher = matcher
        self._varying = varying
        self._log = log
        self._token = token
        sent = options.play.as_sent
        self._request = request_of(session, sent=sent)
        self._steps: Iterator[Step] = script_of(recording, session, Side.CLIENT, sent=sent)
        self._first: list[Step] = []
        self._exchanges = exchanges_before(recording, session)
        self._recorder = recorder
        start = session.start
        if sent:
            start = replace(start, client_dialect=start.server_dialect)
        read = frozenset({Side.SERVER}) if sent else frozenset(Side)
        self._made = recording.change_rules(session.id)
        self._dialects = dialects_of(start, session.id)
        reading = reading_of(start, self._dialects, self._made, read)
        self._live = LiveSession(recorder, start, options.address, reading)
        self._clock = clock
        self._link = DeviceLink(lambda link: None, clock)
        ends = session.client.tcp_end is not TcpEnd.OPEN
        self._recorded = RecordedLink(self._link, self._live, clock, ends=ends)
        self._upgraded = agreed(self._request, session.start.response_head)

    @property
    def session_id(self) -> int | None:
        """The number of the new session, once it is stored."""
        return self._live.session_id

    async def play(self) -> Played:
        """To the end of the connection. Raises ReachError if there is no device, RecordingError if the
        recording cannot be read.
        """
        options = self._options
        await reach(self._link, options.address, timeout_s=options.timeout_s, insecure=options.insecure)
        try:
            self._recorder.start()
            return await self._session_with_device()
        finally:
            self._link.abort()
            self._live.end()

    async def _session_with_device(self) -> Played:
        start, exact = self._session.start, self._options.play.exact_handshake
        for exchange in self._exchanges:
            if not await self._exchange(exchange):
                what = exchange.request_head.partition(b"\r")[0].decode("latin-1")
                why = f"no response to {what}, before the opening handshake, came"
                return self._refused(b"", b"", f"{why} within {self._options.timeout_s:g} s")
        request = self._request
        if not exact:
            request = request_for(request, self._options.address, self._token, asked=start.server_address)
        await self._link.write(request)
        ended, response = False, b""
        if start.response_head:
            answer = AnswerReader(request)
            found = await self._answer(answer)
            if found is None:
                return self._refused(request, answer.pending, self._no_response())
            response, ended = found
        if self._upgraded and not agreed(request, response):
            return self._refused(request, response, refusal(response))
        self._live.begin(request, response)
        return Played(request, response, await self._turns(response, ended))

    async def _answer(self, answer: AnswerReader) -> tuple[bytes, bool] | None:
        """The response, and whether the client has ended its direction; None if none comes in time.

        What the recorded client sent before it heard anything the device may wait for.
        """
        link, ended = self._link, False
        patience = Patience(self._options.timeout_s, self._clock())
        early_ns = self._clock() + int(_EARLY_S * _NS)
        while (now_ns := self._clock()) < patience.until_ns:
            taken = link.take()
            if taken is not None:
                response = answer.receive_data(taken[0])
                if response is not None:
                    link.put_back(answer.rest)
                    return response, ended
                patience.begin(now_ns)
            elif link.ended and self._upgraded:
                return None
            elif link.ended:
                link.put_back(answer.pending)
                return b"", ended
            elif now_ns >= early_ns and not ended and self._is_early():
                ended = await self._play_early()
            else:
                await link.wait(early_ns if now_ns < early_ns else patience.until_ns)
        return None

    async def _exchange(self, exchange: HttpExchange) -> bool:
        """Play a plain HTTP request that led to the session, and record its response; whether that came."""
        request = exchange.request_head
        if not self._options.play.exact_handshake:
            request = request_for(request, replace(self._options.address, path=""), self._token)
        began_ns = time.time_ns()
        await self._link.write(request + request_body(exchange))
        came = None
        with suppress(TimeoutError):
            async with asyncio.timeout(self._options.timeout_s):
                came = await take_response(self._link, exchange.request_head)
        head, body, length = came or (b"", b"", 0)
        self._live.exchange(
            replace(
                exchange,
                started_at_ns=began_ns,
                ended_at_ns=time.time_ns(),
                request_head=request,
                response_head=head,
                response_body=body,
                response_body_length=length,
            )
        )
        return came is not None

    def _refused(self, request: bytes, response: bytes, why: str) -> Played:
        self._live.begin(request, response)
        self._recorded.hear_out()
        return Played(request, response, why)

    def _no_response(self) -> str:
        if not self._link.ended:
            return f"no response to the request came within {self._options.timeout_s:g} s"
        how = "reset" if self._link.how is TcpEnd.RST else "closed"
        return f"the device {how} the connection before it had answered the opening handshake"

    def _is_early(self) -> bool:
        """Whether the recorded client went on before it heard anything: the device may wait for that."""
        if not self._first:
            self._first = list(islice(self._steps, 1))
        return bool(self._first) and isinstance(self._first[0], (Play, PlayEnd))

    async def _play_early(self) -> bool:
        """Do what comes first; whether that is the end of what the client sends."""
        step = self._first.pop()
        if isinstance(step, Play):
            await self._recorded.write(step.data)
            return False
        assert isinstance(step, PlayEnd)
        await self._recorded.end(step.how)
        return True

    async def _turns(self, response: bytes, ended: bool) -> str | None:
        hearing = Hearing(Side.SERVER, response, self._dialects[Side.SERVER])
        self._recorded.leave_out = hearing.leave_out
        turns = ClientTurns(
            self._player(response, ended),
            hearing,
            self._recorded,
            self._more,
            recorded=self._session.server,
            timeout_s=self._options.timeout_s,
            clock=self._clock,
        )
        return await turns.play()

    def _player(self, response: bytes, ended: bool) -> ClientPlayer:
        return ClientPlayer(
            self._options.play,
            self._matcher,
            self._log,
            recorded_ns=self._session.start.started_at_ns,
            began_ns=self._clock(),
            variation=self._variation(response),
            masking_key=self._token(4),
            ended=ended,
        )

    def _more(self) -> Sequence[Step]:
        first, self._first = self._first, []
        return first + list(islice(self._steps, _PAGE))

    def _variation(self, response: bytes) -> Variation | None:
        if not self._varying.pointers:
            return None
        start, read = self._session.start, frozenset(() if self._options.play.as_sent else (Side.CLIENT,))
        reading = reading_of(start, self._dialects, self._made, read)
        return Variation(self._varying, Side.CLIENT, response, self._dialects[Side.CLIENT], reading)
