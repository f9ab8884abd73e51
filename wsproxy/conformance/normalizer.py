"""Both directions of a session on their way through the repairs: what comes in, what goes on instead.

Bytes that depart from no rule whose repair is on go on as they came. Time, masking keys and limits come in as
arguments; no input makes it raise.

Source: RFC 6455.
"""

import string
from collections.abc import Callable, Mapping

from wsproxy.conformance.conditions import Conditions
from wsproxy.conformance.dechunk import CHUNK_SIZE, Dechunker
from wsproxy.conformance.direction import Direction
from wsproxy.conformance.frame_writer import FrameWriter
from wsproxy.conformance.keepalive import SECOND, Pings
from wsproxy.conformance.legs import Legs
from wsproxy.conformance.outgoing import Outgoing
from wsproxy.conformance.pacing import Pacing, frame_gap_ns
from wsproxy.conformance.profiles import Profile
from wsproxy.protocol.decoder import PIECE_LIMIT
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.opcodes import Opcode
from wsproxy.protocol.request_body import RequestBody

_BODY_RULES = {Side.CLIENT: "handshake.request.body", Side.SERVER: "handshake.response.body"}
_NO_FRAMES = {Side.CLIENT: string.printable, Side.SERVER: string.printable.replace("A", "").replace("B", "")}
"""What a body may begin with, and no frame: those of a server are not masked, but may be compressed."""

__all__ = ["Legs", "Normalizer", "Outgoing"]


