"""A proxy in a thread of this process, so that a test can put addons into it and look at them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mitmproxy import ctx, http

from tests.devices.endpoints import LOOPBACK, Device
from wsproxy.mitm.run import Proxy, ProxyFacts, ProxySettings

PATIENCE_S = 20.0


class InsideProxy:
    """Started, listening, and stopped by `stop`; `facts` or `error` is what its run came to."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._listening = threading.Event()
        self._urls: list[str] = []
        self.notices: list[str] = []
        self.facts: ProxyFacts | None = None
        self.error: BaseException | None = None
        self._proxy = Proxy(
            ProxySettings(
                **{
                    "listen_port": 0,
                    "on_listening": self._ready,
                    "on_notice": self.notices.append,
                    **settings,
                }
            )
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._listening.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error
        self.port = int(self._urls[0].rpartition(":")[2])

    def _ready(self, urls: list[str]) -> None:
        self._urls = urls
        self._listening.set()

    def _run(self) -> None:
        try:
            self.facts = self._proxy.run()
        except BaseException as error:
            self.error = error
        finally:
            self._listening.set()

    def call[T](self, work: Callable[[], T]) -> T:
        """Its result in the proxy's own loop."""
        done = threading.Event()
        results: list[T] = []

        def do() -> None:
            results.append(work())
            done.set()

        ctx.master.event_loop.call_soon_threadsafe(do)
        assert done.wait(PATIENCE_S)
        return results[0]

    @property
    def sessions(self) -> int:
        """How many sessions there were, once the run is over."""
        assert self.facts is not None
        return self.facts.sessions

    def settle(self) -> None:
        """Return when what hooks have led to so far has been done."""
        for _ in range(3):
            self.call(lambda: None)

    def stop(self) -> None:
        """As Ctrl-C does; raises nothing that the run raised."""
        self._proxy.stop()
        self.ended()

    def ended(self) -> None:
        """Wait until the run is over."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@contextmanager
def inside(device: Device | None = None, *addons: object, **settings: Any) -> Iterator[InsideProxy]:
    """A running proxy, in front of `device` unless `mode` says otherwise."""
    if device is not None:
        settings.setdefault("mode", f"reverse:http://{LOOPBACK}:{device.port}")
    proxy = InsideProxy({"addons": addons, **settings})
    try:
        yield proxy
    finally:
        proxy.stop()


class Seen:
    """An addon that notes hooks, and lets a test wait for them. `on_message` may change what it is given."""

    def __init__(self, on_message: Callable[[http.HTTPFlow], None] = lambda flow: None) -> None:
        self.flows: list[http.HTTPFlow] = []
        self.messages: list[bytes] = []
        self.ended: list[http.HTTPFlow] = []
        self._on_message = on_message
        self._changed = threading.Condition()

    def websocket_start(self, flow: http.HTTPFlow) -> None:
        self._note(self.flows, flow)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        assert flow.websocket is not None
        self._on_message(flow)
        self._note(self.messages, flow.websocket.messages[-1].content)

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        self._note(self.ended, flow)

    def _note[T](self, notes: list[T], what: T) -> None:
        with self._changed:
            notes.append(what)
            self._changed.notify_all()

    def wait(self, done: Callable[[], bool]) -> None:
        """Return once `done()`."""
        with self._changed:
            assert self._changed.wait_for(done, PATIENCE_S), (self.messages, self.flows, self.ended)
