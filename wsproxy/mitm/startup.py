"""Starting mitmproxy for `run_proxy`: what goes wrong on the way becomes one error, what went well a list of
URLs.

Relies on `Master.run` asking the addon named `errorcheck` to `shutdown_if_errored()` after each step and to
`finish()` after the last; on its log handler keeping the records it saw; on `Servers` holding instances with
`last_exception`, `mode` and `listen_addrs`.
"""

import asyncio
import errno
import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from mitmproxy import ctx
from mitmproxy.addons.errorcheck import ErrorCheck
from mitmproxy.proxy import mode_specs
from mitmproxy.proxy.mode_servers import ServerInstance
from mitmproxy.utils import human

from wsproxy.errors import ReachError, UsageError, WsproxyError
from wsproxy.mitm.internals import find_addon

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_SCHEMES: dict[type[mode_specs.ProxyMode], str] = {
    mode_specs.ReverseMode: "ws",
    mode_specs.RegularMode: "http",
    mode_specs.UpstreamMode: "http",
    mode_specs.Socks5Mode: "socks5",
}
_ANOTHER_HOST = "give an address of this machine"
_HINTS = {
    errno.EADDRINUSE: "choose another port",
    errno.EACCES: "choose a port over 1023",
    errno.EADDRNOTAVAIL: _ANOTHER_HOST,
}


class StartupCheck(ErrorCheck):
    """In place of mitmproxy's own, which ends the process: raises what keeps the proxy from starting.

    `on_ready` is called once it has started.
    """

    name = "errorcheck"

    def __init__(self, failure: Callable[[], WsproxyError | None], on_ready: Callable[[], None]) -> None:
        cast(Any, super()).__init__()
        self._failure = failure
        self._on_ready = on_ready

    async def shutdown_if_errored(self) -> None:
        """Raise ReachError if a port is not free, RecordingError or UsageError for what else went wrong."""
        # What was logged by tasks that only just began counts, too.
        await asyncio.sleep(0)
        error = self._failure() or _listen_error()
        # Other threads may have proxies of their own, or programs.
        records = [record for record in self.logger.has_errored if record.thread == threading.get_ident()]
        if error is None and records:
            error = _certificates_error(records[0]) or UsageError(_one_line(records[0]))
        if error is not None:
            raise error

    def done(self) -> None:
        """It did not start, or is over."""
        self.logger.uninstall()

    def finish(self) -> None:
        """All is well."""
        cast(Any, super()).finish()
        self._on_ready()


def listen_on_tcp_alone(spec: str) -> None:
    """Have no UDP port opened for QUIC beside that of a reverse proxy: no opening handshake comes that way.

    What mitmproxy runs behind such a port is not awaited when it closes, and can crash the interpreter as it
    ends. Relies on mitmproxy parsing a mode once.
    """
    with suppress(ValueError):
        mode = mode_specs.ProxyMode.parse(spec)
        if isinstance(mode, mode_specs.ReverseMode) and mode.scheme == "https":
            object.__setattr__(mode, "transport_protocol", mode_specs.TCP)


def reserved_port(host: str) -> socket.socket:
    """A port of `host` (empty: of any address) for mitmweb, which never says which one it got for 0: as long
    as the socket is open, no other is given that port unless it asks for it. Raises OSError if `host` is none
    of this machine.
    """
    family, *_, address = socket.getaddrinfo(
        host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    found = socket.socket(family)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError:
        found.close()
        raise
    return found


async def stop_listening() -> None:
    """Close the ports we listen on."""
    servers = find_addon("proxyserver").servers
    await servers.update([])


def listening_urls() -> list[str]:
    """What to give a client: the URL of each port we listen on, ws:// in front of a device."""
    urls = []
    for server in _servers():
        scheme = _SCHEMES.get(type(server.mode))
        addresses = [(host, port) for host, port, *_ in server.listen_addrs] if scheme else []
        for host, port in addresses:
            if host != "::" or ("0.0.0.0", port) not in addresses:
                urls.append(f"{scheme}://{human.format_address((_WILDCARDS.get(host, host), port))}")
    return list(dict.fromkeys(urls))


def _servers() -> list[ServerInstance[Any]]:
    return list(find_addon("proxyserver").servers)


def _listen_error() -> ReachError | None:
    for server in _servers():
        error = server.last_exception
        if isinstance(error, OSError) and (number := _error_number(error)):
            reason = os.strerror(number)
            hint = _HINTS.get(number, "choose another address or port")
            if number < 0:
                # What getaddrinfo gives, which strerror does not know.
                reason, hint = "there is no such host", _ANOTHER_HOST
            return ReachError(f"cannot listen on {_wanted_address(server)}: {reason}; {hint}")
        if error is not None:
            reason, _, _ = " ".join(str(error).split()).partition(" Stack backtrace:")
            return ReachError(f"{server.mode.description} cannot start: {reason}")
    return None


def _error_number(error: OSError) -> int | None:
    # asyncio gives none to an address that this machine does not have.
    return errno.EADDRNOTAVAIL if "could not bind on any address" in str(error) else error.errno


def _wanted_address(server: ServerInstance[Any]) -> str:
    host = server.mode.listen_host(ctx.options.listen_host)
    port = server.mode.listen_port(ctx.options.listen_port)
    return human.format_address((host or "0.0.0.0", port or 0))


def _certificates_error(record: logging.LogRecord) -> UsageError | None:
    folder = Path(ctx.options.confdir).expanduser()
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, OSError) or not str(error.filename).startswith(str(folder)):
        return None
    return UsageError(
        f"cannot keep certificates in {folder}: {error.strerror}; give another folder with"
        " --set confdir=FOLDER"
    )


def _one_line(record: logging.LogRecord) -> str:
    parts = [record.getMessage()]
    if record.exc_info and record.exc_info[1] is not None:
        parts.append(f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}")
    return " ".join(": ".join(parts).split())
