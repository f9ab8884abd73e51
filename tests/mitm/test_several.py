"""Several proxies in one process: one after the other, at once, beside a program of its own."""

import asyncio
import logging
import socket
import threading
from pathlib import Path

import pytest

from tests.devices.certificates import client_tls
from tests.devices.endpoints import LOOPBACK, Device, Route
from tests.devices.loop import LoopThread
from tests.mitm.inside import PATIENCE_S, Seen, inside
from tests.mitm.peers import hang_up, opened
from tests.mitm.recording import stored
from tests.wire.build import TEXT, client_frame, frame
from wsproxy.errors import ReachError, UsageError
from wsproxy.mitm.run import Proxy, ProxySettings


def logging_state() -> tuple[int, list[logging.Handler]]:
    root = logging.getLogger()
    return root.level, list(root.handlers)


async def talk(device: Device, route: Route, word: bytes) -> None:
    """A session in which the device says `word`."""
    client, served = await opened(device, route.port, route=route)
    await served.send(frame(TEXT, word))
    await client.expect(frame(TEXT, word))
    await client.send(client_frame(TEXT, word))
    await served.expect(client_frame(TEXT, word))
    await hang_up(served, client)


@pytest.mark.parametrize("uvloop", [True, False])
def test_a_failed_start_leaves_nothing_behind(
    loop: LoopThread, device: Device, tmp_path: Path, uvloop: bool
) -> None:
    before = logging_state()
    taken = socket.create_server((LOOPBACK, 0))
    failed = Proxy(
        ProxySettings(mode="regular", listen_port=taken.getsockname()[1], uvloop=uvloop, on_notice=print)
    )
    with taken, pytest.raises(ReachError):
        failed.run()
    with pytest.raises(UsageError):
        Proxy(ProxySettings(mode="no-such-mode", uvloop=uvloop)).run()
    failed.stop()
    assert logging_state() == before
    for turn in range(2):
        recording = tmp_path / f"{turn}.db"
        with inside(device, recording=str(recording), uvloop=uvloop) as proxy:
            loop.run(talk(device, Route(proxy.port), b"once more"))
        proxy.stop()
        assert proxy.error is None
        assert stored(recording).session.server.frames == 1
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((LOOPBACK, proxy.port))
    assert logging_state() == before


def test_two_at_once_do_not_meet(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    """Their recordings, addons, options and notices are their own, also when one of them has ended."""
    first_seen, second_seen = Seen(), Seen()
    homes = [tmp_path / "first", tmp_path / "second"]
    records = [tmp_path / "first.db", tmp_path / "second.db"]

    def route(port: int, home: Path) -> Route:
        return Route(port, "", (LOOPBACK, device.port), client_tls(home / "mitmproxy-ca-cert.pem"))

    def settings(number: int) -> dict[str, object]:
        return {"recording": str(records[number]), "set_options": [f"confdir={homes[number]}"]}

    with inside(device, first_seen, **settings(0), intercept=True) as first:
        with inside(device, second_seen, **settings(1)) as second:
            loop.run(talk(device, route(first.port, homes[0]), b"to the first"))
            loop.run(talk(device, route(second.port, homes[1]), b"to the second"))
            second_seen.wait(lambda: bool(second_seen.ended))
        loop.run(talk(device, route(first.port, homes[0]), b"to the first"))
        first_seen.wait(lambda: len(first_seen.ended) == 2)
    assert first_seen.messages == [b"to the first"] * 4
    assert second_seen.messages == [b"to the second"] * 2
    assert second.facts is not None
    assert (second.facts.sessions, second.facts.frames) == (1, 2)
    assert first.facts is not None
    assert (first.facts.sessions, first.facts.frames) == (2, 4)
    assert stored(records[1]).session.start.mode == "observe"


def test_notices_stay_with_their_proxy(loop: LoopThread, device: Device) -> None:
    async def be_refused(port: int) -> None:
        client, served = await opened(
            device, port, response=b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
        )
        await hang_up(served, client)

    with inside(device) as first, inside(device) as second:
        loop.run(be_refused(second.port))
        logging.getLogger("somebody.else").warning("this program has something to say")
    assert first.notices == []
    assert len(second.notices) == 1
    assert "403" in second.notices[0]


def test_an_error_elsewhere_does_not_keep_it_from_starting(device: Device) -> None:
    stop = threading.Event()

    def complain() -> None:
        while not stop.wait(0.001):
            logging.getLogger("somebody.else").error("a test that fails")

    complaining = threading.Thread(target=complain)
    complaining.start()
    try:
        with inside(device) as proxy:
            assert proxy.error is None
    finally:
        stop.set()
        complaining.join(PATIENCE_S)


def test_it_runs_beside_an_event_loop_of_the_program(tmp_path: Path) -> None:
    async def main() -> None:
        device = await Device.listen()
        with inside(device, recording=str(tmp_path / "r.db")) as proxy:
            await talk(device, Route(proxy.port), b"hello")
        await device.close()

    asyncio.run(main())
    assert stored(tmp_path / "r.db").session.server.frames == 1
