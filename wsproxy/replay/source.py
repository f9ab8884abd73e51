"""The sessions of a recording, read for playing in a thread of their own: small ones once, huge ones in
pages.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import NamedTuple

from wsproxy.protocol.frame import Side
from wsproxy.protocol.opcodes import Opcode
from wsproxy.replay.choice import Offer
from wsproxy.replay.script import Expect, ExpectBytes, Play, Step
from wsproxy.replay.scripting import script_of
from wsproxy.store.model import ChangeRules, HttpExchange, StoredSession
from wsproxy.store.reader import Recording, open_recording

_PAGE = 256
_BEYOND = 1 << 63
SHARED_SIZE = 64 << 20
_FRAME_SIZE = 500


class _Whole(NamedTuple):
    """All of a session's steps, and the repairs that were made in it."""

    steps: Sequence[Step]
    made: frozenset[ChangeRules]


class Source:
    """Reads one recording; every method but `close` is for the loop it is used in.

    With `sent`, sessions are as the client was sent them. Those that take at most `shared_size` bytes are
    read once, for all who play them: those played last are kept, as many as take no more in all.

    Raises RecordingError when the recording cannot be read.
    """

    def __init__(self, path_or_url: str, *, sent: bool = False, shared_size: int = SHARED_SIZE) -> None:
        self._shared_size = shared_size
        self._path = path_or_url
        self._sent = sent
        self._reader = ThreadPoolExecutor(1, "wsproxy replay reader")
        self._recording: Recording | None = None
        self._shared: dict[int, tuple[asyncio.Future[_Whole], int]] = {}
        self._shared_total = 0

    async def offers(self, refs: Sequence[int | str] = ()) -> list[Offer]:
        """What may be played: the sessions with these numbers (or "last"), with the plain HTTP exchanges that
        led to them, on the same connection; all sessions and exchanges if there are no numbers.
        """
        return await self._in_thread(self._offers, tuple(refs))

    async def exchange(self, number: int) -> HttpExchange:
        """The HTTP exchange with this number."""
        return await self._in_thread(lambda: self._open().exchange(number).exchange)

    async def script(self, session: StoredSession) -> "Pages":
        """The steps of the device's part in a session."""
        frames = session.client.frames + session.server.frames
        size = session.client.received_bytes + session.server.received_bytes + _FRAME_SIZE * (frames + 1)
        if size > self._shared_size:
            return Pages(self, *await self._in_thread(lambda: (self._made(session), self._steps(session))))
        if session.id in self._shared:
            shared, _ = self._shared.pop(session.id)
        else:
            shared = asyncio.ensure_future(self._in_thread(self._whole, session))
            self._shared_total += size
        self._shared[session.id] = shared, size
        while self._shared_total > self._shared_size and len(self._shared) > 1:
            self._shared_total -= self._shared.pop(next(iter(self._shared)))[1]
        whole = await asyncio.shield(shared)
        return Pages(self, whole.made, None, whole.steps)

    async def page(self, steps: Iterator[Step]) -> list[Step]:
        """The next steps."""
        return await self._in_thread(lambda: list(islice(steps, _PAGE)))

    def close(self) -> None:
        """Close the recording."""
        self._reader.submit(self._close)
        self._reader.shutdown()

    async def _in_thread[**P, T](self, work: "Callable[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reader, partial(work, *args, **kwargs))

    # --- in the thread

    def _open(self) -> Recording:
        if self._recording is None:
            self._recording = open_recording(self._path)
        return self._recording

    def _close(self) -> None:
        if self._recording is not None:
            self._recording.close()

    def _offers(self, refs: tuple[int | str, ...]) -> list[Offer]:
        recording = self._open()
        sessions = [recording.session(ref) for ref in dict.fromkeys(refs)] if refs else recording.sessions()
        offers = [Offer.of_session(session) for session in sessions]
        chosen = [offer.session for offer in offers if offer.session] if refs else []
        floors = _floors(recording, chosen)
        for stored in recording.exchanges():
            began_ns = stored.exchange.started_at_ns
            if not refs or any(
                led_to(stored.exchange, each) and began_ns > floors[each.id] for each in chosen
            ):
                bare = replace(stored.exchange, request_body=b"", response_body=b"")
                offers.append(Offer.of_exchange(replace(stored, exchange=bare)))
        return offers

    def _whole(self, session: StoredSession) -> _Whole:
        return _Whole(list(self._steps(session)), self._made(session))

    def _made(self, session: StoredSession) -> frozenset[ChangeRules]:
        return self._open().change_rules(session.id)

    def _steps(self, session: StoredSession) -> Iterator[Step]:
        return script_of(self._open(), session, Side.SERVER, sent=self._sent)


class Pages:
    """The steps of one session for one connection: all at once, or page after page. `made` are the repairs
    that were made in it.
    """

    def __init__(
        self,
        source: Source,
        made: frozenset[ChangeRules],
        steps: Iterator[Step] | None,
        shared: Sequence[Step] = (),
    ) -> None:
        self.made = made
        self._source = source
        self._steps = steps
        self._shared = shared

    @property
    def first_step(self) -> Step | None:
        """What is said first, by the client or by the device; None if nothing is, or if that is not known.
        Pings, and the Pongs that answer them, say nothing.
        """
        for step in self._shared:
            if isinstance(step, Play) and not step.answers:
                return step
            if isinstance(step, Expect) and step.message.opcode != Opcode.PING:
                return step
            if isinstance(step, ExpectBytes):
                return None
        return None

    @property
    def known(self) -> bool:
        """Whether all steps are known from the beginning."""
        return self._steps is None

    @property
    def left(self) -> Sequence[Step]:
        """The steps that are known and were not given to anybody yet."""
        return self._shared

    async def more(self) -> Sequence[Step]:
        """The next steps; none at the end."""
        if self._steps is not None:
            return await self._source.page(self._steps)
        shared, self._shared = self._shared, ()
        return shared


def _floors(recording: Recording, chosen: Sequence[StoredSession]) -> dict[int, int]:
    """When the session before began whose client had the same address: ports are used again."""
    floors = dict.fromkeys((each.id for each in chosen), 0)
    for other in recording.sessions() if chosen else ():
        for each in chosen:
            if other.start.client_address == each.start.client_address and other.id < each.id:
                floors[each.id] = max(floors[each.id], other.start.started_at_ns)
    return floors


def led_to(exchange: HttpExchange, session: StoredSession) -> bool:
    """Whether the exchange came before the session on the same connection."""
    same = exchange.client_address == session.start.client_address
    return same and exchange.started_at_ns < session.start.started_at_ns
