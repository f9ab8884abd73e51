"""One client's connection to a replayed device: its requests, and what each is answered with."""

from collections.abc import Sequence

from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.protocol.heads import RequestHead
from wsproxy.replay.book import Book
from wsproxy.replay.choice import Refusal
from wsproxy.replay.handover import hand_over
from wsproxy.replay.link import Link
from wsproxy.replay.model import PlayedMessage
from wsproxy.replay.near import nearest
from wsproxy.replay.report import ConnectionReport
from wsproxy.replay.requests import read_request, response_to, skip_body
from wsproxy.replay.session_play import SessionPlay
from wsproxy.replay.setting import Setting
from wsproxy.store.model import StoredExchange


class ClientConnection:
    """Answers a client's requests with what was recorded, and plays a session."""

    def __init__(self, number: int, link: Link, setting: Setting) -> None:
        self.number = number
        self._link = link
        self._setting = setting
        self._book: Book | None = None
        self._play: SessionPlay | None = None
        self._waiting = True

    async def run(self) -> None:
        """To the end of the connection; never raises because of the client."""
        while (request := await read_request(self._link)) is not None:
            self._waiting = False
            try:
                goes_on = await self._answer(request)
            except RecordingError as error:
                if self._book is not None and self._play is not None and self._play.begun:
                    self._book.mismatch(str(error), None, None)
                    return
                await self._refuse(Refusal(500, "Unreadable Recording", str(error)))
                return
            if not goes_on:
                return
            self._waiting = True
        self._link.close()

    @property
    def quiet(self) -> bool:
        """Whether nothing happens until the client does something."""
        waiting = self._waiting or (self._play is not None and self._play.waiting)
        return waiting and self._link.idle and not self._link.ended

    def fail(self, error: Exception) -> None:
        """Something went wrong that should not have: say so where it is seen."""
        if self._book is not None:
            text = f"the replay failed: {type(error).__name__}: {error}; the recording may be damaged"
            self._book.mismatch(text, None, None)

    def report(self) -> ConnectionReport | None:
        """What happened so far; None as long as the client has asked for nothing."""
        if self._book is None:
            return None
        if self._play is None:
            return self._book.report()
        left = [message for message in self._play.left if not self._setting.may_stay(message)]
        return self._book.report(left, max(len(left), self._play.left_count))

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
        self._play = SessionPlay(self._link, setting, self._book)
        await self._play.run(request, found)
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
        self._waiting = True
        await self._link.hang_up()

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

    def _nearest(
        self, live: PlayedMessage, expected: PlayedMessage | None
    ) -> tuple[PlayedMessage | None, Sequence[str]]:
        left = () if self._play is None else self._play.left
        recorded = [message for message in left if message.side is Side.CLIENT]
        if expected is not None and not expected.control:
            recorded.insert(0, expected)
        shown = live if self._play is None else self._play.as_recorded(live)
        near = nearest(recorded, shown, self._setting.matcher.exempt)
        return (None, ()) if near is None else (near.message, near.diff)
