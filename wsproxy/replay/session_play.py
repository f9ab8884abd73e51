"""A session played to one client, from the opening handshake to the end of the connection."""

from collections.abc import Mapping, Sequence

from wsproxy.conformance.hixie76 import is_hixie76_request
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import build_frame
from wsproxy.protocol.heads import RequestHead, parse_request_head
from wsproxy.protocol.opcodes import Opcode
from wsproxy.replay.actions import Done, End, More, Wait, Write
from wsproxy.replay.book import Book
from wsproxy.replay.choice import Offer
from wsproxy.replay.choosing import FirstWord, alike, choose
from wsproxy.replay.greeted import greeted_alike, instead
from wsproxy.replay.hearing import INBOX, Heard, Hearing, listen
from wsproxy.replay.link import Link
from wsproxy.replay.model import PlayedMessage
from wsproxy.replay.opening import doubts, response_for
from wsproxy.replay.player import Player
from wsproxy.replay.reading import Reading, reading_of
from wsproxy.replay.redacted import redacted
from wsproxy.replay.requests import skip_body, with_challenge
from wsproxy.replay.script import Expect, Play, Step
from wsproxy.replay.scripting import dialect_of, dialects_of
from wsproxy.replay.setting import Setting
from wsproxy.replay.source import Pages
from wsproxy.replay.variation import Variation
from wsproxy.store.model import ChangeRules, SessionStart, StoredSession
from wsproxy.store.redaction import Redaction

_POLICY_VIOLATION = (1008).to_bytes(2, "big")


