"""The event loop of the proxy can do what mitmproxy asks of it."""

import asyncio
import sys
from typing import Any

import uvloop

from wsproxy.mitm.event_loop import loop_factory, starts_tasks_eagerly


class TooNew(asyncio.SelectorEventLoop):
    """Hands its task factory what that does not take, as uvloop 0.23 does under Python 3.13.0."""

    def create_task(self, coro: Any, **kwargs: Any) -> Any:
        if self.get_task_factory() is None:
            return super().create_task(coro, **kwargs)
        return asyncio.eager_task_factory(self, coro, unheard_of=None)  # type: ignore[call-arg]


def test_a_loop_is_tried_before_it_is_used() -> None:
    assert starts_tasks_eagerly(asyncio.SelectorEventLoop)
    assert not starts_tasks_eagerly(TooNew)


def test_uvloop_is_used_where_it_is_wanted_and_works() -> None:
    works = starts_tasks_eagerly(uvloop.new_event_loop)
    assert works or sys.version_info[:2] == (3, 13)
    assert loop_factory(uvloop=True) is (uvloop.new_event_loop if works else None)
    assert loop_factory(uvloop=False) is None
