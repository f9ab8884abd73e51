"""What TLS asks of each side, and what is said when it cannot be."""

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.devices.certificates import device_tls
from tests.devices.endpoints import LOOPBACK, Device
from tests.devices.loop import LoopThread
from tests.devices.peer import PATIENCE_S
from tests.mitm.inside import Seen, inside
from tests.wire.handshakes import REQUEST, RESPONSE


def trusting() -> ssl.SSLContext:
    """A client that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def asked(context: ssl.SSLContext, port: int, name: str) -> bytes:
    """What a client gets for its request: the beginning of it."""
    with (
        socket.create_connection((LOOPBACK, port), PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname=name) as client,
    ):
        client.sendall(REQUEST)
        return client.recv(4096)


async def opened(device: Device, context: ssl.SSLContext, port: int) -> bytes:
    """The response to a client that asks for the proxy by another name than the device's."""
    asking = asyncio.ensure_future(asyncio.to_thread(asked, context, port, "proxy.example"))
    served = await device.accept()
    await served.expect(REQUEST)
    await served.send(RESPONSE)
    response = await asking
    served.close()
    return response


def test_a_device_is_asked_for_by_its_own_name(loop: LoopThread, tmp_path: Path) -> None:
    names: list[str | None] = []
    tls = device_tls(tmp_path)
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    device = loop.run(Device.listen(tls=tls))
    # No --insecure: the certificate is checked for that name, too.
    options = [f"ssl_verify_upstream_trusted_ca={tmp_path / 'device.pem'}", f"confdir={tmp_path}"]
    with inside(mode=f"reverse:https://localhost:{device.port}", set_options=options) as proxy:
        assert loop.run(opened(device, trusting(), proxy.port)) == RESPONSE
    assert names == ["localhost"]
    loop.run(device.close())


def old_client() -> ssl.SSLContext:
    context = trusting()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_an_old_client_is_told_how_and_served(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    with (
        inside(device, set_options=[f"confdir={tmp_path}"]) as proxy,
        pytest.raises(ssl.SSLError),
    ):
        asked(old_client(), proxy.port, LOOPBACK)
    [notice] = proxy.notices
    told = notice.partition("for an old client, use ")[2].removeprefix("--set ").split(" --set ")
    with inside(device, set_options=[f"confdir={tmp_path}", *told]) as proxy:
        assert loop.run(opened(device, old_client(), proxy.port)) == RESPONSE


def break_tls(device: ssl.SSLSocket) -> None:
    """Send, time and again, what cannot be decrypted."""
    for _ in range(20):
        with contextlib.suppress(OSError):
            os.write(device.fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("mode", [{}, {"intercept": True}, {"normalize": "strict"}])
def test_tls_that_fails_ends_a_session_in_good_order(
    tmp_path: Path, mode: dict[str, Any], *, late: bool
) -> None:
    """While both sides talk, or after one of them was told that the other has gone."""
    tls = device_tls(tmp_path)

    def serve(listener: socket.socket) -> None:
        plain, _ = listener.accept()
        plain.settimeout(PATIENCE_S)
        with plain, contextlib.suppress(OSError), tls.wrap_socket(plain, server_side=True) as device:
            device.recv(4096)
            device.sendall(RESPONSE)
            while late and device.recv(4096):
                pass
            break_tls(device)
            while plain_end(device):
                pass

    seen = Seen()
    with socket.create_server((LOOPBACK, 0)) as listener:
        serving = threading.Thread(target=serve, args=(listener,))
        serving.start()
        there = f"reverse:https://{LOOPBACK}:{listener.getsockname()[1]}"
        with (
            inside(None, seen, mode=there, insecure=True, **mode) as proxy,
            socket.create_connection((LOOPBACK, proxy.port), PATIENCE_S) as client,
        ):
            client.sendall(REQUEST)
            assert client.recv(len(RESPONSE), socket.MSG_WAITALL) == RESPONSE
            if late:
                client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
            client.close()
            seen.wait(lambda: len(seen.ended) == 1)
            serving.join(PATIENCE_S)
    assert len([notice for notice in proxy.notices if notice.startswith("TLS Error: ")]) == 1
    assert len(proxy.notices) == 1


def plain_end(device: ssl.SSLSocket) -> bytes:
    """What still comes to a device, undecrypted."""
    with socket.socket(fileno=os.dup(device.fileno())) as plain:
        plain.settimeout(PATIENCE_S)
        return plain.recv(4096)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_device_that_wants_a_certificate_of_its_clients(tmp_path: Path, version: ssl.TLSVersion) -> None:
    """With TLS 1.3 it says so when the handshake is over, and the request perhaps on its way."""
    tls = device_tls(tmp_path)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(tmp_path / "device.pem")
    tls.minimum_version = tls.maximum_version = version

    def serve(listener: socket.socket) -> None:
        plain, _ = listener.accept()
        with tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as secure:
            with contextlib.suppress(ssl.SSLError):
                secure.do_handshake()
            # Were a request left unread, a reset would overtake the alert.
            secure.shutdown(socket.SHUT_WR)
            while secure.recv(4096):
                pass

    with socket.create_server((LOOPBACK, 0)) as listener:
        serving = threading.Thread(target=serve, args=(listener,))
        serving.start()
        mode = f"reverse:https://{LOOPBACK}:{listener.getsockname()[1]}"
        with (
            inside(mode=mode, insecure=True) as proxy,
            socket.create_connection((LOOPBACK, proxy.port), PATIENCE_S) as client,
        ):
            client.sendall(REQUEST)
            assert client.recv(4096).startswith(b"HTTP/1.1 502 ")
        serving.join(PATIENCE_S)
    assert "--set client_certs=FILE" in "".join(proxy.notices)
