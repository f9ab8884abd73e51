"""The sessions of a recording, read for playing in a thread of their own: small ones once, huge ones in
pages.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice

from wsproxy.errors import RecordingError
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, Side
from wsproxy.protocol.grammar import DIALECTS
from wsproxy.protocol.opcodes import Opcode
from wsproxy.replay.as_sent import as_sent
from wsproxy.replay.choice import Offer
from wsproxy.replay.hearing import Hearing
from wsproxy.replay.script import End, Expect, ExpectBytes, Happening, Play, Script, Step, Tail
from wsproxy.store.failures import lost_frames
from wsproxy.store.model import HttpExchange, SessionState, StoredEvent, StoredSession, TcpEnd
from wsproxy.store.reader import Recording, open_recording

_PAGE = 256
_BEYOND = 1 << 63
SHARED_SIZE = 64 << 20
_FRAME_SIZE = 500


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
        self._shared: dict[int, tuple[asyncio.Future[Sequence[Step]], int]] = {}
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
            return Pages(self, await self._in_thread(self._steps, session))
        if session.id in self._shared:
            shared, _ = self._shared.pop(session.id)
        else:
            shared = asyncio.ensure_future(self._in_thread(self._all_steps, session))
            self._shared_total += size
        self._shared[session.id] = shared, size
        while self._shared_total > self._shared_size and len(self._shared) > 1:
            self._shared_total -= self._shared.pop(next(iter(self._shared)))[1]
        return Pages(self, None, await asyncio.shield(shared))

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

    def _all_steps(self, session: StoredSession) -> Sequence[Step]:
        return list(self._steps(session))

    def _steps(self, session: StoredSession) -> Iterator[Step]:
        return script_of(self._open(), session, Side.SERVER, sent=self._sent)


class Pages:
    """The steps of one session for one connection: all at once, or page after page."""

    def __init__(self, source: Source, steps: Iterator[Step] | None, shared: Sequence[Step] = ()) -> None:
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


def script_of(
    recording: Recording, session: StoredSession, plays: Side, *, sent: bool = False
) -> Iterator[Step]:
    """The steps for the one who plays side `plays` of a session, read as they are consumed; with `sent`, what
    went on of what it sent, where that was changed.

    Raises RecordingError for a session whose frames are in a dialect of the user's own.
    """
    start = session.start
    names = {Side.CLIENT: start.client_dialect, Side.SERVER: start.server_dialect}
    client, server = (
        Hearing(side, start.response_head, dialect_of(names[side], session.id)) for side in Side
    )
    what = happenings(recording, session, plays)
    if sent:
        what = as_sent(what, plays, recording.changes_by_offset(session.id, plays))
    return Script(plays, (client, server)).steps(what)


def happenings(recording: Recording, session: StoredSession, plays: Side) -> Iterator[Happening]:
    """What was on the wire, with the ends of both directions, in the order in which it was seen.

    What `plays` left unfinished, bytes of no frame, stands where it came last. Raises RecordingError at the
    end if frames are gone.
    """
    tail = recording.tail(session.id, plays)
    whole = _with_ends(_all_there(recording.events(session.id), session), _ends(session))
    return _with_tail(whole, session, plays, tail) if tail else whole


def _with_tail(
    whole: Iterator[StoredEvent | End], session: StoredSession, plays: Side, tail: bytes
) -> Iterator[Happening]:
    counts = session.counts(plays)
    last_id = 0
    for happening in whole:
        if happening.side is plays:
            behind = isinstance(happening, End)
        else:
            behind = happening.at_ns > counts.last_at_ns
        if tail and behind:
            yield Tail(tail, counts.last_at_ns, last_id)
            tail = b""
        last_id = happening.id
        yield happening
    if tail:
        yield Tail(tail, counts.last_at_ns, last_id)


def _all_there(events: Iterator[StoredEvent], session: StoredSession) -> Iterator[StoredEvent]:
    frames = dict.fromkeys(Side, 0)
    for stored in events:
        if type(stored.event) is Frame:
            frames[stored.side] += 1
        yield stored
    for side, found in frames.items():
        recorded = session.counts(side).frames
        if session.state is SessionState.ENDED and found != recorded:
            raise lost_frames(session.id, side, recorded, found)


def _with_ends(events: Iterator[StoredEvent], ends: list[End]) -> Iterator[StoredEvent | End]:
    next_end = ends[0].id if ends else _BEYOND
    for stored in events:
        while next_end < stored.id:
            yield ends.pop(0)
            next_end = ends[0].id if ends else _BEYOND
        yield stored
    yield from ends


def _ends(session: StoredSession) -> list[End]:
    """How the directions ended, the first first.

    Where it is not known when, at the very end: after a closing handshake the device hangs up, else the
    client does.
    """
    first = Side.CLIENT
    if (
        session.end is not None and session.end.closed_by is not None
    ) or session.client.tcp_end is TcpEnd.OPEN:
        first = Side.SERVER
    ends = []
    for side in (first, first.other):
        counts = session.counts(side)
        if counts.tcp_end is not TcpEnd.OPEN:
            at_ns, end_id = counts.tcp_ended_at_ns, counts.tcp_end_id
            ends.append(
                End(
                    side,
                    counts.tcp_end,
                    session.last_at_ns if at_ns is None else at_ns,
                    _BEYOND if end_id is None else end_id,
                )
            )
    return sorted(ends, key=lambda end: end.id)


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


def dialect_of(name: str, session_id: int) -> Dialect:
    """The dialect of a session; raises RecordingError for one of a user's own."""
    # A name out of a recording must never become the path of a file to run.
    if name not in DIALECTS:
        raise RecordingError(
            f"session {session_id} is in the dialect {name}, which is not one of wsproxy's own:"
            f" it cannot be replayed (known: {', '.join(DIALECTS)})"
        )
    return DIALECTS[name]
