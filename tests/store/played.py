"""Hostile recordings played to a client."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.store.mutations import CLIENT_DATA
from tests.store.recording import REQUEST
from wsproxy.errors import WsproxyError
from wsproxy.replay import serve

PATIENCE_S = 20.0
"""How long the device may take to come to an end once its client has."""

_AT_ONCE = 0.02


def play(place: Path, dice: random.Random) -> None:
    """Play a recording to a few raw clients, one after the other.

    Raises AssertionError, or what was raised in the device, if it does not end or fails other than clearly.
    """
    settings: dict[str, Any] = {
        "match": dice.choice(["exact", "json", "any"]),
        "on_mismatch": dice.choice(["close", "skip", "wait"]),
        "as_sent": dice.randrange(2) == 1,
        "loop": dice.randrange(2) == 1,
        "vary": dice.choice([(), ("/id",)]),
        "patience": 0.01,
        "speed": dice.choice(["max", "max", 1]),
    }
    asyncio.run(_play(str(place), settings))


async def _play(place: str, settings: dict[str, Any]) -> None:
    failures = _watch(asyncio.get_running_loop())
    with suppress(WsproxyError):
        async with serve(place, **settings) as replay:
            for path in (b"/chat", b"/", b"/other"):
                request = REQUEST.replace(b"/chat", path, 1)
                await _talk(replay.port, request, to_the_end=settings["speed"] == "max")
            await replay.settled_report()
    for failure in failures:
        raise failure


async def _talk(port: int, request: bytes, *, to_the_end: bool) -> None:
    """Say what the recorded client said before it was damaged, and see that the device comes to an end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with suppress(OSError):
            writer.write(request + CLIENT_DATA)
            writer.write_eof()
            try:
                await asyncio.wait_for(_read_all(reader), PATIENCE_S if to_the_end else _AT_ONCE)
            except TimeoutError:
                assert not to_the_end, "the replayed device does not come to an end"
    finally:
        writer.transport.abort()


async def _read_all(reader: asyncio.StreamReader) -> None:
    while await reader.read(1 << 16):
        pass


def _watch(loop: asyncio.AbstractEventLoop) -> list[BaseException]:
    """What is raised in the device's tasks from now on."""
    failures: list[BaseException] = []

    def note(task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            failures.append(error)

    def make(loop: asyncio.AbstractEventLoop, work: Any, **settings: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, **settings)
        if "ReplayServer" in getattr(work, "__qualname__", ""):
            task.add_done_callback(note)
        return task

    loop.set_task_factory(make)
    return failures
