"""A client and a device that are both weak in many ways at once: heads, frames and the closing handshake."""

from pathlib import Path

import pytest

from tests.conformance.strict_peer import StrictPeer
from tests.devices.endpoints import LOOPBACK, Device, Route, connect
from tests.devices.lenient import Head, accept_of
from tests.devices.loop import LoopThread
from tests.devices.peer import Peer
from tests.mitm.inside import inside
from tests.mitm.peers import hang_up
from tests.wire.build import CLOSE, KEY, PONG, TEXT, frame, lines
from wsproxy.protocol.frame import Side
from wsproxy.store.reader import open_recording

ASKED = lines(
    b"\r\nget /as  HTTP/1.0",
    b"upgrade:WEBSOCKET",
    b"sec-websocket-key:foo",
    b"sec-websocket-version:8",
    eol=b"\n",
)
ANSWERED = lines(
    b"HTTP/1.0 101", b"upgrade:WebSocket", b"connection: keep-alive, upgrade", b"server:", eol=b"\n"
)
SAID = frame(TEXT, b"unmasked", rsv=2, form=64) + b"\r\n"
TOLD = b"\r\n" + frame(TEXT, b"masked", key=KEY, rsv=1, form=64) + b"\0" + frame(PONG, fin=False, key=KEY)
FOUND = {
    Side.CLIENT: {
        "frame.unmasked-by-client",
        "frame.rsv-bits",
        "frame.length-not-minimal",
        "close.invalid-code",
    },
    Side.SERVER: {"stream.stray-line-end", "frame.masked-by-server", "frame.rsv-bits", "close.invalid-code"},
}


async def got(peer: Peer, side: Side, start: int, last: bytes) -> StrictPeer:
    """What a strict peer makes of what has come behind the head, once `last` is in it."""
    strict = StrictPeer(side)

    def settled() -> bool:
        strict.receive(bytes(peer.received.bytes[start + len(strict.received) :]))
        return any(each.data == last for each in strict.frames) or strict.error is not None

    await peer.until(settled, "all of it")
    assert strict.error is None
    return strict


@pytest.mark.parametrize("sizes", [0, 1], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("mode", ["reverse", "regular"])
def test_they_get_on_with_each_other(
    loop: LoopThread, device: Device, mode: str, sizes: int, tmp_path: Path
) -> None:
    async def send(peer: Peer, data: bytes) -> None:
        for part in (data[at : at + 1] for at in range(len(data))) if sizes else (data,):
            await peer.send(part)

    async def talk(port: int) -> None:
        tunnel = "connect" if mode == "regular" else ""
        client = await connect(Route(port, tunnel, (LOOPBACK, device.port)))
        await send(client, ASKED)
        served = await device.accept()
        asked = await served.expect_head()
        assert asked.startswith(b"GET /as HTTP/1.1\r\nHost: ")
        await send(served, ANSWERED)
        answered = await client.expect_head()
        assert Head(answered).get("Sec-WebSocket-Accept") == accept_of(b"foo")
        await send(client, SAID)
        assert (await got(served, Side.SERVER, len(asked), b"unmasked")).messages() == [(TEXT, b"unmasked")]
        await send(served, TOLD)
        assert (await got(client, Side.CLIENT, len(answered), b"masked")).messages() == [(TEXT, b"masked")]
        await send(client, frame(CLOSE, b"\xe8\x03"))
        assert (await got(served, Side.SERVER, len(asked), b"\x03\xe8")).frames[-1].opcode == CLOSE
        await send(served, frame(CLOSE, b"1000"))
        assert (await got(client, Side.CLIENT, len(answered), b"\x03\xe8")).frames[-1].opcode == CLOSE
        await hang_up(client, served)

    place = tmp_path / "weak.db"
    where = f"reverse:http://{LOOPBACK}:{device.port}" if mode == "reverse" else mode
    with inside(mode=where, normalize="strict", recording=str(place)) as proxy:
        loop.run(talk(proxy.port))
    with open_recording(str(place)) as recording:
        for side, rules in FOUND.items():
            assert rules <= {each.rule_id for each in recording.findings(1, side) if each.repaired}
