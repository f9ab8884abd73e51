"""Every collected conversation through profile `strict`: a strict peer takes what comes out."""

import pytest

from tests.conformance.normalizing import CLIENT, SERVER, Line
from tests.devices.script import HalfClose, Reset, Send
from tests.wire.cases import CASES
from tests.wire.conversation import Case
from wsproxy.conformance.normalizer import Legs
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import HeadReader, Negotiated, negotiate, parse_response_head

SESSIONS = [case for case in CASES if case.session and case.before == (0, 0)]


def events(case: Case) -> list[tuple[Side, bytes | None]]:
    """What each side sends, in order; None for the end of its stream."""
    found: list[tuple[Side, bytes | None]] = []
    for step in case.steps:
        for side, actions in ((CLIENT, step.client), (SERVER, step.device)):
            for action in actions:
                if isinstance(action, Send):
                    found.append((side, action.data))
                elif isinstance(action, HalfClose | Reset):
                    found.append((side, None))
    return found


def frames_of(case: Case) -> tuple[list[tuple[Side, bytes | None]], bytes]:
    """What follows the opening handshake, in order, and the response head."""
    readers = {side: HeadReader(side) for side in Side}
    following: list[tuple[Side, bytes | None]] = []
    for side, data in events(case):
        reader = readers[side]
        if data is None or reader.head is not None or reader.reason is not None:
            following.append((side, data))
        elif reader.receive_data(data) is not None or reader.reason is not None:
            following.append((side, reader.rest))
    return following, readers[SERVER].head or b""


@pytest.mark.parametrize("case", SESSIONS, ids=lambda case: case.name)
def test_a_strict_peer_takes_it(case: Case) -> None:
    following, response = frames_of(case)
    agreed = negotiate(parse_response_head(response))
    # The receiver knows no compression but permessage-deflate, so its leg cannot have agreed on another.
    per_frame = agreed.deflate is not None and agreed.deflate.per_frame
    line = Line(legs=Legs(agreed, Negotiated()) if per_frame else Legs.alike(agreed))
    for side, data in following:
        if data is None:
            line.end(side)
        else:
            line.send(side, data)
    for side in Side:
        line.end(side)
        peer = line.peers[side.other]
        assert peer.error is None
        peer.messages()
        assert line.marks[side] == len(line.sent[side])
        if line.normalizer.closed(side):
            peer.receive_eof()
            assert peer.error is None
        else:
            assert line.normalizer.cut_short(side)
