"""What a peer still says when both sides have been sent a Close frame and the other one has hung up."""

import socket
import ssl
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.devices.certificates import device_tls
from tests.devices.endpoints import LOOPBACK
from tests.devices.peer import PATIENCE_S
from tests.mitm.inside import InsideProxy, Seen, inside
from tests.mitm.recording import stored
from tests.mitm.test_tls import trusting
from tests.wire.build import CLOSE, client_frame, close, frame
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.protocol.frame import Side
from wsproxy.store.model import StoredSession, TcpEnd

GOODBYE = {Side.CLIENT: client_frame(CLOSE, close(1000)), Side.SERVER: frame(CLOSE, close(1000))}
LAST_WORDS = {Side.CLIENT: client_frame(CLOSE, close(1001)), Side.SERVER: frame(CLOSE, close(1001))}
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
WAYS = ("spliced", "not-spliced", "tls")


def served(listener: socket.socket, tls: ssl.SSLContext | None) -> socket.socket:
    """The device's end of the next connection, its opening handshake over."""
    device, _ = listener.accept()
    device.settimeout(PATIENCE_S)
    if tls is not None:
        device = tls.wrap_socket(device, server_side=True)
    assert device.recv(4096) == REQUEST
    device.sendall(RESPONSE)
    return device


def opened(listener: socket.socket, port: int, tls: ssl.SSLContext | None) -> dict[Side, socket.socket]:
    """A client and a device that have become a session."""
    with ThreadPoolExecutor(1) as device:
        serving = device.submit(served, listener, tls)
        client = socket.create_connection((LOOPBACK, port), PATIENCE_S)
        if tls is not None:
            client = trusting().wrap_socket(client)
        client.sendall(REQUEST)
        assert client.recv(4096) == RESPONSE
        return {Side.CLIENT: client, Side.SERVER: serving.result()}


@contextmanager
def after_goodbye(folder: Path, way: str) -> Iterator[tuple[InsideProxy, dict[Side, socket.socket]]]:
    """Both peers have had a Close frame, and were told that nothing more comes. Goes on until the session is
    over.
    """
    tls = device_tls(folder) if way == "tls" else None
    scheme = "http" if tls is None else "https"
    options = [f"wsproxy_splice={str(way == 'spliced').lower()}", f"confdir={folder}"]
    recorded = {"recording": str(folder / "last.db"), "normalize": "strict", "insecure": True}
    seen = Seen()
    with socket.create_server((LOOPBACK, 0)) as listener:
        mode = f"reverse:{scheme}://{LOOPBACK}:{listener.getsockname()[1]}"
        with inside(None, seen, mode=mode, set_options=options, **recorded) as proxy:
            peers = opened(listener, proxy.port, tls)
            for side in Side:
                peers[side].sendall(GOODBYE[side])
                assert peers[side.other].recv(4096) == GOODBYE[side]
            for peer in peers.values():
                assert peer.recv(4096) == b""
            yield proxy, peers
            seen.wait(lambda: bool(seen.ended))
            for peer in peers.values():
                peer.close()


def ends(session: StoredSession) -> dict[Side, TcpEnd]:
    return {Side.CLIENT: session.client.tcp_end, Side.SERVER: session.server.tcp_end}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", [TcpEnd.FIN, TcpEnd.RST])
@pytest.mark.parametrize("first", Side)
def test_they_are_recorded(
    tmp_path: Path, way: str, how: TcpEnd, first: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both hang up: how long they may take is not asked here.
    monkeypatch.setattr("wsproxy.mitm.normalize._LINGER_S", 2 * PATIENCE_S)
    last = first.other
    with after_goodbye(tmp_path, way) as (proxy, peers):
        if how is TcpEnd.RST:
            peers[first].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        peers[first].close()
        proxy.settle()
        peers[last].sendall(LAST_WORDS[last])
        peers[last].close()
    kept = stored(tmp_path / "last.db")
    assert kept.received[last].endswith(GOODBYE[last] + LAST_WORDS[last])
    assert ends(kept.session) == {first: how, last: TcpEnd.FIN}


@pytest.mark.parametrize("way", WAYS)
def test_who_does_not_hang_up_is_not_said_to_have(tmp_path: Path, way: str) -> None:
    with after_goodbye(tmp_path, way):
        pass
    assert set(ends(stored(tmp_path / "last.db").session).values()) == {TcpEnd.OPEN}
