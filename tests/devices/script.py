"""Actions of a scripted peer, as values, and the one function that plays them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.devices.peer import Peer


@dataclass(frozen=True, slots=True)
class Send:
    """Send the bytes; `segments` says how many bytes go in each segment (empty: one write)."""

    data: bytes
    segments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Expect:
    """Wait until exactly these bytes have come."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ExpectCount:
    """Wait until this many more bytes have come."""

    count: int


@dataclass(frozen=True, slots=True)
class ExpectHead:
    """Wait until a head has come."""


@dataclass(frozen=True, slots=True)
class ExpectEnd:
    """Wait until the other end has closed its direction."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Wait until the far peer has all that this one sent."""


@dataclass(frozen=True, slots=True)
class HalfClose:
    """Send FIN."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Send RST."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close both directions."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Stop reading."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Read again."""


type Action = (
    Send
    | Expect
    | ExpectCount
    | ExpectHead
    | ExpectEnd
    | Delivered
    | HalfClose
    | Reset
    | Close
    | Stall
    | Resume
)
type Script = Sequence[Action]


async def play(peer: Peer, script: Script) -> None:
    """Do what `script` says, in order; ScriptError when the other end does something else."""
    for action in script:
        await _do(peer, action)


async def _do(peer: Peer, action: Action) -> None:
    match action:
        case Send(data, segments):
            await _send(peer, data, segments)
        case Expect(data):
            await peer.expect(data)
        case ExpectCount(count):
            await peer.expect_count(count)
        case ExpectHead():
            await peer.expect_head()
        case ExpectEnd():
            await peer.expect_end()
        case Delivered():
            await peer.delivered()
        case HalfClose():
            peer.half_close()
        case Reset():
            peer.reset()
        case Close():
            peer.close()
        case Stall():
            peer.stall()
        case Resume():
            peer.resume()


async def _send(peer: Peer, data: bytes, segments: tuple[int, ...]) -> None:
    if not segments:
        await peer.send(data)
        return
    start = 0
    for size in segments:
        await peer.send_segment(data[start : start + size])
        start += size
    if start < len(data):
        await peer.send(data[start:])
