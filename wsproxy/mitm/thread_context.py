"""Several proxies in one process: a `mitmproxy.ctx` for each thread that runs one.

mitmproxy knows one proxy per process, and its addons ask the module `ctx` for it. Relies on `Master.__init__`
setting `ctx.master`, `ctx.options` and `ctx.log` in the thread of its event loop, and on everybody asking the
module itself.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from mitmproxy import ctx

_NAMES = ("master", "options", "log")
_THREADS = "wsproxy_threads"
_LOCK = threading.Lock()


def _per_thread(name: str) -> property:
    """A module attribute of which each thread has its own; others see the latest that was set."""

    def get(module: ModuleType) -> object:
        shared = vars(module)
        own = vars(shared[_THREADS])
        if name not in own and name not in shared:
            raise AttributeError(f"no proxy runs: mitmproxy.ctx has no {name}")
        return own[name] if name in own else shared[name]

    def put(module: ModuleType, value: object) -> None:
        shared = vars(module)
        shared[name] = vars(shared[_THREADS])[name] = value

    return property(get, put)


class _ThreadContext(ModuleType):
    """What `mitmproxy.ctx` becomes."""


for _name in _NAMES:
    setattr(_ThreadContext, _name, _per_thread(_name))


@contextmanager
def own_context() -> Iterator[None]:
    """Within, `mitmproxy.ctx` is that of the proxy started in this thread; after it, nobody's."""
    with _LOCK:
        if type(ctx) is ModuleType:
            vars(ctx)[_THREADS] = threading.local()
            ctx.__class__ = _ThreadContext
    shared = vars(ctx)
    try:
        yield
    finally:
        own = vars(shared[_THREADS])
        with _LOCK:
            for name in _NAMES:
                if name in own and shared.get(name) is own[name]:
                    del shared[name]
        own.clear()
