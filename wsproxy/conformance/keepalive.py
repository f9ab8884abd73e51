"""The pings one peer is sent, and its pongs. Time comes in as an argument.

Source: RFC 6455 sections 5.5.2 and 5.5.3.
"""

from collections import deque
from typing import NamedTuple

from wsproxy.conformance.profiles import Profile
from wsproxy.protocol.frame import Side

SECOND = 1_000_000_000
_MOST_OUTSTANDING = 64


class Ping(NamedTuple):
    """A ping that was sent and not answered yet; `own` ones were wsproxy's idea."""

    payload: bytes
    at_ns: int
    own: bool
    number: int


class Pong(NamedTuple):
    """What becomes of a pong: its payload as it goes on (None: it does not), and the rules departed from."""

    payload: bytes | None
    rules: tuple[str, ...] = ()


class Pings:
    """Keeps the pings that `peer` was sent, as far as the profile has use for them.

    `heard_ns` is when the peer last sent anything, `count` how many pings it was sent.
    """

    __slots__ = (
        "_alive_within",
        "_answers",
        "_interval",
        "_mends_payload",
        "_outstanding",
        "_own",
        "_pinged_ns",
        "_reads_ping_as_pong",
        "_swallows",
        "_timeout",
        "count",
        "heard_ns",
    )

    def __init__(self, profile: Profile, peer: Side) -> None:
        self._answers: str = "never"
        if profile.repairs("keepalive.ping-unanswered", peer):
            self._answers = profile.option("answer_pings", peer)
        self._mends_payload = profile.repairs("keepalive.pong-payload-differs", peer)
        self._reads_ping_as_pong = profile.repairs("keepalive.ping-answered-with-ping", peer)
        self._swallows = profile.repairs("keepalive.pong-unsolicited", peer)
        self._timeout = int(profile.option("pong_timeout", peer) * SECOND)
        self._alive_within = int(profile.option("alive_within", peer) * SECOND)
        interval = (
            profile.option("ping_interval", peer) if profile.repairs("keepalive.ping-interval", peer) else 0
        )
        self._interval = int(interval * SECOND)
        self._outstanding: deque[Ping] = deque(maxlen=_MOST_OUTSTANDING)
        self._own = 0
        self.count = 0
        self._pinged_ns: int | None = None
        self.heard_ns: int | None = None

    def takes(self, payload: bytes, at_ns: int) -> bool:
        """A ping is on its way to the peer; False if it must be answered at once, and not go on."""
        if self.heard_ns is None:
            # Nothing yet, but the opening handshake was just now.
            self.heard_ns = at_ns
        if self._answers == "at-once" and self._alive(at_ns):
            return False
        self._send(payload, at_ns, own=False)
        return True

    def pong(self, payload: bytes, known: int) -> Pong:
        """The peer sent a pong, when it had been sent `known` pings. Cases P06 P07 P15 P26."""
        ping = self._answered(payload, known)
        if ping is None:
            return Pong(None, ("keepalive.pong-unsolicited",)) if self._swallows else Pong(payload)
        while self._outstanding.popleft() is not ping:
            pass
        if ping.own:
            return Pong(None, ("keepalive.ping-interval",))
        return Pong(ping.payload, () if ping.payload == payload else ("keepalive.pong-payload-differs",))

    def is_answer(self, payload: bytes, known: int) -> bool:
        """Whether a ping of the peer is its answer to one of the `known` it was sent. Case P21.

        An empty one proves nothing: both sides may send those.
        """
        return (
            self._reads_ping_as_pong
            and bool(payload)
            and any(ping.payload == payload for ping in self._known(known))
        )

    def due(self, at_ns: int) -> list[bytes]:
        """The payloads of pongs to give in the peer's place now. Cases P01 P02 P03 P05 P09 P13 P14."""
        pongs: list[bytes] = []
        while (
            self._outstanding
            and (self._outstanding[0].own or self._answers == "late")
            and self._outstanding[0].at_ns + self._timeout <= at_ns
        ):
            ping = self._outstanding.popleft()
            if not ping.own and self._alive(at_ns):
                pongs.append(ping.payload)
        return pongs

    def ping_due(self, at_ns: int) -> bytes | None:
        """The payload of a ping to send now, if it is time for one. Case P29."""
        if not self._interval:
            return None
        if self._pinged_ns is None and self.heard_ns is None:
            self._pinged_ns = at_ns
        if self._next_ping_ns() > at_ns:
            return None
        self._own += 1
        payload = b"wsproxy %d" % self._own
        self._pinged_ns = at_ns
        self._send(payload, at_ns, own=True)
        return payload

    def stop_pinging(self) -> None:
        """No more pings of wsproxy's own."""
        self._interval = 0

    @property
    def wake_at_ns(self) -> int | None:
        """When `due` or `ping_due` may have something."""
        times = [self._next_ping_ns()] if self._interval and (self._pinged_ns or self.heard_ns) else []
        if self._outstanding and (self._outstanding[0].own or self._answers == "late"):
            times.append(self._outstanding[0].at_ns + self._timeout)
        return min(times, default=None)

    def _next_ping_ns(self) -> int:
        return max(self._pinged_ns or 0, self.heard_ns or 0) + self._interval

    def _alive(self, at_ns: int) -> bool:
        if not self._alive_within:
            return True
        return self.heard_ns is not None and at_ns - self.heard_ns <= self._alive_within

    def _known(self, known: int) -> list[Ping]:
        return [ping for ping in self._outstanding if ping.number <= known]

    def _send(self, payload: bytes, at_ns: int, *, own: bool) -> None:
        self.count += 1
        self._outstanding.append(Ping(payload, at_ns, own, self.count))

    def _answered(self, payload: bytes, known: int) -> Ping | None:
        """The ping this pong is for: one with its payload, else the one it is likeliest to have mangled."""
        pings = self._known(known)
        exact = [ping for ping in pings if ping.payload == payload]
        if exact:
            return exact[0]
        if not self._mends_payload or not pings:
            return None
        cut = [ping for ping in pings if ping.payload.startswith(payload)]
        return cut[-1] if cut else pings[-1]
