"""How sessions end, and what does not end them."""

import asyncio
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import ctx
from mitmproxy.options import Options
from mitmproxy.proxy import server

from tests.devices.certificates import client_tls, device_tls
from tests.devices.endpoints import LOOPBACK, Device, Route, connect
from tests.devices.loop import LoopThread
from tests.devices.peer import PATIENCE_S
from tests.mitm.inside import InsideProxy, Seen, inside
from tests.mitm.peers import hang_up, opened
from tests.mitm.recording import stored
from tests.wire.build import TEXT, client_frame, close, frame
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.protocol.frame import Side
from wsproxy.store.model import SessionState, TcpEnd


@pytest.mark.parametrize("splice", ["true", "false"])
def test_an_idle_session_outlives_mitmproxys_timeout(
    loop: LoopThread, device: Device, splice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that never becomes a session is closed for being idle; the session before it is not."""

    def be_impatient() -> None:
        if "tcp_timeout" in Options():
            ctx.options.update(tcp_timeout=1)
        else:
            # mitmproxy 12.1
            monkeypatch.setattr(server, "TCP_TIMEOUT", 1)

    with inside(device, set_options=[f"wsproxy_splice={splice}"]) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        proxy.call(be_impatient)

        async def outlive() -> None:
            idler = await connect(Route(proxy.port))
            assert await idler.expect_end() == "fin"
            idler.close()
            await client.send(client_frame(TEXT, b"still here"))
            await served.expect(client_frame(TEXT, b"still here"))

        loop.run(outlive())
        loop.run(hang_up(client, served))


@pytest.mark.parametrize("splice", ["true", "false"])
@pytest.mark.parametrize("uvloop", [True, False])
def test_a_reset_reaches_the_other_side_as_one(
    loop: LoopThread, device: Device, tmp_path: Path, splice: str, uvloop: bool
) -> None:
    recording = tmp_path / "r.db"
    options = [f"wsproxy_splice={splice}"]
    with inside(device, recording=str(recording), uvloop=uvloop, set_options=options) as proxy:
        client, served = loop.run(opened(device, proxy.port))

        async def reset() -> None:
            served.reset()
            assert await client.expect_end() == "rst"
            client.close()

        loop.run(reset())
    assert ends(recording) == (TcpEnd.OPEN, TcpEnd.RST)


@pytest.mark.parametrize(
    ("client_speaks_tls", "device_speaks_tls"), [(True, True), (True, False), (False, True)]
)
@pytest.mark.parametrize("who", ["client", "device"])
def test_a_reset_stays_one_where_there_is_tls(
    loop: LoopThread, tmp_path: Path, who: str, *, client_speaks_tls: bool, device_speaks_tls: bool
) -> None:
    """No close_notify says that the stream was whole."""
    confdir = tmp_path / "confdir"
    device = loop.run(Device.listen(tls=device_tls(tmp_path) if device_speaks_tls else None))

    async def talk(port: int) -> str:
        authority = confdir / "mitmproxy-ca-cert.pem"
        route = Route(port, tls=client_tls(authority) if client_speaks_tls else None)
        peers = dict(zip(("client", "device"), await opened(device, port, route=route), strict=True))
        goes, stays = peers.pop(who), *peers.values()
        goes.reset()
        return await stays.expect_end()

    scheme = "https" if device_speaks_tls else "http"
    mode = f"reverse:{scheme}://{LOOPBACK}:{device.port}"
    with inside(mode=mode, insecure=True, set_options=[f"confdir={confdir}"]) as proxy:
        assert loop.run(talk(proxy.port)) == "rst"
    loop.run(device.close())


def ends(recording: Path) -> tuple[TcpEnd, TcpEnd]:
    """How the two directions ended, client first."""
    session = stored(recording).session
    assert session.state is SessionState.ENDED
    assert session.end is not None
    return session.end.client_end, session.end.server_end


@pytest.mark.parametrize("splice", ["true", "false"])
def test_each_direction_ends_by_itself(loop: LoopThread, device: Device, tmp_path: Path, splice: str) -> None:
    recording = tmp_path / "r.db"
    options = [f"wsproxy_splice={splice}"]
    with inside(device, recording=str(recording), set_options=options) as proxy:
        client, served = loop.run(opened(device, proxy.port))

        async def end_both() -> None:
            client.half_close()
            assert await served.expect_end() == "fin"
            await served.send(frame(TEXT, b"afterthought"))
            await client.expect(frame(TEXT, b"afterthought"))
            served.half_close()
            assert await client.expect_end() == "fin"
            client.close()
            served.close()

        loop.run(end_both())
    assert ends(recording) == (TcpEnd.FIN, TcpEnd.FIN)


@pytest.mark.parametrize("mode", [{}, {"intercept": True}, {"normalize": "strict"}])
def test_what_came_before_an_early_end_goes_on_before_it(
    loop: LoopThread, device: Device, tmp_path: Path, mode: dict[str, Any]
) -> None:
    recording = tmp_path / "r.db"

    async def talk(port: int) -> None:
        client = await connect(Route(port))
        await client.send(REQUEST + client_frame(TEXT, b"in a hurry"))
        client.half_close()
        served = await device.accept()
        await served.expect_head()
        await served.send(RESPONSE)
        await client.expect_head()
        await served.expect(client_frame(TEXT, b"in a hurry"))
        assert await served.expect_end() == "fin"
        await hang_up(served, client)

    with inside(device, recording=str(recording), **mode) as proxy:
        loop.run(talk(proxy.port))
    assert not proxy.notices
    assert stored(recording).session.client.frames == 1


@pytest.mark.parametrize("intercept", [False, True])
def test_both_sides_may_reset_at_once(loop: LoopThread, device: Device, *, intercept: bool) -> None:
    async def talk(port: int) -> None:
        client, served = await opened(device, port)
        await client.send(client_frame(TEXT, b"gone"))
        await served.send(frame(TEXT, b"gone too"))
        served.reset()
        client.reset()

    seen = Seen()
    with inside(device, seen, intercept=intercept, uvloop=True) as proxy:
        for count in range(1, 21):
            loop.run(talk(proxy.port))
            seen.wait(lambda count=count: len(seen.ended) == count)  # type: ignore[misc]
    assert not proxy.notices


def test_ctrl_c_ends_open_sessions(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    recording = tmp_path / "r.db"
    seen = Seen()
    with inside(device, seen, recording=str(recording)) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(frame(TEXT, b"last words")))
        loop.run(client.expect(frame(TEXT, b"last words")))
        proxy.stop()
        assert loop.run(client.expect_end()) == "fin"
        assert loop.run(served.expect_end()) == "fin"
        loop.run(hang_up(client, served))
    assert ends(recording) == (TcpEnd.OPEN, TcpEnd.OPEN)
    assert stored(recording).session.server.frames == 1
    assert proxy.error is None
    assert not proxy.notices


def test_tls_peers_are_told_of_the_end(loop: LoopThread, tmp_path: Path) -> None:
    """Without a close_notify the stream may have been cut off, and `read` raises."""
    device = loop.run(Device.listen(tls=device_tls(tmp_path)))
    confdir = tmp_path / "confdir"

    def read_to_the_end(port: int) -> bytes:
        trusting = client_tls(confdir / "mitmproxy-ca-cert.pem")
        with (
            socket.create_connection((LOOPBACK, port), PATIENCE_S) as plain,
            trusting.wrap_socket(plain, server_hostname=LOOPBACK, suppress_ragged_eofs=False) as client,
        ):
            client.sendall(REQUEST)
            got = bytearray()
            while data := client.recv(4096):
                got += data
            return bytes(got)

    async def talk(port: int) -> bytes:
        reading = asyncio.ensure_future(asyncio.to_thread(read_to_the_end, port))
        served = await device.accept()
        await served.expect(REQUEST)
        await served.send(RESPONSE + frame(8, close(1000)))
        served.close()
        return await reading

    mode = f"reverse:https://{LOOPBACK}:{device.port}"
    with inside(mode=mode, insecure=True, set_options=[f"confdir={confdir}"]) as proxy:
        assert loop.run(talk(proxy.port)) == RESPONSE + frame(8, close(1000))
    loop.run(device.close())


def test_what_comes_for_a_client_that_is_gone_troubles_nobody(
    loop: LoopThread, device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    """Its connection may be closed before its session is over."""

    async def talk(port: int) -> None:
        for _ in range(20):
            client, served = await opened(device, port)
            client.reset()
            while served.end is None:
                await served.send(frame(TEXT, b"anybody?"))
                await asyncio.sleep(0)
            served.close()

    with inside(device) as proxy:
        loop.run(talk(proxy.port))
    assert "handler is closed" not in caplog.text
    assert "Unhandled error" not in caplog.text


class Standstill:
    """The proxy's event loop, in the middle of a turn, until `go_on`."""

    def __init__(self, proxy: InsideProxy) -> None:
        begun, self._over = threading.Event(), threading.Event()

        def stand() -> None:
            begun.set()
            self._over.wait(PATIENCE_S)

        self._thread = threading.Thread(target=lambda: proxy.call(stand))
        self._thread.start()
        assert begun.wait(PATIENCE_S)

    def go_on(self) -> None:
        self._over.set()
        self._thread.join()


@pytest.mark.parametrize("uvloop", [False, True])
@pytest.mark.parametrize("mode", [{}, {"set_options": ["wsproxy_splice=false"]}, {"intercept": True}])
def test_last_words_are_read_though_a_write_finds_the_reset_first(
    loop: LoopThread, device: Device, tmp_path: Path, mode: dict[str, Any], *, uvloop: bool
) -> None:
    words = client_frame(TEXT, b"last words")
    with inside(device, recording=str(tmp_path / "r.db"), uvloop=uvloop, **mode) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        proxy.settle()
        standstill = Standstill(proxy)
        # First on the list of what is to be read: it is written before the other socket is looked at.
        loop.run(served.send(frame(TEXT, b"unheard")))
        loop.run(client.send(words))
        client.reset()
        loop.run(client.gone())
        standstill.go_on()
        loop.run(served.expect(words))
        loop.run(hang_up(served))
    assert stored(tmp_path / "r.db").received[Side.CLIENT].endswith(words)
