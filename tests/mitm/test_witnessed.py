"""What departs from a rule and is not among the bytes of a session: found while it passes, and kept."""

import socket
from pathlib import Path

import pytest

from tests.cli.run import wsproxy_here
from tests.devices.certificates import client_tls, device_tls
from tests.devices.endpoints import Device, Route, connect
from tests.devices.loop import LoopThread
from tests.mitm.inside import inside
from tests.mitm.peers import hang_up
from tests.wire.build import TEXT, client_frame
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.store.reader import open_recording

EARLY = client_frame(TEXT, b"too early")


def found(recording: Path) -> list[tuple[str, str, int | None]]:
    """What is found in a recording."""
    told = wsproxy_here("lint", str(recording), "--json").objects
    return [(each["rule"], each["side"], each["offset"]) for each in told]


def kept(recording: Path) -> list[tuple[str, str, int | None]]:
    """What was found when it was made."""
    with open_recording(str(recording)) as opened:
        return [(each.rule_id, each.side.value, each.offset) for each in opened.findings(1)]


def copied(recording: Path) -> Path:
    """The same as text, and back."""
    text, copy = recording.with_suffix(".jsonl"), recording.with_name("copy.db")
    assert wsproxy_here("export", str(recording), "-f", "jsonl", "-o", str(text)).code == 0
    assert wsproxy_here("import", str(text), "-o", str(copy)).code == 0
    return copy


@pytest.mark.parametrize(
    ("normalize", "early"), [("", EARLY), ("strict", EARLY[:1]), ("", b"\r\n")], ids=["all", "some", "none"]
)
def test_frames_before_the_response(
    loop: LoopThread, device: Device, normalize: str, early: bytes, tmp_path: Path
) -> None:
    place = tmp_path / "early.db"

    async def talk(port: int) -> None:
        client = await connect(Route(port))
        await client.send(REQUEST + early)
        served = await device.accept()
        await served.expect_head()
        await served.send(RESPONSE)
        await client.expect(RESPONSE)
        await client.send(EARLY[len(early) :] if early in EARLY else b"")
        await hang_up(served, client)

    with inside(device, normalize=normalize, recording=str(place)) as proxy:
        loop.run(talk(proxy.port))
    expected = [("stream.before-response", "client", 0)] if early in EARLY else []
    for recording in (place, copied(place)):
        assert [each for each in found(recording) if "before" in each[0]] == expected
        assert [each for each in kept(recording) if "before" in each[0]] == expected


@pytest.mark.parametrize(("normalize", "announced"), [("", False), ("strict", False), ("", True)])
def test_tls_that_ends_without_a_word(
    loop: LoopThread, normalize: str, announced: bool, tmp_path: Path
) -> None:
    place, confdir = tmp_path / "tls.db", tmp_path / "confdir"
    device = loop.run(Device.listen(tls=device_tls(tmp_path)))

    async def talk(port: int) -> None:
        trusting = client_tls(confdir / "mitmproxy-ca-cert.pem")
        client = await connect(Route(port, tls=trusting))
        await client.send(REQUEST)
        served = await device.accept()
        await served.expect_head()
        await served.send(RESPONSE)
        await client.expect(RESPONSE)
        if announced:
            await hang_up(served, client)
            return
        served.transport.get_extra_info("socket").shutdown(socket.SHUT_WR)
        await client.expect_end()
        await hang_up(client, served)

    try:
        with inside(
            mode=f"reverse:https://127.0.0.1:{device.port}",
            insecure=True,
            normalize=normalize,
            recording=str(place),
            set_options=[f"confdir={confdir}"],
        ) as proxy:
            loop.run(talk(proxy.port))
    finally:
        loop.run(device.close())
    expected = [("close.missing", "server", 0)]
    if not announced:
        expected.insert(0, ("stream.no-close-notify", "server", 0))
    for recording in (place, copied(place)):
        assert sorted(found(recording), reverse=True) == sorted(kept(recording), reverse=True) == expected
