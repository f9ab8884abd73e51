"""Running the proxy: how it starts, what it says, how it ends."""

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
import warnings
from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.tls import TlsData
from OpenSSL import SSL

from tests.devices.certificates import client_tls, device_tls
from tests.devices.endpoints import LOOPBACK, Device, Route, connect
from tests.devices.loop import LoopThread
from tests.mitm.inside import InsideProxy, Seen, inside
from tests.mitm.peers import hang_up, opened
from tests.wire.build import TEXT, frame
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.errors import ReachError, RecordingError, UsageError, WsproxyError
from wsproxy.mitm.internals import find_addon
from wsproxy.mitm.startup import reserved_port
from wsproxy.store.reader import open_recording

PROGRAM = """
import sys
from wsproxy.mitm.run import ProxySettings, run_proxy
facts = run_proxy(ProxySettings(
    mode=sys.argv[1], listen_port=0, recording=sys.argv[2], scripts=sys.argv[3:],
    on_listening=lambda urls: print(*urls, flush=True),
    on_notice=lambda line: print(line, flush=True),
))
print(facts.sessions, facts.frames, flush=True)
"""


def started(device: Device, *arguments: object) -> subprocess.Popen[str]:
    """`run_proxy` in a process of its own."""
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        f"reverse:http://{LOOPBACK}:{device.port}",
        *map(str, arguments),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.usefixtures("signals_heeded")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_well(loop: LoopThread, device: Device, tmp_path: Path, how: signal.Signals) -> None:
    """With a session open, and all of it stored."""
    recording = tmp_path / "r.db"
    with started(device, recording) as process:
        url = first_line(process)
        assert url.startswith("ws://127.0.0.1:")
        client, served = loop.run(opened(device, int(url.rpartition(":")[2])))
        loop.run(served.send(frame(TEXT, b"x") * 1000))
        loop.run(client.expect(frame(TEXT, b"x") * 1000))
        process.send_signal(how)
        output, _ = process.communicate(timeout=20)
        assert (process.returncode, output) == (0, "1 1000\n")
        loop.run(hang_up(client, served))
    with open_recording(str(recording)) as stored:
        [session] = stored.sessions()
        assert session.server.frames == 1000


STUCK = """
import time
def running():
    print("stuck", flush=True)
    while True:
        time.sleep(0.01)
"""


def test_a_second_ctrl_c_ends_it_at_once(device: Device, tmp_path: Path) -> None:
    """Even if an addon blocks the event loop."""
    script = tmp_path / "stuck.py"
    script.write_text(STUCK)
    with started(device, tmp_path / "r.db", script) as process:
        assert first_line(process) == "stuck"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 130


def run_error(**settings: object) -> WsproxyError:
    """What the run raised."""
    with pytest.raises(WsproxyError) as raised:
        InsideProxy({"mode": "regular", **settings})
    assert "\n" not in str(raised.value)
    return raised.value


class EarlyClient:
    """An addon that starts slowly, while a client is there as soon as the port is open."""

    def __init__(self) -> None:
        self.asked = self.started = False
        self.peer: socket.socket | None = None

    async def running(self) -> None:
        proxyserver = find_addon("proxyserver")
        [address] = proxyserver.listen_addrs()
        self.peer = await asyncio.to_thread(socket.create_connection, address)
        self.peer.sendall(REQUEST)
        while not proxyserver.connections:
            await asyncio.sleep(0)
        for _ in range(200):
            await asyncio.sleep(0)
        self.started = True

    def requestheaders(self, _flow: http.HTTPFlow) -> None:
        self.asked = self.started


def test_a_client_that_comes_while_it_starts_waits(loop: LoopThread, device: Device) -> None:
    early = EarlyClient()

    async def answer() -> None:
        served = await device.accept()
        await served.expect(REQUEST)
        await served.send(RESPONSE)
        served.close()

    with inside(device, early):
        loop.run(answer())
        assert early.peer is not None
        with early.peer:
            assert early.peer.recv(1000) == RESPONSE
    assert early.asked