class Normalizer:
    """Normalizes one session, from the end of its opening handshake on.

    `legs` is what was agreed on either leg, `dialects` how a side frames (RFC 6455 where it does not say),
    `masking_key` makes one: four bytes that nobody can foretell. Frames with at most `piece_limit` bytes of
    payload data that come at once are seen whole before they go on, others pass in pieces. `bodies` are those
    that a side's head announced, if they do not go on: they, or the rest of them, may come before the frames.

    The pieces of `Outgoing` for a side tile its stream, in order and without a gap, and their data in that
    order is what the other side is to be sent.
    """

    def __init__(
        self,
        profile: Profile,
        legs: Legs,
        *,
        masking_key: Callable[[], bytes],
        dialects: Mapping[Side, Dialect] | None = None,
        piece_limit: int = PIECE_LIMIT,
        bodies: Mapping[Side, RequestBody] | None = None,
    ) -> None:
        chosen = {side: (dialects or {}).get(side, RFC6455) for side in Side}
        if chosen[Side.CLIENT].name == chosen[Side.SERVER].name != RFC6455.name:
            # They understand each other, and no repair knows what is right between them.
            profile = Profile(profile.name)
        self._profile = profile
        self._bodies = dict(bodies or {})
        self._out: list[Outgoing] = []
        self._pacing = Pacing(profile)
        self._dechunkers = {side: Dechunker(side) for side in Side if _unwraps(profile, side, chosen[side])}
        self._directions: dict[Side, Direction] = {}
        for side in Side:
            other = chosen[side].name != chosen[side.other].name
            conditions = Conditions(side, profile, legs, masking_key, other_dialect=other)
            self._directions[side] = Direction(
                conditions,
                FrameWriter(side.other, chosen[side.other], masking_key),
                self._out,
                Pings(profile, side),
                dialect=chosen[side],
                piece_limit=piece_limit,
                apart=bool(frame_gap_ns(profile, side.other)),
            )
        for side, direction in self._directions.items():
            direction.introduce(self._directions[side.other])

    def receive_data(self, side: Side, data: bytes, at_ns: int) -> list[Outgoing]:
        """What goes on now that `side` sent these bytes."""
        if side in self._dechunkers:
            data = self._dechunk(side, data)
        if side in self._bodies and data:
            data = self._skip_body(side, data)
        self._directions[side].receive(data, at_ns)
        return self._take(at_ns)

    def receive_eof(self, side: Side, at_ns: int) -> list[Outgoing]:
        """What goes on now that the stream of `side` has ended."""
        direction, dechunker = self._directions[side], self._dechunkers.get(side)
        if dechunker is not None and not direction.ending.ended:
            direction.receive(dechunker.receive_eof(), at_ns)
        direction.receive_eof(at_ns)
        return self._take(at_ns, ended=side)

    def put_in(self, side: Side, opcode: int, payload: bytes, at_ns: int) -> list[Outgoing] | None:
        """What goes on, now or behind the message under way, for a frame to be sent as if `side` had; None
        where nothing can be: a Close frame was sent, no Close fits, or too many wait.
        """
        direction = self._directions[side]
        direction.ending.at_ns = at_ns
        if direction.outlet.closed:
            return None
        if opcode == Opcode.CLOSE:
            direction.data.abandon()
            done = direction.ending.close(payload, ())
        else:
            done = direction.outlet.put_in(opcode, payload)
        return self._take(at_ns) if done else None

    @property
    def never_put_in(self) -> int:
        """How many frames wait for a message to end."""
        return sum(direction.outlet.never_put_in for direction in self._directions.values())

    def cut_short(self, side: Side) -> bool:
        """Whether a frame of `side` that was too large to be held is under way: nothing fits behind it."""
        return self._directions[side].outlet.mid_frame

    def closed(self, side: Side) -> bool:
        """Whether the other side was sent a Close frame in the name of `side`, or `hangs_up` says it all."""
        return self._directions[side].outlet.closed and not self._pacing.keeps(side)

    def hangs_up(self, side: Side) -> bool:
        """Whether the connection to the other side is to be dropped now, without a Close frame.

        Its profile asks for that (option `drop_at_close`) in place of the Close that `side` sent.
        """
        return self._directions[side].outlet.hangs_up

    @property
    def wake_at_ns(self) -> int | None:
        """When `wake` is to be called, if nothing happens before."""
        times = [self._pacing.wake_at_ns]
        for side, direction in self._directions.items():
            if not direction.outlet.closed and not direction.ending.ended:
                times += [direction.pings.wake_at_ns, self._release_ns(side), self._close_due_ns(side)]
                times += [self._guess_ns(side), direction.torn.due_ns]
        return min((time for time in times if time is not None), default=None)

    def wake(self, at_ns: int) -> list[Outgoing]:
        """What goes on because time has passed: pongs, pings, Closes in a peer's place, and what was held."""
        for side, direction in self._directions.items():
            if direction.outlet.closed or direction.ending.ended:
                continue
            direction.ending.at_ns = at_ns
            guess_ns = self._guess_ns(side)
            if guess_ns is not None and guess_ns <= at_ns:
                direction.guess_late(at_ns)
            release_ns, close_ns = self._release_ns(side), self._close_due_ns(side)
            if release_ns is not None and release_ns <= at_ns:
                direction.release()
            torn_ns = direction.torn.due_ns
            if torn_ns is not None and torn_ns <= at_ns and not direction.outlet.closed:
                direction.release_torn()
            self._keep_alive(side, at_ns)
            if close_ns is not None and close_ns <= at_ns:
                direction.ending.in_its_place(at_ns)
        return self._take(at_ns)

    def _keep_alive(self, side: Side, at_ns: int) -> None:
        """Give the pongs that `side` does not, and send it pings."""
        direction, back = self._directions[side], self._directions[side.other]
        for payload in direction.pings.due(at_ns):
            direction.outlet.inject(Opcode.PONG, payload, ("keepalive.ping-unanswered",))
        if back.outlet.closed:
            direction.pings.stop_pinging()
        ping = direction.pings.ping_due(at_ns)
        if ping is not None:
            back.outlet.inject(Opcode.PING, ping, ("keepalive.ping-interval",))

    def _release_ns(self, side: Side) -> int | None:
        since_ns = self._directions[side].data.waits_since_ns
        return None if since_ns is None else since_ns + self._option_ns("hold_time", side)

    def _guess_ns(self, side: Side) -> int | None:
        since_ns = self._directions[side].guess_due_from_ns
        return None if since_ns is None else since_ns + self._option_ns("hold_time", side)

    def _close_due_ns(self, side: Side) -> int | None:
        """When the Close of the other side must be answered in place of `side`."""
        direction, back = self._directions[side], self._directions[side.other]
        if back.ending.close_ns is None or not self._profile.repairs("close.unanswered", side):
            return None
        return max(back.ending.close_ns, direction.ending.tried_ns) + self._option_ns("close_timeout", side)

    def _skip_body(self, side: Side, data: bytes) -> bytes:
        """The data without what is left of the body; frames look otherwise."""
        body, chunked_frames = self._bodies[side], side in self._dechunkers
        begins = not chunked_frames and (body.begun or chr(data[0]) in _NO_FRAMES[side])
        size = body.receive_data(data) if begins else 0
        self._directions[side].skip(size, (_BODY_RULES[side],))
        if body.complete or size < len(data):
            del self._bodies[side]
        return data[size:]

    def _dechunk(self, side: Side, data: bytes) -> bytes:
        dechunker = self._dechunkers[side]
        data = dechunker.receive(data)
        if dechunker.passes:
            del self._dechunkers[side]
        return data

    def _place(self, out: list[Outgoing], ended: Side | None) -> list[Outgoing]:
        """What stands for bytes in chunks, as pieces of the streams."""
        placed: list[Outgoing] = []
        for each in out:
            dechunker = self._dechunkers.get(each.side)
            placed += [each] if dechunker is None else dechunker.place(each)
        for side, dechunker in self._dechunkers.items():
            # The end of the chunk that a Close came in need not wait for the end of the stream.
            placed += dechunker.settled() if self._directions[side].outlet.closed else []
        dechunker = None if ended is None else self._dechunkers.get(ended)
        return placed if dechunker is None else placed + dechunker.rest()

    def _option_ns(self, name: str, side: Side) -> int:
        return int(self._profile.option(name, side) * SECOND)

    def _take(self, at_ns: int, ended: Side | None = None) -> list[Outgoing]:
        out = self._out[:]
        self._out.clear()
        if self._dechunkers:
            out = self._place(out, ended)
        return self._pacing.pass_on(out, at_ns, ended) if self._pacing.on else out


def _unwraps(profile: Profile, side: Side, dialect: Dialect) -> bool:
    """Whether HTTP chunks are taken off what that side sends."""
    mends = profile.repairs(CHUNK_SIZE, side) and profile.option("chunks", side) == "mend"
    return mends and dialect.layouts is not None
