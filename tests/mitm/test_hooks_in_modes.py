"""Hooks and injection however the client got to the device: mitmproxy's layers are nested differently each
time.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.addons.mitmdump import LISTENING, MITMDUMP
from tests.devices.certificates import client_tls, device_tls
from tests.devices.endpoints import LOOPBACK, Device, Route
from tests.devices.loop import LoopThread
from tests.mitm.inside import Seen, inside
from tests.mitm.peers import hang_up, opened
from tests.mitm.test_inject import INJECTED, expect_masked, inject
from tests.scenarios.proxy import ProxyProcess, Start
from tests.wire.build import TEXT, client_frame, frame


@dataclass(frozen=True, slots=True)
class Way:
    """A mitmproxy mode, the tunnel a client asks for in it, and where there is TLS."""

    mode: str
    tunnel: str = ""
    tls: bool = False


WAYS = {
    "reverse, TLS on both legs": Way("reverse:https://127.0.0.1:{device}", tls=True),
    "CONNECT": Way("regular", "connect"),
    "CONNECT, then TLS": Way("regular", "connect", tls=True),
    "SOCKS5": Way("socks5", "socks5"),
    "SOCKS5, then TLS": Way("socks5", "socks5", tls=True),
    "upstream, CONNECT": Way("upstream:http://127.0.0.1:{upstream}", "connect"),
    "upstream, CONNECT, then TLS": Way("upstream:http://127.0.0.1:{upstream}", "connect", tls=True),
}


@contextlib.contextmanager
def upstream_proxy(wanted: bool) -> Iterator[int]:
    """The port of a proxy behind ours: stock mitmdump, which relays CONNECT tunnels as they are."""
    if not wanted:
        yield 0
        return
    options = ("--ignore-hosts", ".*", "--set", "flow_detail=0")
    arguments = (str(MITMDUMP), "--mode", "regular", "-p", "0", "--listen-host", LOOPBACK, *options)
    process = ProxyProcess(Start(arguments, LISTENING))
    try:
        yield process.port
    finally:
        process.kill()


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_addons_see_and_inject(loop: LoopThread, tmp_path: Path, way: Way, intercept: bool) -> None:
    device = loop.run(Device.listen(tls=device_tls(tmp_path) if way.tls else None))
    confdir, seen = tmp_path / "confdir", Seen()
    with upstream_proxy("{upstream}" in way.mode) as upstream:
        mode = way.mode.format(device=device.port, upstream=upstream)
        settings = {"insecure": True, "intercept": intercept, "set_options": [f"confdir={confdir}"]}
        with inside(None, seen, mode=mode, **settings) as proxy:
            tls = client_tls(confdir / "mitmproxy-ca-cert.pem") if way.tls else None
            route = Route(proxy.port, way.tunnel, (LOOPBACK, device.port), tls)
            client, served = loop.run(opened(device, proxy.port, route=route))
            loop.run(client.send(client_frame(TEXT, b"up")))
            loop.run(served.expect(client_frame(TEXT, b"up")))
            seen.wait(lambda: seen.messages == [b"up"])
            inject(proxy, seen.flows[0], to_client=True)
            loop.run(client.expect(INJECTED))
            inject(proxy, seen.flows[0], to_client=False, text=b"to the device")
            loop.run(expect_masked(served, b"to the device"))
            loop.run(served.send(frame(TEXT, b"down")))
            loop.run(client.expect(frame(TEXT, b"down")))
            loop.run(hang_up(served, client))
            seen.wait(lambda: bool(seen.ended))
    assert seen.messages == [b"up", b"injected", b"to the device", b"down"]
    loop.run(device.close())
