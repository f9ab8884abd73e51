"""Which recorded session, or plain HTTP exchange, a client gets: by what it asks for, and by what was played
before.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from wsproxy.protocol.handshake import is_upgrade_request, negotiate
from wsproxy.protocol.heads import RequestHead, parse_request_head, parse_response_head
from wsproxy.store.model import StoredExchange, StoredSession
from wsproxy.store.redaction import REPLACEMENT, Redaction, redaction_from_json


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing for this client: an HTTP status and reason, and a text that says why."""

    status: int
    reason: str
    text: str


class Asked(NamedTuple):
    """What counts of a request: devices look at the spelling of `Upgrade`, too."""

    method: bytes
    path: str
    query: str
    upgrade: bool
    credentials: bool
    subprotocols: Sequence[str]
    spelling: Sequence[bytes]

    @classmethod
    def by(cls, request: RequestHead) -> "Asked":
        """What a request asks for."""
        path, query = place_of(request.target)
        return cls(
            request.method,
            path,
            query,
            is_upgrade_request(request),
            bool(request.get("authorization")),
            request.tokens("sec-websocket-protocol"),
            [field.raw.strip() for field in request.fields if field.key == b"upgrade"],
        )

    def distance(self, recorded: "Asked") -> tuple[bool, ...]:
        """How far it is from a recorded one: the less the better."""
        return (
            self.upgrade != recorded.upgrade,
            self.credentials != recorded.credentials,
            self.subprotocols != recorded.subprotocols,
            not _left_of(self.query, recorded.query),
            self.spelling != recorded.spelling,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """A session, or an exchange, that may be played, with what was asked for when it was recorded.

    Of an exchange the bodies are not kept here. `redaction` is what secrets were removed by.
    """

    asked: Asked
    started_at_ns: int
    session: StoredSession | None = None
    exchange: StoredExchange | None = None
    redaction: Redaction | None = None

    @classmethod
    def of_session(cls, session: StoredSession) -> "Offer":
        """Raises RecordingError if how secrets were removed cannot be read."""
        start = session.start
        redaction = None if start.redaction is None else redaction_from_json(start.redaction)
        asked = Asked.by(parse_request_head(start.request_head))
        return cls(asked, start.started_at_ns, session, None, redaction)

    @classmethod
    def of_exchange(cls, stored: StoredExchange) -> "Offer":
        """What an exchange offers."""
        exchange = stored.exchange
        return cls(Asked.by(parse_request_head(exchange.request_head)), exchange.started_at_ns, None, stored)

    @property
    def rules(self) -> tuple[str, ...]:
        """What secrets were removed by; empty for nothing."""
        return () if self.redaction is None else self.redaction.rules

    def fits(self, asked: Asked) -> bool:
        """Whether this is what was asked for. An exchange does not tell by which rules it was redacted."""
        if asked.method != self.asked.method:
            return False
        if self.exchange is None:
            return asked.path == self.asked.path
        return _left_of(asked.path, self.asked.path)

    def agrees_as(self, other: "Offer") -> bool:
        """Whether, when it begins, it cannot be told from the other one: both agreed on the same."""
        return self._agreed() == other._agreed()

    def _agreed(self) -> object:
        if self.session is None:
            return self
        response = parse_response_head(self.session.start.response_head)
        return response.status, negotiate(response), self.session.start.client_dialect


class Choice:
    """Knows what there is, and how often each was played. Unless `loop`, each is played once."""

    def __init__(self, offers: Iterable[Offer], *, loop: bool) -> None:
        self._offers = sorted(offers, key=lambda offer: offer.started_at_ns)
        self._redactions = {offer.rules: offer.redaction for offer in self._offers}
        self._loop = loop
        self._played: Counter[Offer] = Counter()
        self._lent: set[Offer] = set()

    def candidates(self, request: RequestHead) -> Sequence[Offer] | Refusal:
        """What fits this request best, the one to take first: the same method and path were asked for, the
        other facts are the same as far as there is such a one, and it was played less often, or recorded
        before. Last come those that are lent.
        """
        asked = Asked.by(request)
        seen = {rules: _recorded_as(request, redaction) for rules, redaction in self._redactions.items()}
        fitting = [(offer, seen[offer.rules]) for offer in self._offers if offer.fits(seen[offer.rules])]
        if not fitting:
            known = ", ".join(self.paths[:10]) or "nothing"
            return Refusal(404, "Not Found", f"nothing was recorded for {asked.path}; recorded: {known}")
        far = {offer: asked.distance(offer.asked) for offer, asked in fitting}
        left = [offer for offer in far if self._loop or not self._played[offer]]
        if not left:
            return Refusal(410, "Gone", _all_played(asked.path, len(fitting)))
        best = min(far[offer] for offer in left)
        near = [offer for offer in (*left, *self._lent) if far.get(offer) == best]
        return sorted(near, key=lambda offer: (self._played[offer], offer.started_at_ns))

    def take(self, offer: Offer) -> bool:
        """Play it; False if it is not to be had any more."""
        if self._played[offer] and not self._loop:
            return False
        self._played[offer] += 1
        return True

    def give_back(self, offer: Offer) -> None:
        """It was not played after all."""
        self._played[offer] -= 1

    def lend(self, offer: Offer) -> None:
        """Who has taken it may go on with another one that has begun alike: till then it may be traded."""
        if not self._loop:
            self._lent.add(offer)

    def trade(self, offer: Offer) -> bool:
        """Take it, from whom it is lent to as well; False if it is not to be had."""
        if offer not in self._lent:
            return self.take(offer)
        self._lent.discard(offer)
        return True

    def keep(self, offer: Offer) -> bool:
        """Who has taken it is to have it; False if somebody else took it meanwhile."""
        lent = offer in self._lent
        self._lent.discard(offer)
        return lent or self._loop

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths, with their queries, that were asked for, without repetition: of sessions if there are
        any.
        """
        of_sessions = [offer for offer in self._offers if offer.session is not None]
        asked = (offer.asked for offer in of_sessions or self._offers)
        return tuple(
            dict.fromkeys(f"{each.path}?{each.query}" if each.query else each.path for each in asked)
        )

    @property
    def unused(self) -> tuple[int, ...]:
        """The numbers of the sessions that were not played."""
        return tuple(
            sorted(offer.session.id for offer in self._offers if offer.session and not self._played[offer])
        )


def _recorded_as(request: RequestHead, redaction: Redaction | None) -> Asked:
    """What would have been recorded of a request that was made to a recorder with these rules."""
    return Asked.by(request if redaction is None else parse_request_head(redaction.head(request.raw)))


def _left_of(live: str, recorded: str) -> bool:
    """Whether `recorded` may be what redaction leaves of `live`; the same if it has taken out nothing."""
    first, *others = recorded.split(REPLACEMENT)
    if not others:
        return live == recorded
    position, end = len(first), len(live) - len(others[-1])
    if not (live.startswith(first) and live.endswith(others[-1]) and position <= end):
        return False
    for other in others[:-1]:
        found = live.find(other, position, end)
        if found < 0:
            return False
        position = found + len(other)
    return True


def place_of(target: bytes) -> tuple[str, str]:
    """The path and the query of a request target, whatever its form."""
    text = target.decode("latin-1")
    try:
        parts = urlsplit(text if "://" in text.partition("?")[0] else f"ws://host/{text.removeprefix('/')}")
    except ValueError:
        return text, ""
    return parts.path or "/", parts.query


def _all_played(path: str, count: int) -> str:
    what = "the one session" if count == 1 else f"all {count} sessions"
    was = "was" if count == 1 else "were"
    return f"{what} recorded for {path} {was} played already; with loop (--loop) they are played again"