class SessionPlay:
    """Plays one of the sessions that fit a client's request."""

    def __init__(self, link: Link, setting: Setting, book: Book) -> None:
        self._waiting = False
        self._first: FirstWord | None = None
        self._link = link
        self._setting = setting
        self._book = book
        self._player: Player | None = None
        self._pages: Pages | None = None
        self._session: StoredSession | None = None
        self._redaction: Redaction | None = None
        self._offer: Offer | None = None
        self._others: Mapping[Offer, Sequence[Step]] = {}

    @property
    def waiting(self) -> bool:
        """Whether nothing happens until the client does something."""
        return self._waiting or (self._first is not None and self._first.waiting)

    @property
    def begun(self) -> bool:
        """Whether the response was sent: from then on the client knows of nothing but WebSocket."""
        return self._player is not None

    @property
    def left(self) -> Sequence[PlayedMessage]:
        """The data messages that were not played, as far as they are known."""
        if self._player is None or self._pages is None:
            return ()
        steps = (*self._player.left, *self._pages.left)
        return [message for step in steps for message in _data_messages(step)]

    @property
    def left_count(self) -> int:
        """How many messages were not played, of a session that is not known to its end; else 0."""
        if self._session is None or self._pages is None or self._pages.known:
            return 0
        counts = (self._session.client.messages, self._session.server.messages)
        return sum(counts) - sum(self._book.passed.values())

    def as_recorded(self, live: PlayedMessage) -> PlayedMessage:
        """A live message without what is secret in the session that is played."""
        return live if self._redaction is None else redacted(self._redaction, live)

    async def run(self, request: RequestHead, found: Sequence[Offer]) -> None:
        """To the end of the connection. Raises RecordingError if the session cannot be read."""
        setting, options = self._setting, self._setting.options
        session = found[0].session
        assert session is not None
        start = session.start
        if _has_body(start.request_head) and is_hixie76_request(request):
            request = await with_challenge(self._link, request)
        asked, head = _handshake(start, sent=options.as_sent)
        if not options.exact_handshake:
            head = response_for(request, asked, head)
        for doubt in doubts(request, head):
            self._book.note(doubt)
        # Read before the client can answer: what comes first is as much in time as what follows.
        reading = await self._reading(found)
        await self._link.write(head)
        began_ns = setting.clock()
        if _has_body(start.request_head):
            await skip_body(self._link, request)
        dialect = dialect_of(start.client_dialect, session.id)
        hearing = Hearing(Side.CLIENT, head, dialect, reading=reading)
        self._first = FirstWord(self._link, hearing, self._book, setting.clock)
        offer = await choose(found, setting, self._first, began_ns)
        self._others = await greeted_alike(found, offer, setting)
        if self._others:
            setting.choice.lend(offer)
        try:
            await self._play(offer, hearing, self._first.heard, began_ns)
        finally:
            if self._others:
                setting.choice.keep(offer)

    async def _reading(self, found: Sequence[Offer]) -> Reading | None:
        """How to read what the client sends, whichever of the sessions that begin alike is played."""
        made: set[ChangeRules] = set()
        for offer in alike(found):
            assert offer.session is not None
            made |= (await self._setting.source.script(offer.session)).made
        first = found[0].session
        assert first is not None
        return reading_of(first.start, dialects_of(first.start, first.id), made, {Side.CLIENT})

    async def _play(self, offer: Offer, hearing: Hearing, early: Sequence[Heard], began_ns: int) -> None:
        session = self._begin(offer)
        self._pages = await self._setting.source.script(session)
        self._player = Player(
            self._setting.options,
            self._setting.matcher_for(offer),
            self._book,
            recorded_ns=session.start.started_at_ns,
            began_ns=began_ns,
            variation=self._variation(session),
        )
        self._player.hear(early, hearing.offset)
        await self._turns(self._player, self._pages, hearing, began_ns)

    def _begin(self, offer: Offer) -> StoredSession:
        session = offer.session
        assert session is not None
        self._offer, self._session, self._redaction = offer, session, offer.redaction
        self._book.begin(session.id)
        return session

    def _decide(self, player: Player, live: PlayedMessage) -> None:
        """Play another session that has begun with the same, if the client says what was said there."""
        assert self._offer is not None
        found = instead(self._offer, player.left, self._others, live, self._setting)
        self._others = {}
        if found is not None:
            offer, steps = found
            self._begin(offer)
            player.feed(steps)

    def _variation(self, session: StoredSession) -> Variation | None:
        vary, start = self._setting.options.vary, session.start
        if not vary:
            return None
        dialects, sent = dialects_of(start, session.id), self._setting.options.as_sent
        _, head = _handshake(start, sent=sent)
        made = frozenset[ChangeRules]() if sent or self._pages is None else self._pages.made
        reading = reading_of(start, dialects, made, {Side.SERVER})
        dialect = dialects[Side.CLIENT if sent else Side.SERVER]
        return Variation(vary, Side.SERVER, head, dialect, reading, self.as_recorded)

    async def _turns(self, player: Player, pages: Pages, hearing: Hearing, since_ns: int) -> None:
        link, clock = self._link, self._setting.clock
        while True:
            self._hear(player, hearing)
            if self._others and player.left and (first := player.first_waiting) is not None:
                self._decide(player, first)
            action = player.next(clock())
            match action:
                case Write(data):
                    await link.write(data)
                case Wait(until_ns):
                    if (link.idle or player.waiting >= INBOX) and not await self._wait(until_ns, since_ns):
                        return
                case End(how):
                    await link.end(how)
                case More():
                    player.feed(await pages.more())
                    continue
                case Done():
                    link.close()
                    return
            since_ns = clock()

    async def _wait(self, until_ns: int | None, since_ns: int) -> bool:
        """Wait for the client; False if it has been silent too long since then, although it is its turn."""
        assert self._player is not None
        patience = self._setting.options.patience
        awaited = None if until_ns is not None or patience is None else _awaited(self._player.left)
        self._waiting = until_ns is None
        if awaited is None or patience is None:
            await self._link.wait(until_ns)
        elif not await self._said_something(since_ns + int(patience * 1e9)):
            await self._lose_patience(awaited, patience)
            return False
        self._waiting = False
        return True

    async def _said_something(self, until_ns: int) -> bool:
        await self._link.wait(until_ns)
        return not self._link.idle or self._link.ended or self._setting.clock() < until_ns

    async def _lose_patience(self, awaited: PlayedMessage, patience: float) -> None:
        what = f"the client said nothing for {patience:g} s although it is its turn"
        self._book.mismatch(what, None, awaited)
        await self._link.write(build_frame(Opcode.CLOSE, _POLICY_VIOLATION + what.encode()).serialize())
        await self._link.hang_up()

    def _hear(self, player: Player, hearing: Hearing) -> None:
        listen(hearing, self._link.take, player)
        if self._link.ended and self._link.idle:
            player.peer_ended(gone=self._link.lost)


def _handshake(start: SessionStart, *, sent: bool) -> tuple[bytes, bytes]:
    """The response head, and before it the request head that it answers; with `sent`, those that the client
    knows.
    """
    if sent and start.response_head_sent is not None:
        return start.request_head, start.response_head_sent
    asked = start.request_head if start.request_head_sent is None else start.request_head_sent
    return asked, start.response_head


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
