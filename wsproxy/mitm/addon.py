"""wsproxy as a mitmproxy addon: its options (`wsproxy_*`) and hooks."""

import asyncio
import logging
from collections.abc import Sequence

from mitmproxy import ctx
from mitmproxy.addonmanager import Loader
from mitmproxy.connection import Client
from mitmproxy.proxy.layer import NextLayer

from wsproxy.errors import RecordingError, WsproxyError
from wsproxy.mitm.audience import audience
from wsproxy.mitm.exchanges import Exchanges
from wsproxy.mitm.handlers import Handlers
from wsproxy.mitm.internals import find_addon, options_error, shut_down
from wsproxy.mitm.next_layer import choose_layer
from wsproxy.mitm.notices import Notices
from wsproxy.mitm.options import add_options, redaction, session_settings
from wsproxy.mitm.sessions import Sessions
from wsproxy.mitm.wire import close_connections, connections_closed
from wsproxy.store.model import Observer
from wsproxy.store.redaction import Redaction
from wsproxy.store.writer import Recorder

_CLOSE_PATIENCE_S = 1.0

_log = logging.getLogger(__name__)


def wsproxy_addons() -> list[object]:
    """For a script's `addons`: wsproxy, unless it is there already (`wsproxy record` brings it)."""
    return [] if find_addon(WsproxyAddon.name) is not None else [WsproxyAddon()]


class WsproxyAddon:
    """Relays and records WebSocket sessions. `observers` see what passes, recorded or not, in the
    recorder's thread.

    `failure` is what made it unusable, or ended the recording, if anything did; `finished` says whether
    mitmproxy has told that it is over; `frames` is how many were recorded, once it is. Clients wait at the
    door until mitmproxy runs: its ports are open earlier, its addons are ready later. Where `let_in` is going
    to be called, `waits_for_startup`.
    """

    name = "wsproxy"

    def __init__(self, observers: Sequence[Observer] = (), *, waits_for_startup: bool = False) -> None:
        self.sessions = Sessions(lambda: audience(ctx.master))
        self.redaction: Redaction | None = None
        self.exchanges = Exchanges(self.sessions)
        self.addons = [Handlers(), Notices(self.shown), self.exchanges]
        self.failure: WsproxyError | None = None
        self.frames = 0
        self._observers = observers
        self._recorder: Recorder | None = None
        self._recording: str | None = None
        self._failed: RecordingError | None = None
        self._pressed = False
        self._running = False
        self._waits_for_startup = waits_for_startup
        self._door = asyncio.Event()
        self.finished = False

    def load(self, loader: Loader) -> None:
        """Add the options."""
        # The recorder calls from other threads, which may have a proxy, and a `ctx`, of their own.
        self._loop = ctx.master.event_loop
        add_options(loader)

    def configure(self, updated: set[str]) -> None:
        """Take over changed options, for sessions that begin from now on."""
        if not any(name.startswith("wsproxy_") for name in updated):
            return
        try:
            self.sessions.settings = session_settings()
            redacted = redaction()
            if (ctx.options.wsproxy_recording, redacted) != (self._recording, self.redaction):
                self._record_to(ctx.options.wsproxy_recording, redacted)
        except WsproxyError as error:
            if self._running:
                raise options_error(str(error)) from error
            # While mitmproxy starts, an error in the log ends it, with this line and no traceback.
            self.failure = error
            _log.error("%s", error)

    def running(self) -> None:
        """Startup is over, but for the addons that come later."""
        self._running = True
        if not self._waits_for_startup:
            self._loop.call_soon(self.let_in)

    def let_in(self) -> None:
        """Serve clients from now on, first those that wait."""
        self._door.set()

    async def client_connected(self, _client: Client) -> None:
        """Have it wait."""
        await self._door.wait()

    def next_layer(self, asked: NextLayer) -> None:
        """Have our layers used for HTTP."""
        choose_layer(asked, self.sessions)

    def done(self) -> "asyncio.Task[None] | None":
        """Close what is open, and wait until all of it is stored.

        Where mitmproxy waits for what this returns, it ends with no connection left. (It does not wait when
        it only unloads a script.)
        """
        self.finished = True
        self.let_in()
        self.sessions.close()
        self._close_recorder()
        if not ctx.master.should_exit.is_set():
            return None
        close_connections()
        return asyncio.ensure_future(connections_closed(_CLOSE_PATIENCE_S))

    def _record_to(self, place: str, redacted: Redaction | None) -> None:
        if self.sessions.live:
            raise RecordingError(
                "wsproxy_recording and wsproxy_redact cannot change while sessions are open: close them first"
            )
        self._close_recorder()
        self._recording, self.redaction = place, redacted
        if place or self._observers:
            recorder = Recorder(
                place or None,
                on_failure=self._on_failure,
                on_pressure=self._on_pressure,
                observers=self._observers,
                redaction=redacted,
            )
            recorder.start()
            self._recorder = self.sessions.recorder = recorder

    def shown(self, text: str) -> str:
        """The text as it may be logged."""
        return text if self.redaction is None else self.redaction.text(self.redaction.target(text))

    def _close_recorder(self) -> None:
        recorder, self._recorder = self._recorder, None
        self.sessions.recorder = None
        if recorder is None:
            return
        recorder.close()
        self.frames += recorder.frames
        if recorder.failed is not None:
            self._recording_failed(recorder.failed)

    def _on_pressure(self, pressed: bool) -> None:
        """Called by the recorder: where it presses, in the event loop's thread, else in its own.

        The last call counts, in whatever order they get through.
        """
        self._pressed = pressed
        if pressed:
            # At once: until the next turn of the loop a socket could bring in many times what may wait.
            self.sessions.press(True)
        else:
            self._loop.call_soon_threadsafe(lambda: self.sessions.press(self._pressed))

    def _on_failure(self, error: RecordingError) -> None:
        """Called by the recorder, in its thread."""
        self._loop.call_soon_threadsafe(self._recording_failed, error)

    def _recording_failed(self, error: RecordingError) -> None:
        if self._failed is not None:
            return
        self._failed = error
        if ctx.options.wsproxy_on_store_error == "relay":
            _log.error("%s; sessions go on unrecorded", error)
            self.sessions.stop_recording()
            return
        self.failure = error
        _log.error("%s; stopping, so that nothing passes unrecorded", error)
        self.sessions.refuse()
        shut_down()
