"""One client's connection to a replayed device, from its first request to the end."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import build_frame
from wsproxy.protocol.heads import RequestHead, parse_request_head
from wsproxy.protocol.opcodes import Opcode
from wsproxy.replay.actions import Done, End, More, Wait, Write
from wsproxy.replay.book import Book, Noted
from wsproxy.replay.choice import Choice, Offer, Refusal
from wsproxy.replay.handover import hand_over
from wsproxy.replay.hearing import Heard, Hearing
from wsproxy.replay.link import Link
from wsproxy.replay.matchers import Matcher, redacting
from wsproxy.replay.model import PlayedMessage, ReplayOptions
from wsproxy.replay.near import nearest
from wsproxy.replay.opening import doubts, response_for
from wsproxy.replay.player import Player
from wsproxy.replay.report import ConnectionReport
from wsproxy.replay.requests import read_request, response_to, skip_body
from wsproxy.replay.script import Expect, Play, Step
from wsproxy.replay.source import Pages, Source, dialect_of
from wsproxy.replay.variation import Variation
from wsproxy.store.model import StoredExchange, StoredSession, TcpEnd

_INBOX = 256
_POLICY_VIOLATION = (1008).to_bytes(2, "big")
_ALIKE = 64
"""Among so many sessions the first message decides."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What all connections of a server share."""

    source: Source
    choice: Choice
    options: ReplayOptions
    matcher: Matcher
    may_stay: Callable[[PlayedMessage], bool]
    """Whether a message may be left unplayed."""
    watch: Callable[[Noted], None] | None = None
    clock: Callable[[], int] = time.monotonic_ns


