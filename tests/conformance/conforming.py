"""Sessions that keep to the RFCs, as Hypothesis makes them up: what each side sends, in order."""

import json
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.wire.build import BINARY, CLOSE, CONT, PING, PONG, TEXT, close, frame
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.frame import Side

type Step = tuple[Side, bytes]

_KEYS = st.binary(min_size=4, max_size=4)
_DOCUMENTS = st.dictionaries(st.text(max_size=5), st.text(max_size=40) | st.integers(), max_size=9)
# Of control characters it can't be told whether the masking key or the want of it put them there.
_REASONS = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20)
_CODES = st.sampled_from([1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999])


@dataclass
class _Sender:
    side: Side
    compressor: Any = None
    alone: bool = False
    bits: int = 15
    pings: deque[bytes] = field(default_factory=deque)
    random_keys: bool = False

    def frame(self, draw: st.DrawFn, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
        keys = _KEYS.filter(any) if self.random_keys else _KEYS
        key = draw(keys) if self.side is Side.CLIENT else None
        return frame(opcode, payload, fin=fin, rsv=rsv, key=key)

    def compress(self, payload: bytes) -> bytes:
        if self.compressor is None or self.alone:
            self.compressor = zlib.compressobj(wbits=-max(9, self.bits))
        return bytes(self.compressor.compress(payload) + self.compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


@st.composite
def conforming_sessions(draw: st.DrawFn, deflate: DeflateParameters | None = None) -> list[Step]:
    """Messages in any fragments, compressed or not, pings and pongs anywhere, a Close each."""
    senders = {
        Side.CLIENT: _Sender(Side.CLIENT),
        Side.SERVER: _Sender(Side.SERVER),
    }
    if deflate is not None:
        client, server = senders[Side.CLIENT], senders[Side.SERVER]
        client.alone, client.bits = deflate.client_no_context_takeover, deflate.client_max_window_bits
        server.alone, server.bits = deflate.server_no_context_takeover, deflate.server_max_window_bits
    steps: list[Step] = []
    for side in draw(st.lists(st.sampled_from(list(Side)), max_size=6)):
        sender = senders[side]
        compressed = deflate is not None and draw(st.booleans())
        frames = _message(draw, sender, compressed=compressed)
        for turn, data in enumerate(frames):
            steps.append((side, data))
            steps += _control(draw, senders, side if compressed and turn < len(frames) - 1 else None)
    if draw(st.booleans()):
        first = draw(st.sampled_from(list(Side)))
        payload = b"" if draw(st.booleans()) else close(draw(_CODES), draw(_REASONS).encode())
        for side in (first, first.other):
            steps.append((side, senders[side].frame(draw, CLOSE, payload)))
    return steps


@st.composite
def ordinary_sessions(draw: st.DrawFn, deflate: DeflateParameters | None = None) -> list[Step]:
    """What sensible peers do: whole JSON documents and binary messages, in any fragments, compressed or not,
    pings that are answered, a Close each.
    """
    senders = {side: _Sender(side, random_keys=True) for side in Side}
    steps: list[Step] = []
    for side in draw(st.lists(st.sampled_from(list(Side)), max_size=6)):
        sender = senders[side]
        document = json.dumps(draw(_DOCUMENTS), ensure_ascii=False).encode()
        opcode, payload = draw(st.sampled_from([(TEXT, document), (BINARY, document[::-1])]))
        compressed = deflate is not None and draw(st.booleans())
        for data in _fragments(draw, sender, opcode, payload, compressed=compressed):
            steps.append((side, data))
            if draw(st.integers(0, 3)) == 0:
                pinging = senders[draw(st.sampled_from(list(Side)))]
                payload = draw(st.binary(max_size=125))
                steps.append((pinging.side, pinging.frame(draw, PING, payload)))
                steps.append((pinging.side.other, senders[pinging.side.other].frame(draw, PONG, payload)))
    first = draw(st.sampled_from(list(Side)))
    payload = draw(st.sampled_from([b"", close(1000), close(1000, b"bye"), close(1001)]))
    return [*steps, *((side, senders[side].frame(draw, CLOSE, payload)) for side in (first, first.other))]


def _message(draw: st.DrawFn, sender: _Sender, *, compressed: bool) -> list[bytes]:
    if draw(st.booleans()):
        opcode, payload = TEXT, draw(st.text(max_size=30)).encode() * draw(st.sampled_from([1, 1, 1, 8]))
    else:
        opcode, payload = BINARY, draw(st.binary(max_size=40)) * draw(st.sampled_from([1, 1, 1, 9]))
    return _fragments(draw, sender, opcode, payload, compressed=compressed)


def _fragments(
    draw: st.DrawFn, sender: _Sender, opcode: int, payload: bytes, *, compressed: bool
) -> list[bytes]:
    rsv = 4 if compressed else 0
    if compressed:
        payload = sender.compress(payload)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
    parts = [payload[start:end] for start, end in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    last = len(parts) - 1
    return [
        sender.frame(draw, CONT if turn else opcode, part, fin=turn == last, rsv=0 if turn else rsv)
        for turn, part in enumerate(parts)
    ]


def _control(draw: st.DrawFn, senders: dict[Side, _Sender], held: Side | None) -> list[Step]:
    """Sometimes a ping, or a pong: of the oldest ping, or of none if none is unanswered.

    A ping of `held` would wait behind its message, so that no pong could come yet: it sends none.
    """
    if draw(st.integers(0, 3)):
        return []
    side = draw(st.sampled_from(list(Side)))
    sender = senders[side]
    if side is not held and draw(st.booleans()):
        payload = b"%s %d" % (side.encode(), len(senders[side.other].pings))
        payload = draw(st.sampled_from([payload, payload.ljust(125)]))
        senders[side.other].pings.append(payload)
        return [(side, sender.frame(draw, PING, payload))]
    payload = sender.pings.popleft() if sender.pings else draw(st.binary(max_size=9))
    return [(side, sender.frame(draw, PONG, payload))]
