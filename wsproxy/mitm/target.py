"""The URL of a device, and the URLs to give its clients."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from mitmproxy.net.check import is_valid_host

from wsproxy.errors import UsageError

_SCHEMES = {"ws": ("http", 80), "wss": ("https", 443)}
_LIKELY = {"http": "ws", "https": "wss"}


@dataclass(frozen=True, slots=True)
class Target:
    """A device: `path` is what follows host and port, empty or from its `/` on."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def mode(self) -> str:
        """The mitmproxy mode that puts a reverse proxy in front of it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"reverse:{_SCHEMES[self.scheme][0]}://{host}:{self.port}"

    @property
    def tls(self) -> bool:
        """Whether it speaks TLS."""
        return self.scheme == "wss"


def parse_target(text: str) -> Target:
    """Read a ws:// or wss:// URL. Raises `UsageError`, with the URL that was probably meant."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise UsageError(f"{text!r} is not a URL ({error}): write ws://HOST:PORT") from error
    if url.scheme not in _SCHEMES:
        raise UsageError(f"{text!r} is not a WebSocket URL: write {_meant(text)}")
    if not url.hostname:
        raise UsageError(f"{text!r} names no host: write {url.scheme}://HOST:PORT")
    if url.username is not None:
        raise UsageError(f"{text!r} has a user name in it, which WebSocket URLs cannot: leave it out")
    if port == 0 or not is_valid_host(url.hostname):
        wrong = "the port is 0" if port == 0 else f"{url.hostname} is not a host name"
        raise UsageError(f"{text!r} cannot be reached ({wrong}): write {url.scheme}://HOST:PORT")
    path = url.path + (f"?{url.query}" if url.query else "")
    return Target(url.scheme, url.hostname, port or _SCHEMES[url.scheme][1], path)


def _meant(text: str) -> str:
    scheme, separator, rest = text.partition(":/")
    if not separator or not scheme.isalpha():
        scheme, rest = "ws", text
    return f"{_LIKELY.get(scheme.lower(), 'ws')}://{rest.lstrip('/') or 'HOST:PORT'}"
