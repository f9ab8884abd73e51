"""Run bytes through a normalizer and check what must hold of any of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.conformance.strict_peer import StrictPeer
from wsproxy.conformance.normalizer import Legs, Normalizer, Outgoing
from wsproxy.conformance.profiles import Profile, load_profile
from wsproxy.conformance.rules import RULES
from wsproxy.protocol.decoder import PIECE_LIMIT
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import Negotiated, negotiate, parse_response_head
from wsproxy.protocol.request_body import RequestBody

CLIENT, SERVER = Side.CLIENT, Side.SERVER
SECOND = 1_000_000_000
KEY = b"\xa1\xb2\xc3\xd4"
STRICT = load_profile("strict")


def negotiated(extensions: str = "", subprotocol: str = "") -> Negotiated:
    """What a response with these values settles."""
    head = b"HTTP/1.1 101 x\r\n"
    if extensions:
        head += b"Sec-WebSocket-Extensions: " + extensions.encode() + b"\r\n"
    if subprotocol:
        head += b"Sec-WebSocket-Protocol: " + subprotocol.encode() + b"\r\n"
    return negotiate(parse_response_head(head + b"\r\n"))


def profile(
    base: str = "strict", on: Iterable[str] = (), off: Iterable[str] = (), **options: object
) -> Profile:
    """A profile with some rules switched and some options set, for both sides."""
    loaded = load_profile(base)
    rules = {side: (loaded.rules[side] | set(on)) - set(off) for side in Side}
    return Profile("test", rules=rules, options={side: {**loaded.options[side], **options} for side in Side})


@dataclass
class Line:
    """A normalizer with a strict peer on either end; every call checks what came out of it."""

    profile: Profile = field(default_factory=lambda: STRICT)
    legs: Legs = field(default_factory=Legs)
    dialects: Mapping[Side, Dialect] | None = None
    piece_limit: int = PIECE_LIMIT
    now: int = SECOND
    bodies: dict[Side, RequestBody] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.normalizer = Normalizer(
            self.profile,
            self.legs,
            masking_key=lambda: KEY,
            dialects=self.dialects,
            piece_limit=self.piece_limit,
            bodies=self.bodies,
        )
        self.peers = {side: StrictPeer(side, self.legs.of(side).deflate) for side in Side}
        self.sent: dict[Side, bytes] = dict.fromkeys(Side, b"")
        self.marks: dict[Side, int] = dict.fromkeys(Side, 0)
        self.out: list[Outgoing] = []

    def send(self, side: Side, data: bytes, sizes: Sequence[int] = ()) -> bytes:
        """`side` sends the data, cut to these sizes over and over; what the other gets for it."""
        before = len(self.peers[side.other].received)
        position, turn = 0, 0
        while position < len(data):
            size = sizes[turn % len(sizes)] if sizes else len(data)
            turn += 1
            part = data[position : position + size]
            position += size
            self.sent[side] += part
            self._take(self.normalizer.receive_data(side, part, self.now))
        return self.peers[side.other].received[before:]

    def end(self, side: Side) -> bytes:
        """The stream of `side` ends."""
        before = len(self.peers[side.other].received)
        self._take(self.normalizer.receive_eof(side, self.now))
        return self.peers[side.other].received[before:]

    def wait(self, seconds: float) -> None:
        """Time passes; the normalizer is woken when it asked for it."""
        until = self.now + int(seconds * SECOND)
        while (wake_at := self.normalizer.wake_at_ns) is not None and wake_at <= until:
            self.now = max(self.now, wake_at)
            self._take(self.normalizer.wake(self.now))
            again = self.normalizer.wake_at_ns
            assert again is None or again > self.now, "woken in vain"
        self.now = until

    def rules(self, side: Side) -> list[str]:
        """The rules of all that went on changed, in order."""
        return [rule for out in self.out if out.side is side for rule in out.rules]

    def _take(self, outgoing: list[Outgoing]) -> None:
        for out in outgoing:
            self._check(out)
            self.out.append(out)
            self.marks[out.side] = out.end
            if out.data:
                self.peers[out.side.other].receive(out.data)

    def _check(self, out: Outgoing) -> None:
        assert out.start == self.marks[out.side], "a gap, or an overlap"
        received = self.sent[out.side][out.start : out.end]
        assert len(received) == out.end - out.start, "more than was received"
        assert set(out.rules) <= RULES.keys()
        assert bool(out.rules) is (out.kind != "relayed")
        match out.kind:
            case "relayed":
                assert out.data == received
            case "dropped":
                assert not out.data
                assert received
            case "injected":
                assert out.data
                assert not received
            case "replaced":
                assert out.data
                assert received
