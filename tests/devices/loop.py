"""An event loop in a thread of its own, so that plain test functions can drive peers that live in it."""

import asyncio
import threading
from collections.abc import Coroutine


class LoopThread:
    """`run` a coroutine in the loop from any other thread and get its result."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="devices", daemon=True)
        self._thread.start()

    def run[T](self, work: Coroutine[object, object, T], timeout_s: float = 60.0) -> T:
        """Its result, or the exception it raised; TimeoutError after `timeout_s`."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout_s)

    def close(self) -> None:
        """Cancel what is still under way and end the thread."""
        self.run(_cancel_others())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
