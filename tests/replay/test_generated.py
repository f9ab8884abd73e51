"""Sessions that nobody thought of: what is recorded of them is what a client is played again."""

import asyncio
import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.replay.sessions import AT_ONCE, Chunk, closing, opened, record
from tests.wire.build import client_frame, frame
from tests.wire.handshakes import RESPONSE
from wsproxy.protocol.frame import Side
from wsproxy.replay.report import ReplayReport
from wsproxy.replay.server import ReplayServer

_numbers = itertools.count()
_opcodes = st.sampled_from([0x0, 0x1, 0x2, 0x3, 0x8, 0x9, 0xA, 0xB])
_frames = st.tuples(_opcodes, st.binary(max_size=140), st.booleans(), st.sampled_from([0, 4, 2]))
_from_client = st.builds(lambda f: client_frame(f[0], f[1], fin=f[2], rsv=f[3]), _frames)
_from_device = st.one_of(
    st.builds(lambda f: frame(f[0], f[1], fin=f[2], rsv=f[3]), _frames), st.binary(min_size=1, max_size=60)
)
_chunks = st.lists(
    st.one_of(
        st.builds(lambda data: Chunk(Side.CLIENT, data), _from_client),
        st.builds(lambda data: Chunk(Side.SERVER, data), _from_device),
    ),
    max_size=12,
)
_ends = st.sampled_from(["", "fin"])


async def _played(path: Path, chunks: list[Chunk]) -> tuple[bytes, ReplayReport]:
    """What a client receives that says what the recorded one did, without waiting for anything."""
    server = ReplayServer(str(path), (), AT_ONCE)
    await server.start()
    try:
        client = await opened(server)
        with closing(client):
            for chunk in chunks:
                if chunk.side is Side.CLIENT:
                    await client.send(chunk.data)
            client.half_close()
            await client.expect_end()
            await server.settle()
        return bytes(client.received.bytes[len(RESPONSE) :]), server.report()
    finally:
        await server.stop()


@given(chunks=_chunks, end=_ends)
@settings(deadline=None, max_examples=40)
def test_a_generated_session_is_played_back_whole(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[Chunk], end: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"generated-{next(_numbers)}.db"
    record(path, [*chunks, *([Chunk(Side.SERVER, end=end)] if end else [])])
    received, report = asyncio.run(_played(path, chunks))
    assert received == b"".join(chunk.data for chunk in chunks if chunk.side is Side.SERVER)
    assert report.mismatches == ()
    assert report.unplayed_count == 0
