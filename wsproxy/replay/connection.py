"""One client's connection to a replayed device, from its request to the end."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.handshake import HeadReader
from wsproxy.protocol.heads import RequestHead, parse_request_head
from wsproxy.replay.actions import Done, End, Matches, More, Wait, Write
from wsproxy.replay.book import Book, Noted
from wsproxy.replay.choice import Choice, Refusal
from wsproxy.replay.hearing import Hearing
from wsproxy.replay.link import Link
from wsproxy.replay.model import PlayedMessage, ReplayOptions
from wsproxy.replay.near import nearest
from wsproxy.replay.opening import doubts, response_for
from wsproxy.replay.player import Player
from wsproxy.replay.report import ConnectionReport
from wsproxy.replay.script import Expect, Play, Step
from wsproxy.replay.source import Pages, Source
from wsproxy.store.model import StoredSession, TcpEnd

_INBOX = 256


@dataclass(frozen=True, slots=True)
class Setting:
    """What all connections of a server share."""

    source: Source
    choice: Choice
    options: ReplayOptions
    matcher: Matches
    watch: Callable[[Noted], None] | None = None
    clock: Callable[[], int] = time.monotonic_ns


class ClientConnection:
    """Answers a client's request with a recorded session, and plays that."""

    def __init__(self, number: int, link: Link, setting: Setting) -> None:
        self.number = number
        self._link = link
        self._setting = setting
        self._book: Book | None = None
        self._player: Player | None = None
        self._pages: Pages | None = None
        self._session: StoredSession | None = None
        self.waiting = False
        """Whether it is the client's turn."""

    async def run(self) -> None:
        """To the end of the connection; never raises because of the client."""
        request = await self._request()
        if request is None:
            self._link.close()
            return
        setting = self._setting
        target = request.target.decode("latin-1")
        self._book = Book(self.number, target, setting.clock(), self._nearest, setting.watch)
        found = setting.choice.candidates(request)
        if isinstance(found, Refusal):
            await self._refuse(found)
            return
        try:
            await self._play(request, found[0])
        except RecordingError as error:
            await self._refuse(Refusal(500, "Unreadable Recording", str(error)))

    def report(self) -> ConnectionReport | None:
        """What happened so far; None as long as the client has asked for nothing."""
        if self._book is None:
            return None
        left = self._left()
        count = len(left)
        if self._session is not None:
            counts = (self._session.client.messages, self._session.server.messages)
            count = max(count, sum(counts) - sum(self._book.passed.values()))
        return self._book.report(left, count)

    def _left(self) -> Sequence[PlayedMessage]:
        if self._player is None or self._pages is None:
            return ()
        return [
            message for step in (*self._player.left, *self._pages.left) for message in _data_messages(step)
        ]

    async def _request(self) -> RequestHead | None:
        reader = HeadReader(Side.CLIENT)
        head = None
        while head is None:
            taken = self._link.take()
            if taken is not None:
                head = reader.receive_data(taken[0])
            elif self._link.ended:
                return None
            else:
                await self._link.wait()
        self._link.put_back(reader.rest)
        return None if reader.headless else parse_request_head(head)

    async def _refuse(self, refusal: Refusal) -> None:
        assert self._book is not None
        self._book.mismatch(refusal.text, None, None)
        body = f"wsproxy replay: {refusal.text}\n".encode()
        head = (
            f"HTTP/1.1 {refusal.status} {refusal.reason}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        await self._link.write(head.encode() + body)
        self._link.half_close()
        await self._drain()

    async def _drain(self) -> None:
        """Let the client end the connection: closing it with something unread would reset it."""
        while not self._link.ended:
            while self._link.take() is not None:
                pass
            await self._link.wait()
        self._link.close()

    async def _play(self, request: RequestHead, session: StoredSession) -> None:
        setting, book, start = self._setting, self._book, session.start
        assert book is not None
        setting.choice.take(session)
        self._session = session
        book.begin(session.id)
        self._pages = await setting.source.script(session)
        head = start.response_head
        if not setting.options.exact_handshake:
            asked = start.request_head if start.request_head_sent is None else start.request_head_sent
            head = response_for(request, asked, head)
        for doubt in doubts(request, head):
            book.note(doubt)
        began_ns = setting.clock()
        if head:
            await self._link.write(head)
        self._player = Player(
            setting.options, setting.matcher, book, recorded_ns=start.started_at_ns, began_ns=began_ns
        )
        await self._turns(self._player, self._pages, Hearing(Side.CLIENT, head, RFC6455))

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
                        self.waiting = until_ns is None
                        await link.wait(until_ns)
                        self.waiting = False
                case End(how):
                    await self._end(how)
                case More():
                    player.feed(await pages.more())
                case Done():
                    link.close()
                    return

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


def _data_messages(step: Step) -> Sequence[PlayedMessage]:
    if isinstance(step, Expect):
        return () if step.message.control else (step.message,)
    if isinstance(step, Play):
        return [message for message in step.said if not message.control]
    return ()
