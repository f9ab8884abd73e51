"""Endless streams of numbered frames: any piece of one says where in the stream it belongs."""

import asyncio
from collections.abc import Iterator

from tests.devices.peer import Peer
from tests.wire.build import BINARY, frame

FRAME_BYTES = 1000
FRAMES_PER_WRITE = 60


def numbered(first: int, count: int) -> bytes:
    """`count` frames of `FRAME_BYTES` bytes each, their numbers in their payload."""
    return b"".join(
        frame(BINARY, (b"%012d" % number).ljust(FRAME_BYTES - 4, b"."))
        for number in range(first, first + count)
    )


def writes() -> Iterator[bytes]:
    """The stream, a write at a time."""
    first = 0
    while True:
        yield numbered(first, FRAMES_PER_WRITE)
        first += FRAMES_PER_WRITE


def is_beginning(stream: bytes) -> bool:
    """Whether `stream` is what such a stream begins with."""
    return numbered(0, len(stream) // FRAME_BYTES + 1).startswith(stream)


async def pour(peer: Peer, limit: int) -> None:
    """Send the stream as fast as it is taken, until about `limit` bytes or the other end is gone."""
    sent = 0
    for data in writes():
        if sent >= limit or peer.lost:
            return
        await peer.send(data)
        sent += len(data)
        await asyncio.sleep(0)
