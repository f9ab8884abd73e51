"""Which of the sessions that begin alike a client gets: that depends on what it says first."""

import time
from collections.abc import Callable, Mapping, Sequence

from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import build_frame
from wsproxy.protocol.opcodes import Opcode
from wsproxy.replay.book import Book
from wsproxy.replay.choice import Offer
from wsproxy.replay.hearing import Heard, Hearing
from wsproxy.replay.link import Link
from wsproxy.replay.model import PlayedMessage
from wsproxy.replay.script import Expect, Play, Step
from wsproxy.replay.setting import Setting
from wsproxy.replay.timing import PATIENCE_NS

ALIKE = 64
"""Among so many sessions the first message decides."""


class FirstWord:
    """Listens to a client until it has said something by which sessions can be told apart.

    Pings are answered meanwhile: a client may wait for that before it says more. `heard` is everything else
    that came, `waiting` whether nothing happens until the client does something.
    """

    def __init__(
        self, link: Link, hearing: Hearing, book: Book, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.heard: list[Heard] = []
        self.waiting = False
        self._link = link
        self._hearing = hearing
        self._book = book
        self._clock = clock

    async def wait(self, until_ns: int | None) -> PlayedMessage | None:
        """The first data message or Close; None if there is none by then, or ever."""
        while True:
            while (taken := self._link.take()) is not None:
                said = await self._hear(*taken)
                if said is not None:
                    return said
            if self._link.ended or (until_ns is not None and self._clock() >= until_ns):
                return None
            self.waiting = until_ns is None
            await self._link.wait(until_ns)
            self.waiting = False

    async def _hear(self, data: bytes, at_ns: int) -> PlayedMessage | None:
        first: PlayedMessage | None = None
        for heard in self._hearing.receive_data(data, at_ns):
            telling = isinstance(heard, PlayedMessage) and not (
                heard.control and heard.opcode != Opcode.CLOSE
            )
            if first is None and isinstance(heard, PlayedMessage) and telling:
                first = heard
            if first is None and isinstance(heard, PlayedMessage) and heard.opcode == Opcode.PING:
                await self._answer(heard)
            else:
                self.heard.append(heard)
        return first

    async def _answer(self, ping: PlayedMessage) -> None:
        self._book.heard(ping)
        pong = ping._replace(side=Side.SERVER, number=0, opcode=Opcode.PONG)
        self._book.made(pong, "answers a Ping before it is known which session this is")
        await self._link.write(build_frame(Opcode.PONG, ping.payload).serialize())


async def choose(found: Sequence[Offer], setting: Setting, first: FirstWord, began_ns: int) -> Offer:
    """Of sessions that begin alike, take the one in which the client says first what this client says.

    `began_ns` is when the opening handshake was over. A client that says nothing, where the device speaks
    first in one of them, gets that.
    """
    begin = await _beginnings(found, setting)
    if isinstance(begin.get(found[0]), Expect):
        live = await first.wait(_decided_ns(begin, setting.options.patience, began_ns))
        for offer, step in begin.items():
            if _begins(setting, offer, step, live) and setting.choice.take(offer):
                return offer
    return next((offer for offer in found if setting.choice.take(offer)), found[0])


def alike(found: Sequence[Offer]) -> Sequence[Offer]:
    """The sessions among these that cannot be told from the first one when they begin."""
    return [offer for offer in found[:ALIKE] if offer.agrees_as(found[0])]


async def _beginnings(found: Sequence[Offer], setting: Setting) -> dict[Offer, Step | None]:
    offers = alike(found)
    begin: dict[Offer, Step | None] = {}
    for offer in offers if len(offers) > 1 else ():
        assert offer.session is not None
        begin[offer] = (await setting.source.script(offer.session)).first_step
    return begin


def _begins(setting: Setting, offer: Offer, step: Step | None, live: PlayedMessage | None) -> bool:
    """Whether a session begins with what the client said, or with the device if it said nothing."""
    if live is None:
        return isinstance(step, Play)
    return isinstance(step, Expect) and setting.matcher_for(offer).matches(step.message, live)


def _decided_ns(begin: Mapping[Offer, Step | None], patience: float | None, began_ns: int) -> int | None:
    """When a client that has said nothing is not waited for any more."""
    until = [] if patience is None else [began_ns + int(patience * 1e9)]
    if any(isinstance(step, Play) for step in begin.values()):
        spoke = [
            step.at_ns - offer.started_at_ns for offer, step in begin.items() if isinstance(step, Expect)
        ]
        until.append(began_ns + max(spoke) + PATIENCE_NS)
    return min(until, default=None)
