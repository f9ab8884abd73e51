"""A proxy beside a program that goes on: in a thread of its own, with an event loop of its own."""

import threading
from collections import deque
from dataclasses import replace
from types import TracebackType
from typing import Self

from wsproxy.errors import ReachError, WsproxyError
from wsproxy.mitm.run import Proxy, ProxyFacts, ProxySettings

_START_PATIENCE_S = 30.0
_NOTICES_KEPT = 50


class BackgroundProxy:
    """Runs from the beginning to the end of its `with` block. `url` is what to give a client, `facts` what
    the run came to, `notices` the last lines that a user should read.

    Entering raises UsageError, ReachError or RecordingError where the proxy cannot start; leaving raises
    RecordingError if not everything could be recorded.
    """

    def __init__(self, settings: ProxySettings) -> None:
        self.url = ""
        self.facts: ProxyFacts | None = None
        self.notices: deque[str] = deque(maxlen=_NOTICES_KEPT)
        self._proxy = Proxy(replace(settings, on_listening=self._listening, on_notice=self.notices.append))
        self._settled = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="wsproxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._settled.wait(_START_PATIENCE_S):
            self._proxy.stop()
            raise ReachError(f"the proxy did not start within {_START_PATIENCE_S:.0f} s: try again")
        if not self.url:
            self._thread.join()
            self._raise_failure()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._proxy.stop()
        self._thread.join()
        self._raise_failure()

    def _run(self) -> None:
        try:
            self.facts = self._proxy.run()
        except BaseException as error:
            # Whatever it is belongs to whoever runs the `with` block, not to this thread.
            self._failure = error
        finally:
            self._settled.set()

    def _listening(self, urls: list[str]) -> None:
        self.url = urls[0]
        self._settled.set()

    def _raise_failure(self) -> None:
        if isinstance(self._failure, WsproxyError):
            raise self._failure
        if self._failure is not None:
            raise RuntimeError("the proxy's thread failed") from self._failure
