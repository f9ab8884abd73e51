"""What is no frame in a live stream, found as it was found in the recorded session.

Behind bytes that a repair took out from between frames a recording has the frames. Its live peer sends such
bytes again: the repairs that were made then are made again, to know where frames go on. Pure.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from wsproxy.conformance.checks_foreign import rule_of_no_frames
from wsproxy.conformance.legs import Legs
from wsproxy.conformance.normalizer import Normalizer
from wsproxy.conformance.outgoing import Outgoing
from wsproxy.conformance.profiles import Profile
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import negotiate
from wsproxy.protocol.heads import parse_request_head, parse_response_head
from wsproxy.protocol.request_body import RequestBody
from wsproxy.store.model import ChangeKind, ChangeRules, SessionStart
from wsproxy.store.session_recorder import Changed

_BODY_RULES = {Side.CLIENT: "handshake.request.body", Side.SERVER: "handshake.response.body"}
_OPTIONS = {"stream.chunk-size": "chunks", "stream.bare-text": "bare_text"}
_KEY = bytes(4)


class Reading:
    """Reads both streams of a live session as those of a recorded one were read.

    `start` is that of the recorded session, `dialects` how its sides frame, `made` the repairs that were made
    in it.
    """

    def __init__(
        self, start: SessionStart, dialects: Mapping[Side, Dialect], made: Collection[ChangeRules]
    ) -> None:
        response = parse_response_head(start.response_head)
        sent = start.response_head_sent
        with_client = response if sent is None else parse_response_head(sent)
        heads = {Side.CLIENT: parse_request_head(start.request_head), Side.SERVER: response}
        rules = {side: _rules(made, side) for side in Side}
        self._normalizer = Normalizer(
            Profile("recorded", rules=rules, options={side: _options(made, side) for side in Side}),
            Legs(negotiate(with_client), negotiate(response)),
            masking_key=lambda: _KEY,
            dialects=dialects,
            bodies={side: RequestBody(heads[side]) for side in Side if _BODY_RULES[side] in rules[side]},
        )

    def receive_data(self, side: Side, data: bytes, at_ns: int) -> list[Changed]:
        """What is to be left out now that `side` sent these bytes: of them, and of those held back."""
        late = self._late(at_ns)
        return late + _left_out(self._normalizer.receive_data(side, data, at_ns))

    def receive_eof(self, side: Side, at_ns: int) -> list[Changed]:
        """What is to be left out, now that the stream of `side` has ended."""
        late = self._late(at_ns)
        return late + _left_out(self._normalizer.receive_eof(side, at_ns))

    def _late(self, at_ns: int) -> list[Changed]:
        """What was told by nothing more coming."""
        due_ns = self._normalizer.wake_at_ns
        return [] if due_ns is None or due_ns > at_ns else _left_out(self._normalizer.wake(at_ns))


def reading_of(
    start: SessionStart,
    dialects: Mapping[Side, Dialect],
    made: Iterable[ChangeRules],
    sides: Collection[Side] = frozenset(Side),
) -> Reading | None:
    """How to read these sides; None if nothing of what they sent was no frame. The other one is read as it
    comes.
    """
    of_sides = frozenset(each for each in made if each.side in sides)
    left_out = any(rule_of_no_frames(each.rules) is not None for each in of_sides)
    return Reading(start, dialects, of_sides) if left_out else None


def _rules(made: Iterable[ChangeRules], side: Side) -> frozenset[str]:
    return frozenset(rule for each in made if each.side is side for rule in each.rules)


def _options(made: Collection[ChangeRules], side: Side) -> dict[str, Any]:
    """Such bytes were a fault if a Close was sent for them; else they were taken out, or became a message."""
    closed = {
        rule for each in made if each.side is side and each.kind is ChangeKind.INJECTED for rule in each.rules
    }
    return {option: "close" if rule in closed else "mend" for rule, option in _OPTIONS.items()}


def _left_out(out: Iterable[Outgoing]) -> list[Changed]:
    return [
        Changed(ChangeKind(kind), side, start, end, data, rules)
        for side, kind, start, end, data, rules in out
        if kind != "relayed" and start < end and rule_of_no_frames(rules) is not None
    ]