def test_a_port_in_use_is_refused_with_what_to_do() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        error = run_error(listen_port=port)
    assert isinstance(error, ReachError)
    assert str(error) == f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another port"


def test_a_port_in_use_for_mitmweb_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        error = run_error(web=True, set_options=[f"web_port={taken.getsockname()[1]}"])
    assert isinstance(error, ReachError)
    assert "Try specifying a different port" in str(error)


def test_a_port_for_mitmweb_is_not_given_to_others() -> None:
    with reserved_port(LOOPBACK) as reserved:
        address = reserved.getsockname()
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(address)
        socket.create_server(address).close()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"mode": "revers:http://x"}, "Invalid proxy mode"),
        ({"mode": "reverse:gopher://x"}, "Invalid proxy mode"),
        ({"set_options": ["no_such_option=1"]}, "unknown option no_such_option"),
        ({"set_options": ["tcp_timeout=soon"]}, "tcp_timeout"),
        ({"scripts": ["/no/such/script.py"]}, "No such script"),
        ({"client_dialect": "klingon"}, "no dialect 'klingon'"),
        ({"set_options": ["wsproxy_message_limit=-1"]}, "wsproxy_message_limit is -1"),
        ({"set_options": ["wsproxy_on_store_error=maybe"]}, "wsproxy_on_store_error is 'maybe'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], text: str) -> None:
    error = run_error(**settings)
    assert isinstance(error, UsageError)
    assert text in str(error)


def test_a_script_that_cannot_be_loaded_is_refused_with_its_error(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("import no_such_module")
    error = run_error(scripts=[str(script)])
    assert isinstance(error, UsageError)
    assert "No module named 'no_such_module'" in str(error)


def test_a_recording_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    error = run_error(recording=str(tmp_path))
    assert isinstance(error, RecordingError)
    assert str(tmp_path) in str(error)


def test_a_script_is_run_and_heard(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    script = tmp_path / "polite.py"
    script.write_text("import logging\ndef websocket_start(flow):\n    logging.info('good day')\n")
    with inside(device, scripts=[str(script)]) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(hang_up(client, served))
    assert proxy.notices == ["good day"]


def test_mitmweb_shows_the_session(loop: LoopThread, device: Device) -> None:
    """Its flow, with its messages, over the web interface's own API."""
    urls: list[str] = []
    seen = Seen()
    with inside(device, seen, web=True, on_web=urls.append, set_options=["web_port=0"]) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(frame(TEXT, b"on the web")))
        seen.wait(lambda: seen.messages == [b"on the web"])
        [url] = urls
        page, _, token = url.partition("/?token=")
        with urllib.request.urlopen(f"{page}/flows?token={token}", timeout=30) as answer:
            [flow] = json.load(answer)
        loop.run(hang_up(client, served))
    assert flow["response"]["status_code"] == 101
    assert flow["websocket"]["messages_meta"]["count"] == 1


def tls_1_0(folder: Path) -> ssl.SSLContext:
    """A device that knows nothing newer, with a certificate nobody trusts."""
    context = device_tls(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def test_an_old_device_wants_legacy_tls(loop: LoopThread, tmp_path: Path) -> None:
    device = loop.run(Device.listen(tls=tls_1_0(tmp_path)))
    mode = f"reverse:https://{LOOPBACK}:{device.port}"
    recording = tmp_path / "r.db"
    with inside(mode=mode, insecure=True, legacy_tls=True, recording=str(recording)) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(frame(TEXT, b"old, but alive")))
        loop.run(client.expect(frame(TEXT, b"old, but alive")))
        loop.run(hang_up(client, served))
    with open_recording(str(recording)) as stored:
        [session] = stored.sessions()
        assert session.start.server_tls is not None
        assert '"version": "TLSv1"' in session.start.server_tls
        assert session.start.client_tls is None
    with inside(mode=mode, insecure=True) as proxy:
        loop.run(refused(proxy.port))
    assert "for an old device, use --legacy-tls" in proxy.notices[0]
    loop.run(device.close())


async def refused(port: int) -> None:
    client = await connect(Route(port))
    await client.send(REQUEST)
    assert (await client.expect_head()).startswith(b"HTTP/1.1 502 ")
    client.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nothing_but_tcp_is_listened_to(scheme: str) -> None:
    with (
        inside(mode=f"reverse:{scheme}://{LOOPBACK}:9") as proxy,
        socket.socket(type=socket.SOCK_DGRAM) as datagrams,
    ):
        datagrams.bind((LOOPBACK, proxy.port))


def test_an_unknown_certificate_wants_insecure(loop: LoopThread, tmp_path: Path) -> None:
    device = loop.run(Device.listen(tls=device_tls(tmp_path)))
    with inside(mode=f"reverse:https://{LOOPBACK}:{device.port}") as proxy:
        loop.run(refused(proxy.port))
    assert "use --insecure" in proxy.notices[0]
    loop.run(device.close())


def test_tls_and_no_tls_may_be_confused(loop: LoopThread, tmp_path: Path) -> None:
    device = loop.run(Device.listen(tls=device_tls(tmp_path)))
    with inside(mode=f"reverse:http://{LOOPBACK}:{device.port}") as proxy:
        loop.run(refused(proxy.port))
    assert "ask for wss://" in proxy.notices[0]
    loop.run(device.close())

    async def answer_in_clear(port: int) -> None:
        client = await connect(Route(port))
        await client.send(REQUEST)
        served = await plain.accept()
        await served.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await client.expect_head()
        await hang_up(client, served)

    plain = loop.run(Device.listen())
    with inside(mode=f"reverse:https://{LOOPBACK}:{plain.port}") as proxy:
        loop.run(answer_in_clear(proxy.port))
    assert "ask for ws://" in proxy.notices[0]
    loop.run(plain.close())


def test_legacy_tls_allows_legacy_renegotiation(loop: LoopThread, tmp_path: Path) -> None:
    """OpenSSL makes no server without RFC 5746 any more, so the option itself is looked at."""
    device = loop.run(Device.listen(tls=device_tls(tmp_path)))
    allowed: list[bool] = []

    class Look:
        def tls_established_server(self, data: TlsData) -> None:
            assert data.ssl_conn is not None
            options = SSL._lib.SSL_get_options(data.ssl_conn._ssl)  # type: ignore[attr-defined]
            allowed.append(bool(options & SSL.OP_LEGACY_SERVER_CONNECT))

    settings = {"mode": f"reverse:https://{LOOPBACK}:{device.port}", "legacy_tls": True}
    trusted = [f"ssl_verify_upstream_trusted_ca={tmp_path / 'device.pem'}"]
    with inside(None, Look(), set_options=trusted, **settings) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(hang_up(client, served))
    assert allowed == [True]
    loop.run(device.close())


def test_a_client_that_does_not_trust_us_is_told_what_to_trust(
    loop: LoopThread, device: Device, tmp_path: Path
) -> None:
    stranger = client_tls(own_certificate(tmp_path))

    async def distrust(port: int) -> None:
        with pytest.raises(ssl.SSLError):
            await connect(Route(port, tls=stranger))

    with inside(device, set_options=[f"confdir={tmp_path / 'confdir'}"]) as proxy:
        loop.run(distrust(proxy.port))
    assert str(tmp_path / "confdir" / "mitmproxy-ca-cert.pem") in proxy.notices[0]


def own_certificate(folder: Path) -> Path:
    device_tls(folder)
    return folder / "device.pem"


def test_clients_that_offer_http_2_get_http_1(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    """mitmproxy relays no WebSocket over HTTP/2 (RFC 8441), so it must not be chosen."""
    confdir = tmp_path / "confdir"
    with inside(device, set_options=[f"confdir={confdir}"]) as proxy:
        context = client_tls(confdir / "mitmproxy-ca-cert.pem")
        context.set_alpn_protocols(["h2", "http/1.1"])
        client, served = loop.run(opened(device, proxy.port, route=Route(proxy.port, tls=context)))
        assert client.transport.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        loop.run(hang_up(served, client))
