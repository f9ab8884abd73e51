"""Which event loop the proxy runs on: uvloop where it is installed and works, asyncio's own elsewhere."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import closing

type LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def loop_factory(*, uvloop: bool) -> LoopFactory | None:
    """What makes the event loop; None is asyncio's own. `uvloop`: use it if possible."""
    if not uvloop or sys.platform == "win32":
        return None
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop if starts_tasks_eagerly(new_event_loop) else None


def starts_tasks_eagerly(factory: LoopFactory) -> bool:
    """Whether such a loop can do what mitmproxy asks of its loop.

    uvloop 0.23 hands `eager_start` to task factories, and those of Python 3.13.0 do not take it.
    """

    async def nothing() -> None:
        pass

    async def start() -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory)
        coroutine = nothing()
        try:
            await loop.create_task(coroutine)
        finally:
            coroutine.close()

    with closing(factory()) as loop:
        try:
            loop.run_until_complete(start())
        except TypeError:
            return False
        return True
