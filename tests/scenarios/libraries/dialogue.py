"""What every client asks and every server answers, and the report of it.

A server echoes each message; to `PING_ME` it sends a ping and answers `PONG_SEEN` once the pong is there; to
`GOODBYE` it closes with `CODE` and `REASON`.
"""

import ssl
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from tests.wire.build import noise

TEXT = "grüße, 世界"
BIG = noise(1 << 20)
FRAGMENTS = ("in ", "three ", "pieces")
PING_ME = "ping me"
PONG_SEEN = "pong seen"
PING_PAYLOAD = b"are you there"
GOODBYE = "goodbye"
CODE = 4001
REASON = "enough"


@dataclass(slots=True)
class Report:
    """What came back to the client. `fragments` is None for a library that cannot send any."""

    text: str = ""
    big: str = ""
    fragments: str | None = None
    pong: bool = False
    ping_me: str = ""
    code: int | None = None
    reason: str | None = ""


def expected(*, fragments: bool = True) -> Report:
    """The report of a dialogue that went well."""
    return Report(
        text=TEXT,
        big=sha256(BIG).hexdigest(),
        fragments="".join(FRAGMENTS) if fragments else None,
        pong=True,
        ping_me=PONG_SEEN,
        code=CODE,
        reason=REASON,
    )


class Server(Protocol):
    """A server that runs."""

    @property
    def port(self) -> int:
        """Where it listens."""

    async def stop(self) -> None:
        """End it."""


class Library(Protocol):
    """A WebSocket library under one roof with the others."""

    name: str
    sends_fragments: bool
    compresses: bool

    async def serve(self, tls: ssl.SSLContext | None = None) -> Server:
        """A server on a free loopback port."""

    async def talk(self, url: str, tls: ssl.SSLContext | None = None, proxy: str | None = None) -> Report:
        """Hold the dialogue as the client; `proxy` is an HTTP proxy's URL."""
