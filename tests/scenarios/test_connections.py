"""What the proxy does with connections that are not (yet) sessions, and with sessions that do nothing."""

from pathlib import Path
from typing import cast

import pytest

from tests.devices.endpoints import LOOPBACK, Device, Route, connect
from tests.devices.loop import LoopThread
from tests.devices.peer import Peer
from tests.scenarios.ends import hang_up, opened
from tests.scenarios.proxy import ProxyProcess, mitmdump
from tests.scenarios.rig import Rig, Rigs
from tests.wire.build import TEXT, client_frame, frame, lines
from tests.wire.handshakes import ANSWER, HELLO, REQUEST, RESPONSE


def test_nothing_is_opened_towards_the_device_before_the_client_asks(rigs: Rigs, loop: LoopThread) -> None:
    rig: Rig = rigs["reverse"]

    async def silence() -> int:
        silent = await connect(rig.route)
        client, served = await opened(rig.device, rig.route)
        waiting = rig.device.waiting
        await hang_up(silent, client, served)
        return waiting

    assert loop.run(silence()) == 0


def test_an_explicit_proxy_takes_a_url_in_the_request_line(rigs: Rigs, loop: LoopThread) -> None:
    rig = rigs["connect"]
    where = f"{LOOPBACK}:{rig.device.port}".encode()
    rest = lines(b"", *REQUEST.split(b"\r\n")[1:-2])
    asked = b"GET http://" + where + b"/as/system/status HTTP/1.1" + rest

    async def absolute() -> tuple[Peer, bytes]:
        client = await connect(Route(rig.proxy.port))
        await client.send(asked)
        served = await rig.device.accept()
        head = await served.expect_head()
        await served.send(RESPONSE + frame(TEXT, b"reached"))
        await client.expect(RESPONSE + frame(TEXT, b"reached"))
        await client.send(client_frame(TEXT, b"answered"))
        await served.expect(client_frame(TEXT, b"answered"))
        await hang_up(client, served)
        return client, head

    client, head = loop.run(absolute())
    assert head == b"GET /as/system/status HTTP/1.1" + rest
    session = rig.recorded.session_of(client)
    frames = client_frame(TEXT, b"answered")
    assert rig.recorded.streams(session)[0] == asked + frames
    assert rig.recorded.streams_sent(session)[0] == head + frames


@pytest.mark.parametrize("mode", ["reverse", "command"])
def test_clients_that_reset_at_once_leave_no_mark(rigs: Rigs, loop: LoopThread, mode: str) -> None:
    rig = rigs[mode]

    async def reset_often() -> None:
        for _ in range(50):
            client = await connect(rig.route)
            client.reset()
            await client.gone()
        client, served = await opened(rig.device, rig.route)
        await hang_up(client, served)

    loop.run(reset_often())
    assert "Traceback" not in rig.proxy.output


def test_an_idle_session_outlives_the_timeout_of_connections(loop: LoopThread, tmp_path: Path) -> None:
    device = loop.run(Device.listen())
    mode = f"reverse:http://{LOOPBACK}:{device.port}"
    start = mitmdump(mode, tmp_path / "idle.db", tmp_path / "confdir", "tcp_timeout=4")
    proxy = ProxyProcess(start)

    async def idle() -> None:
        client, served = await opened(device, Route(proxy.port))
        silent = await connect(Route(proxy.port))
        await silent.expect_end()
        await hang_up(silent)
        await served.send(HELLO)
        await client.expect(HELLO)
        await client.send(ANSWER)
        await served.expect(ANSWER)
        await hang_up(client, served)

    loop.run(idle())
    loop.run(device.close())
    assert proxy.stop() == 0, proxy.output


def test_peers_that_speak_http_2_are_kept_to_http_1(rigs: Rigs, loop: LoopThread) -> None:
    rig = rigs["wss-both"]
    route = rig.route
    assert route.tls is not None
    route.tls.set_alpn_protocols(["h2", "http/1.1"])

    def spoken(peer: Peer) -> str | None:
        return cast(str | None, peer.transport.get_extra_info("ssl_object").selected_alpn_protocol())

    async def agreed() -> tuple[str | None, str | None]:
        client, served = await opened(rig.device, route)
        protocols = spoken(client), spoken(served)
        await hang_up(client, served)
        return protocols

    assert loop.run(agreed()) == ("http/1.1", "http/1.1")