class ClientConnection:
    """Answers a client's requests with what was recorded, and plays a session."""

    def __init__(self, number: int, link: Link, setting: Setting) -> None:
        self.number = number
        self._link = link
        self._setting = setting
        self._book: Book | None = None
        self._player: Player | None = None
        self._pages: Pages | None = None
        self._session: StoredSession | None = None
        self._early: list[Heard] = []
        self._waiting = True

    async def run(self) -> None:
        """To the end of the connection; never raises because of the client."""
        while (request := await read_request(self._link)) is not None:
            self._waiting = False
            try:
                goes_on = await self._answer(request)
            except RecordingError as error:
                await self._refuse(Refusal(500, "Unreadable Recording", str(error)))
                return
            if not goes_on:
                return
            self._waiting = True
        self._link.close()

    @property
    def quiet(self) -> bool:
        """Whether nothing happens until the client does something."""
        return self._waiting and self._link.idle and not self._link.ended

    def fail(self, error: Exception) -> None:
        """Something went wrong that should not have: say so where it is seen."""
        if self._book is not None:
            text = f"the replay failed: {type(error).__name__}: {error}; the recording may be damaged"
            self._book.mismatch(text, None, None)

    def report(self) -> ConnectionReport | None:
        """What happened so far; None as long as the client has asked for nothing."""
        if self._book is None:
            return None
        left = [message for message in self._left() if not self._setting.may_stay(message)]
        count = len(left)
        if self._session is not None and self._pages is not None and not self._pages.known:
            counts = (self._session.client.messages, self._session.server.messages)
            count = max(count, sum(counts) - sum(self._book.passed.values()))
        return self._book.report(left, count)

    def _left(self) -> Sequence[PlayedMessage]:
        if self._player is None or self._pages is None:
            return ()
        steps = (*self._player.left, *self._pages.left)
        return [message for step in steps for message in _data_messages(step)]

    # --- requests

    async def _answer(self, request: RequestHead) -> bool:
        """Whether another request may follow."""
        setting, target = self._setting, request.target.decode("latin-1")
        if self._book is None:
            self._book = Book(self.number, target, setting.clock(), self._nearest, setting.watch)
        self._book.target = target
        if not request.method:
            await self._refuse(Refusal(400, "Bad Request", "what the client sent begins no HTTP request"))
            return False
        found = setting.choice.candidates(request)
        if isinstance(found, Refusal):
            if setting.options.live_url:
                self._book.note(f"{target} is not recorded: it goes to the live device")
                await hand_over(self._link, request.raw, setting.options.live_url)
            else:
                await self._refuse(found)
            return False
        if found[0].exchange is not None:
            setting.choice.take(found[0])
            return await self._exchange(request, found[0].exchange, self._book)
        await self._open(request, found, self._book)
        return False

    async def _refuse(self, refusal: Refusal) -> None:
        assert self._book is not None
        self._book.mismatch(refusal.text, None, None)
        body = f"wsproxy replay: {refusal.text}\n".encode()
        head = (
            f"HTTP/1.1 {refusal.status} {refusal.reason}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        await self._link.write(head.encode() + body)
        await self._hang_up()

    async def _hang_up(self) -> None:
        """End this direction, then wait for the client: closing with something unread would reset it."""
        self._link.half_close()
        self._waiting = True
        while not self._link.ended:
            while self._link.take() is not None:
                pass
            await self._link.wait()
        self._link.close()

    async def _exchange(self, request: RequestHead, stored: StoredExchange, book: Book) -> bool:
        exchange = await self._setting.source.exchange(stored.id)
        if exchange.request_body_length:
            await skip_body(self._link, request)
        book.note(f"{request.method.decode('latin-1')} {book.target}: exchange {stored.id} is played")
        if len(exchange.response_body) < exchange.response_body_length:
            book.note(f"of the body of exchange {stored.id} only the beginning was recorded")
        data, goes_on = response_to(request, exchange)
        await self._link.write(data)
        if not goes_on:
            await self._hang_up()
        return goes_on

    # --- sessions

    async def _open(self, request: RequestHead, found: Sequence[Offer], book: Book) -> None:
        setting, options = self._setting, self._setting.options
        session = found[0].session
        assert session is not None
        start = session.start
        head = start.response_head
        if options.as_sent and start.response_head_sent is not None:
            head = start.response_head_sent
        elif not options.exact_handshake:
            asked = start.request_head if start.request_head_sent is None else start.request_head_sent
            head = response_for(request, asked, head)
        for doubt in doubts(request, head):
            book.note(doubt)
        # Read before the client can answer: what comes first is as much in time as what follows.
        await setting.source.script(session)
        await self._link.write(head)
        began_ns = setting.clock()
        if _has_body(start.request_head):
            await skip_body(self._link, request)
        hearing = Hearing(Side.CLIENT, head, dialect_of(start.client_dialect, session.id))
        offer = await self._choose(found, hearing)
        await self._play(offer, hearing, began_ns, book)

    async def _choose(self, found: Sequence[Offer], hearing: Hearing) -> Offer:
        """Of sessions that begin alike, the one in which the client says first what this client says."""
        choice, source = self._setting.choice, self._setting.source
        alike = [offer for offer in found[:_ALIKE] if offer.agrees_as(found[0])]
        firsts = {}
        for offer in alike if len(alike) > 1 else ():
            assert offer.session is not None
            firsts[offer] = (await source.script(offer.session)).first_message
        if firsts and firsts[found[0]] is not None:
            live = await self._first_message(hearing)
            for offer, first in firsts.items():
                if live and first and self._matcher(offer).matches(first, live) and choice.take(offer):
                    return offer
        return next((offer for offer in found if choice.take(offer)), found[0])

    async def _first_message(self, hearing: Hearing) -> PlayedMessage | None:
        self._waiting = True
        while True:
            while (taken := self._link.take()) is not None:
                self._early += hearing.receive_data(*taken)
                for heard in self._early:
                    if isinstance(heard, PlayedMessage) and not heard.control:
                        self._waiting = False
                        return heard
            if self._link.ended:
                return None
            await self._link.wait()

    async def _play(self, offer: Offer, hearing: Hearing, began_ns: int, book: Book) -> None:
        assert offer.session is not None
        self._session = offer.session
        book.begin(offer.session.id)
        self._pages = await self._setting.source.script(offer.session)
        self._player = Player(
            self._setting.options,
            self._matcher(offer),
            book,
            recorded_ns=offer.session.start.started_at_ns,
            began_ns=began_ns,
            variation=self._variation(offer.session),
        )
        self._player.hear(self._early, hearing.offset)
        await self._turns(self._player, self._pages, hearing)

    def _matcher(self, offer: Offer) -> Matcher:
        redaction, matcher = offer.redaction, self._setting.matcher
        if redaction is None:
            return matcher

        def without_secrets(message: PlayedMessage) -> PlayedMessage:
            payload = redaction.payload(message.opcode, message.payload)
            if payload is message.payload:
                return message
            return message._replace(payload=payload, length=len(payload))

        return redacting(matcher, without_secrets)

    def _variation(self, session: StoredSession) -> Variation | None:
        vary, start = self._setting.options.vary, session.start
        if not vary:
            return None
        dialect = dialect_of(start.server_dialect, session.id)
        return Variation(vary, Side.SERVER, start.response_head, dialect)

    async def _turns(self, player: Player, pages: Pages, hearing: Hearing) -> None:
        link, clock = self._link, self._setting.clock
        while True:
            self._hear(player, hearing)
            action = player.next(clock())
            match action:
                case Write(data):
                    await link.write(data)
                case Wait(until_ns):
                    if link.idle or player.waiting >= _INBOX:
                        self._waiting = until_ns is None
                        patience = self._setting.options.patience
                        awaited = None if until_ns is not None or patience is None else _awaited(player.left)
                        if awaited is None or patience is None:
                            await link.wait(until_ns)
                        elif not await self._said_something(patience):
                            await self._lose_patience(awaited, patience)
                            return
                        self._waiting = False
                case End(how):
                    await self._end(how)
                case More():
                    player.feed(await pages.more())
                case Done():
                    link.close()
                    return

    async def _said_something(self, patience: float) -> bool:
        until_ns = self._setting.clock() + int(patience * 1e9)
        await self._link.wait(until_ns)
        return not self._link.idle or self._link.ended or self._setting.clock() < until_ns

    async def _lose_patience(self, awaited: PlayedMessage, patience: float) -> None:
        assert self._book is not None
        what = f"the client said nothing for {patience:g} s although it is its turn"
        self._book.mismatch(what, None, awaited)
        await self._link.write(build_frame(Opcode.CLOSE, _POLICY_VIOLATION + what.encode()).serialize())
        await self._hang_up()

    def _hear(self, player: Player, hearing: Hearing) -> None:
        while player.waiting < _INBOX:
            taken = self._link.take()
            if taken is None:
                break
            heard = hearing.receive_data(*taken)
            player.hear(heard, hearing.offset)
        if self._link.ended and self._link.idle:
            player.peer_ended(gone=self._link.lost)

    async def _end(self, how: TcpEnd) -> None:
        if how is TcpEnd.RST:
            await self._link.reset()
        else:
            self._link.half_close()

    def _nearest(
        self, live: PlayedMessage, expected: PlayedMessage | None
    ) -> tuple[PlayedMessage | None, Sequence[str]]:
        recorded = [message for message in self._left() if message.side is Side.CLIENT]
        if expected is not None and not expected.control:
            recorded.insert(0, expected)
        near = nearest(recorded, live)
        return (None, ()) if near is None else (near.message, near.diff)


def _has_body(request_head: bytes) -> bool:
    """Whether the recorded head has a body behind it, which is no part of the client's stream."""
    return bool(parse_request_head(request_head).end.lstrip(b"\r").removeprefix(b"\n"))


def _data_messages(step: Step) -> Sequence[PlayedMessage]:
    if isinstance(step, Expect):
        return () if step.message.control else (step.message,)
    if isinstance(step, Play):
        return [message for message in step.said if not message.control]
    return ()


def _awaited(left: Sequence[Step]) -> PlayedMessage | None:
    """The data message that it is the client's turn to send."""
    first = left[0] if left else None
    return first.message if isinstance(first, Expect) and not first.message.control else None
