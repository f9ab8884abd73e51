"""Recorded Pings and the live peer's own: which Pong answers which.

A live peer keeps its connection alive in its own way: it may send no Ping where one was recorded, another
one, or more of them. None of that departs from the recording.
"""

from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.frame import Frame
from wsproxy.protocol.grammar import build_frame
from wsproxy.protocol.opcodes import Opcode
from wsproxy.replay.model import PlayedMessage
from wsproxy.replay.script import Play

_KEPT = 32


class Pings:
    """The Pings heard in place of recorded ones, until they are answered."""

    __slots__ = ("_live", "expected")

    def __init__(self) -> None:
        self._live: dict[int, bytes] = {}
        self.expected = True
        """Whether this peer sends Pings where they were recorded: a peer that left one out does not."""

    def heard(self, recorded: PlayedMessage, live: PlayedMessage) -> None:
        """The peer sent `live` where `recorded` was."""
        self.expected = True
        self._live[recorded.number] = live.payload
        while len(self._live) > _KEPT:
            del self._live[next(iter(self._live))]

    def answer(self, step: Play) -> bytes | None:
        """What to send for a recorded Pong: None if the Ping it answers never came."""
        payload = self._live.pop(step.answers, None)
        if payload is None or payload == step.said[0].payload:
            return None if payload is None else step.data
        recorded = FrameDecoder().receive_data(step.data)
        key = next((event.masking_key for event in recorded if isinstance(event, Frame)), None)
        return build_frame(Opcode.PONG, payload, masking_key=key).serialize()

    def has(self, step: Play) -> bool:
        """Whether the Ping that this step answers came."""
        return step.answers in self._live
