"""The proxy behind `wsproxy record`: mitmproxy without its own command line."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from socket import socket
from typing import Any, cast

from mitmproxy import exceptions
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.tools.dump import DumpMaster
from mitmproxy.tools.web.master import WebMaster

from wsproxy.errors import ReachError, UsageError
from wsproxy.mitm import tls_legacy
from wsproxy.mitm.addon import WsproxyAddon
from wsproxy.mitm.event_loop import loop_factory
from wsproxy.mitm.gone_clients import GoneClients
from wsproxy.mitm.interrupts import signals_wake_the_loop, stopped_by_signals
from wsproxy.mitm.logs import forwarded_logs
from wsproxy.mitm.startup import (
    StartupCheck,
    listen_on_tcp_alone,
    listening_urls,
    reserved_port,
    stop_listening,
)
from wsproxy.mitm.thread_context import own_context
from wsproxy.store.model import Observer

MODES = "regular, socks5, upstream:URL, transparent or local"
"""How modes are written."""

# Plain HTTP beside the sessions: what is larger goes through without being kept.
_LARGE_BODY = "1m"


def _ignore(*_: object) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """What to run. `mode` is a mitmproxy mode (`reverse:http://skyq:9006`, `regular`, `socks5`, …).

    `recording` is a path or URL, None to record nothing; `redact` are rules for what must not be in it.
    `normalize` is a profile's name or path, `rules` a file of rules on top of it; empty for none.
    `set_options` are mitmproxy options, NAME=VALUE.
    `insecure` accepts any certificate of a device, `legacy_tls` TLS 1.0 and weak ciphers. `addons` are
    mitmproxy addons to run beside ours, `scripts` files with such. `uvloop`: use it where it is installed.
    `ends_process`: the process has nothing else to do than this run; see `stopped_by_signals`.
    `observers` see what passes, recorded or not, in the recorder's thread. `on_listening` is called with the
    URLs to give a client, `on_web` with that of mitmweb, `on_notice` with each line a user should read (from
    any thread).
    """

    mode: str
    listen_host: str = "127.0.0.1"
    listen_port: int | None = None
    recording: str | None = None
    redact: Sequence[str] = ()
    on_store_error: str = "stop"
    intercept: bool = False
    normalize: str = ""
    rules: str = ""
    client_dialect: str = "rfc6455"
    server_dialect: str = "rfc6455"
    scripts: Sequence[str] = ()
    set_options: Sequence[str] = ()
    web: bool = False
    insecure: bool = False
    legacy_tls: bool = False
    addons: Sequence[object] = ()
    uvloop: bool = True
    ends_process: bool = False
    observers: Sequence[Observer] = ()
    on_listening: Callable[[list[str]], None] = _ignore
    on_web: Callable[[str], None] = _ignore
    on_notice: Callable[[str], None] = _ignore


@dataclass(frozen=True, slots=True)
class ProxyFacts:
    """What a run of the proxy came to. `frames` and `exchanges` (plain HTTP) count those recorded."""

    sessions: int
    frames: int
    exchanges: int
    recording: str | None


class Proxy:
    """One run of the proxy. `stop` may be called from any thread.

    A process may run several, one after the other or each in a thread of its own.
    """

    def __init__(self, settings: ProxySettings) -> None:
        self._settings = settings
        self._addon = WsproxyAddon(settings.observers, waits_for_startup=True)
        self._master: Master | None = None
        self._reserved: socket | None = None
        self._stop_wanted = False

    def run(self) -> ProxyFacts:
        """Relay until Ctrl-C, SIGTERM or `stop`, then store what waits. A second Ctrl-C ends the process at
        once.

        Raises UsageError, ReachError (a port that is not free) or RecordingError.
        """
        with (
            forwarded_logs(lambda line: self._settings.on_notice(self._addon.shown(line))),
            stopped_by_signals(self.stop, for_good=self._settings.ends_process),
            own_context(),
            asyncio.Runner(loop_factory=loop_factory(uvloop=self._settings.uvloop)) as runner,
        ):
            runner.run(self._run())
        if self._addon.failure is not None:
            raise self._addon.failure
        return self._facts()

    def stop(self) -> None:
        """End the run as Ctrl-C does; without effect once it has ended."""
        self._stop_wanted = True
        master = self._master
        if master is not None:
            with suppress(RuntimeError):
                cast(Any, master).shutdown()

    async def _run(self) -> None:
        try:
            master = self._make_master()
            self._apply_options(master)
            with signals_wake_the_loop():
                await master.run()
        except exceptions.OptionsError as error:
            text = " ".join(str(error).split())
            hint = f": give {MODES}" if text.startswith("Invalid proxy mode") else ""
            raise UsageError(text + hint) from error
        except OSError as error:
            # mitmweb's port; mitmproxy's own are looked after by StartupCheck.
            raise ReachError(" ".join(f"{error.strerror or error}".split())) from error
        finally:
            if self._master is not None:
                await self._finish(self._master)

    async def _finish(self, master: Master) -> None:
        """Leave nothing behind in this process, however far mitmproxy has come: no port, no log handler."""
        self._master = None
        if not self._addon.finished:
            await master.done()
        await stop_listening()
        if self._reserved is not None:
            self._reserved.close()

    def _make_master(self) -> Master:
        settings = self._settings
        options = Options()
        if settings.legacy_tls:
            options.set(*tls_legacy.OPTIONS, defer=True)
        options.set(*tls_legacy.early_options(settings.set_options), defer=True)
        master: Master
        if settings.web:
            master = WebMaster(options, with_termlog=False)
        else:
            master = DumpMaster(options, with_termlog=False, with_dumper=False)
        self._master = master
        addons = cast(Any, master.addons)
        addons.get("errorcheck").finish()
        addons.remove(addons.get("errorcheck"))
        addons.add(StartupCheck(lambda: self._addon.failure, self._ready), self._addon, *settings.addons)
        # Before mitmproxy's own choice of layers, as a script would be.
        master.addons.chain.remove(self._addon)
        master.addons.chain.insert(master.addons.chain.index(addons.get("nextlayer")), self._addon)
        gone_clients = GoneClients()
        addons.add(gone_clients)
        master.addons.chain.remove(gone_clients)
        master.addons.chain.insert(0, gone_clients)
        if settings.legacy_tls:
            addons.add(tls_legacy.LegacyRenegotiation())
        return master

    def _apply_options(self, master: Master) -> None:
        settings, options = self._settings, cast(Any, master.options)
        listen_on_tcp_alone(settings.mode)
        options.update(
            listen_host=settings.listen_host,
            listen_port=settings.listen_port,
            mode=[settings.mode],
            stream_large_bodies=_LARGE_BODY,
            ssl_insecure=settings.insecure,
            wsproxy_on_store_error=settings.on_store_error,
            wsproxy_redact=list(settings.redact),
            wsproxy_intercept=settings.intercept,
            wsproxy_normalize=settings.normalize,
            wsproxy_rules=settings.rules,
            wsproxy_client_dialect=settings.client_dialect,
            wsproxy_server_dialect=settings.server_dialect,
            **({"web_open_browser": False} if settings.web else {}),
        )
        early = tls_legacy.early_options(settings.set_options)
        options.set(*(each for each in settings.set_options if each not in early), defer=True)
        if settings.web and options.web_port == 0:
            self._reserved = reserved_port(options.web_host)
            options.update(web_port=self._reserved.getsockname()[1])
        options.update(scripts=list(settings.scripts), wsproxy_recording=settings.recording or "")

    def _ready(self) -> None:
        assert self._master is not None
        if unknown := self._master.options.deferred:
            raise UsageError(
                f"unknown option {', '.join(unknown)}: see `mitmdump --options` for all there are"
            )
        if isinstance(self._master, WebMaster):
            self._settings.on_web(self._master.web_url)
        self._addon.let_in()
        self._settings.on_listening(listening_urls())
        if self._stop_wanted:
            self.stop()

    def _facts(self) -> ProxyFacts:
        addon = self._addon
        return ProxyFacts(
            addon.sessions.opened, addon.frames, addon.exchanges.recorded, self._settings.recording
        )


def run_proxy(settings: ProxySettings) -> ProxyFacts:
    """Run the proxy until it is stopped; see `Proxy.run`."""
    return Proxy(settings).run()
