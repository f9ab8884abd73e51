"""A replayed device while tests talk to it."""

import asyncio
from collections.abc import Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.replay.sessions import AT_ONCE, Chunk
from wsproxy.protocol.frame import Side
from wsproxy.replay.model import ReplayOptions
from wsproxy.replay.report import ReplayReport
from wsproxy.replay.server import ReplayServer

PING, PONG, CLOSE = 0x9, 0xA, 0x8
FIN = Chunk(Side.SERVER, end="fin")


@asynccontextmanager
async def running(path: Path, options: ReplayOptions = AT_ONCE, **settings: Any) -> Any:
    server = ReplayServer(str(path), (), options, **settings)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def settled(server: ReplayServer) -> ReplayReport:
    await server.settle()
    return server.report()


def run[T](work: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(30):
            return await work

    return asyncio.run(bounded())
