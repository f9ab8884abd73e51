"""A replayed device for scripts and tests, in a thread of its own or in the event loop that runs."""

import asyncio
import os
import ssl
import threading
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Self

from wsproxy.errors import UsageError
from wsproxy.replay.leftovers import allowance
from wsproxy.replay.matchers import make_matcher
from wsproxy.replay.model import OnMismatch, ReplayOptions
from wsproxy.replay.report import ReplayReport
from wsproxy.replay.server import ReplayServer
from wsproxy.replay.timing import parse_patience, parse_speed
from wsproxy.replay.varying import Varying

_LOOPBACK = "127.0.0.1"
_EVERYWHERE = ("", "0.0.0.0", "::")


def serve(
    recording: str | os.PathLike[str],
    sessions: int | str | Sequence[int | str] = (),
    *,
    speed: float | str | None = "max",
    match: str = "exact",
    vary: str | Sequence[str] = (),
    on_mismatch: OnMismatch | str = OnMismatch.CLOSE,
    loop: bool = False,
    exact_handshake: bool = False,
    as_sent: bool = False,
    allow_unplayed: str | Sequence[str] = (),
    patience: float | None = None,
    live_url: str = "",
    host: str = _LOOPBACK,
    port: int = 0,
    tls: ssl.SSLContext | bool = False,
) -> "Replay":
    """Be the device in this recording: use it as `with serve(...) as replay:`, which plays in a thread of its
    own, or as `async with`, which plays in the running asyncio loop (under trio or in plain tests: `with`).

    `sessions` are numbers or "last", all if none are given. `speed` is 1 for the recorded gaps, "max" for
    none. `tls` is the device's TLS context, or True for a certificate made for it (`Replay.certificate`). The
    others are those of `ReplayOptions`.

    Raises UsageError for options that make no sense; entering it raises RecordingError or ReachError.
    """
    refs = (sessions,) if isinstance(sessions, int | str) else tuple(sessions)
    policy = _policy(on_mismatch)
    options = ReplayOptions(
        speed=parse_speed(speed),
        loop=loop,
        match=match,
        vary=_listed(vary),
        on_mismatch=policy,
        exact_handshake=exact_handshake,
        as_sent=as_sent,
        allow_unplayed=_listed(allow_unplayed),
        patience=parse_patience(patience),
        live_url=live_url,
    )
    make_matcher(match, ignoring=Varying(options.vary).pointers)
    allowance(options.allow_unplayed)
    if not 0 <= port <= 65535:
        raise UsageError(f"there is no port {port}: give one up to 65535, or 0 for a free one")
    context, certificate = _tls(host, tls)
    return Replay(
        os.fspath(recording), refs, options, host=host, port=port, tls=context, certificate=certificate
    )


def _policy(on_mismatch: OnMismatch | str) -> OnMismatch:
    try:
        return OnMismatch(on_mismatch)
    except ValueError:
        known = ", ".join(OnMismatch)
        raise UsageError(f"on_mismatch {on_mismatch!r} makes no sense: give one of {known}") from None


def _listed(one_or_more: str | Sequence[str]) -> tuple[str, ...]:
    return (one_or_more,) if isinstance(one_or_more, str) else tuple(one_or_more)


def _tls(host: str, tls: ssl.SSLContext | bool) -> tuple[ssl.SSLContext | None, str | None]:
    if not isinstance(tls, bool):
        return tls, None
    if not tls:
        return None, None
    from wsproxy.replay.certificate import make_certificate

    names = (_LOOPBACK if host in _EVERYWHERE else host, "localhost")
    made = make_certificate(names)
    return made.server_context(), made.certificate.decode()


class Replay:
    """A replayed device; `serve` makes it. It listens while its `with` block, or `async with` block, runs."""

    def __init__(
        self,
        recording: str,
        sessions: Sequence[int | str],
        options: ReplayOptions,
        *,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        certificate: str | None,
    ) -> None:
        self.certificate = certificate
        """The certificate that was made, in PEM, for the client to trust:
        `ssl.create_default_context(cadata=replay.certificate)`."""
        self.options = options
        """How it plays."""
        self._played = (recording, sessions)
        self._where = (host, port, tls)
        self._server: ReplayServer | None = None
        self._thread: _LoopThread | None = None
        self._last = ReplayReport()

    def url(self, path: str = "/", *, scheme: str | None = None) -> str:
        """The URL for the client to connect to; the scheme is ws, or wss with TLS, if not given."""
        host, _, tls = self._where
        host = _LOOPBACK if host in _EVERYWHERE else host
        shown = f"[{host}]" if ":" in host else host
        return f"{scheme or ('ws' if tls is None else 'wss')}://{shown}:{self.port}/{path.removeprefix('/')}"

    @property
    def port(self) -> int:
        """The port it listens on. Raises UsageError before the `with` block."""
        return self._running.port

    def report(self) -> ReplayReport:
        """What was played so far; also after the `with` block. Waits a little for clients that are just
        leaving; within `async with`, use `await replay.settled_report()` for that.
        """
        if self._thread is not None and self._server is not None:
            self._last = self._thread.run(self._settled(self._server))
        elif self._server is not None:
            self._last = self._server.report()
        return self._last

    async def settled_report(self) -> ReplayReport:
        """The same within `async with`, once what clients have sent is dealt with."""
        return await self._settled(self._running)

    def __enter__(self) -> Self:
        self._check_idle()
        self._thread = _LoopThread()
        try:
            self._thread.run(self._start())
        except BaseException:
            self._thread.close()
            self._thread = None
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        thread = self._thread
        if thread is not None:
            thread.run(self._stop())
            thread.close()
            self._thread = None

    async def __aenter__(self) -> Self:
        self._check_idle()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise UsageError("this is not an asyncio loop: use `with serve(...) as replay:`") from None
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    @property
    def _running(self) -> ReplayServer:
        if self._server is None:
            raise UsageError("the replay does not run: use it as `with serve(...) as replay:`")
        return self._server

    def _check_idle(self) -> None:
        if self._server is not None:
            raise UsageError("this replay runs already: make another one with serve(...)")

    async def _start(self) -> None:
        host, port, tls = self._where
        server = ReplayServer(*self._played, self.options)
        await server.start(host, port, tls=tls)
        self._server = server

    async def _stop(self) -> None:
        server = self._running
        self._last = await self._settled(server)
        self._server = None
        await server.stop()

    async def _settled(self, server: ReplayServer) -> ReplayReport:
        await server.settle()
        return server.report()


class _LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="wsproxy replay", daemon=True)
        self._thread.start()

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_forever()
        # Here, since the thread that closes it may be running a loop of its own.
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()
