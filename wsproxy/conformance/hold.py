"""A message held back until it is whole, with what came in between its frames, in order."""

import json

from wsproxy.conformance.json_depth import JsonDepth
from wsproxy.protocol.frame import Frame, FramePiece
from wsproxy.protocol.inflate import Fragment


class HeldFrame:
    """A frame of the message (`member`), or one that came in between; `end` is its end in the stream."""

    __slots__ = ("_payload", "complete", "end", "frame", "known", "member")

    def __init__(self, frame: Frame, *, member: bool, known: int) -> None:
        self.frame = frame
        self.known = known
        self.member = member
        self.complete = frame.complete
        self.end = frame.end_so_far
        self._payload = bytearray()

    def add(self, piece: FramePiece) -> None:
        """More of its payload data."""
        self._payload += piece.payload
        self.end += len(piece.payload) + len(piece.trailer)
        if piece.last:
            payload = self.frame.payload + bytes(self._payload)
            self.frame = self.frame._replace(payload=payload, trailer=piece.trailer)
            self.complete = True

    def begun(self) -> Frame:
        """The frame with the payload data there is."""
        if self.complete:
            return self.frame
        return self.frame._replace(payload=self.frame.payload + bytes(self._payload))


class Hold:
    """Begins with a message's first frame. `since_ns` is when; `json` is set while more messages may join."""

    __slots__ = ("_current", "_seen", "items", "json", "opcode", "since_ns", "size", "whole")

    def __init__(self, frame: Frame, opcode: int, since_ns: int) -> None:
        self.opcode = opcode
        self.since_ns = since_ns
        self.items: list[HeldFrame] = []
        self.size = 0
        self.whole = False
        self.json: JsonDepth | None = None
        self._seen = 0
        self.add(frame, member=True)

    @property
    def members(self) -> list[HeldFrame]:
        """The message's own frames."""
        return [item for item in self.items if item.member]

    def fragments(self) -> list[Fragment]:
        """The payload data of each of them."""
        return [Fragment(item.frame.rsv >= 4, item.frame.payload) for item in self.members]

    @property
    def is_broken_json(self) -> bool:
        """Whether it has become several messages, and they do not make one JSON document."""
        if self.json is None or sum(item.frame.fin for item in self.members) < 2:
            return False
        try:
            json.loads(b"".join(item.frame.payload for item in self.members))
        except (ValueError, RecursionError):
            return True
        return self.json.broken

    def new_payloads(self) -> list[bytes]:
        """The payload data of its own frames since the last call."""
        seen, self._seen = self._seen, len(self.items)
        return [item.frame.payload for item in self.items[seen:] if item.member]

    def belongs(self, frame: Frame) -> bool:
        """Whether a data frame goes on with the message: some peers repeat its opcode (G11, O02)."""
        return frame.opcode in (0, self.opcode)

    def add(self, frame: Frame, *, member: bool, known: int = 0) -> None:
        """Another frame; `known` is kept with it."""
        self._current = HeldFrame(frame, member=member, known=known)
        self.items.append(self._current)
        # Small frames cost more than their payload data.
        self.size += len(frame.header) + len(frame.payload) + 256
        self._check()

    def add_piece(self, piece: FramePiece) -> None:
        """More of the last frame."""
        self._current.add(piece)
        self.size += len(piece.payload)
        self._check()

    def _check(self) -> None:
        item = self._current
        self.whole = item.member and item.complete and item.frame.fin
