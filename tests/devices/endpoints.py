"""Where scripted peers come from: a device listens, clients connect (directly or through a proxy)."""

import asyncio
import ssl
from dataclasses import dataclass

from tests.devices.peer import PATIENCE_S, Peer, Stream

LOOPBACK = "127.0.0.1"


class Device:
    """A device's port; each connection becomes a `Peer` that waits to be told what to do."""

    def __init__(self, server: asyncio.Server, accepted: "asyncio.Queue[Peer]") -> None:
        self._server = server
        self._accepted = accepted
        self.port: int = server.sockets[0].getsockname()[1]

    @classmethod
    async def listen(cls, *, tls: ssl.SSLContext | None = None, keep: bool = True) -> "Device":
        """Listen on a free loopback port. `keep` False: connections keep counts and hashes only."""
        accepted: asyncio.Queue[Peer] = asyncio.Queue()

        class Accepted(Peer):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                accepted.put_nowait(self)

        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Accepted("device", keep=keep), LOOPBACK, 0, ssl=tls, backlog=512
        )
        return cls(server, accepted)

    @property
    def waiting(self) -> int:
        """Connections that nobody has taken yet."""
        return self._accepted.qsize()

    async def accept(self) -> Peer:
        """The next connection."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._accepted.get()

    async def close(self) -> None:
        """Stop listening."""
        self._server.close()


@dataclass(frozen=True, slots=True)
class Route:
    """How a client gets to the device: connect to `port`, then (if asked) a tunnel to `target`, then TLS.

    `tunnel` is "" (none), "connect" (HTTP CONNECT) or "socks5".
    """

    port: int
    tunnel: str = ""
    target: tuple[str, int] = (LOOPBACK, 0)
    tls: ssl.SSLContext | None = None


async def connect(route: Route, *, keep: bool = True, reading: bool = True) -> Peer:
    """A client at the end of `route`, its books empty: what the tunnel took is not counted."""
    loop = asyncio.get_running_loop()
    peer = Peer("client", keep=keep)
    direct_tls = route.tls if not route.tunnel else None
    name = LOOPBACK if direct_tls else None
    async with asyncio.timeout(PATIENCE_S):
        await loop.create_connection(lambda: peer, LOOPBACK, route.port, ssl=direct_tls, server_hostname=name)
        if route.tunnel:
            await _TUNNELS[route.tunnel](peer, *route.target)
            if route.tls:
                upgraded = await loop.start_tls(peer.transport, peer, route.tls, server_hostname=LOOPBACK)
                assert upgraded is not None
                peer.transport = upgraded
    peer.sent, peer.received, peer.cursor = Stream(keep), Stream(keep), 0
    if not reading:
        peer.stall()
    return peer


async def _http_connect(peer: Peer, host: str, port: int) -> None:
    where = f"{host}:{port}".encode()
    await peer.send(b"CONNECT " + where + b" HTTP/1.1\r\nHost: " + where + b"\r\n\r\n")
    head = await peer.expect_head()
    assert head.split(b" ", 2)[1] == b"200", head


async def _socks5(peer: Peer, host: str, port: int) -> None:
    await peer.send(b"\x05\x01\x00")
    await peer.expect(b"\x05\x00")
    address = bytes(int(part) for part in host.split("."))
    await peer.send(b"\x05\x01\x00\x01" + address + port.to_bytes(2, "big"))
    await peer.expect_count(10)
    assert peer.received.bytes[2:4] == b"\x05\x00", bytes(peer.received.bytes)


_TUNNELS = {"connect": _http_connect, "socks5": _socks5}
