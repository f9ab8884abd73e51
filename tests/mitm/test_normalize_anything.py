"""Whatever either side sends, normalize mode goes on: nothing fails, and what comes out can be read."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.strict_peer import StrictPeer
from tests.devices.endpoints import Device
from tests.devices.loop import LoopThread
from tests.devices.peer import PATIENCE_S
from tests.mitm.inside import InsideProxy, inside
from tests.mitm.peers import hang_up, opened
from tests.wire.build import CLOSE, PING, TEXT, client_frame, close, frame
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.protocol.frame import Side

MOST = 8 << 20

chunks = st.one_of(
    st.binary(max_size=64),
    st.builds(
        lambda opcode, payload, fin, rsv, masked: (client_frame if masked else frame)(
            opcode, payload, fin=fin, rsv=rsv
        ),
        st.integers(0, 15),
        st.binary(max_size=130),
        st.booleans(),
        st.sampled_from([0, 0, 0, 1, 4]),
        st.booleans(),
    ),
    st.builds(frame, st.just(TEXT), st.text(max_size=60).map(str.encode)),
    st.builds(frame, st.just(CLOSE), st.integers(0, 65535).map(close)),
)
conversations = st.lists(st.tuples(st.sampled_from(list(Side)), chunks), max_size=12)


@pytest.fixture(scope="module", params=["true", "false"])
def proxy(request: pytest.FixtureRequest, loop: LoopThread) -> Iterator[tuple[InsideProxy, Device]]:
    """A normalizing proxy in front of a device, spliced and not."""
    device = loop.run(Device.listen())
    with inside(device, normalize="strict", set_options=[f"wsproxy_splice={request.param}"]) as running:
        yield running, device
    loop.run(device.close())


async def converse(port: int, device: Device, sent: list[tuple[Side, bytes]]) -> dict[Side, bytes]:
    """What both sides get once all has been sent and both have hung up."""
    client, served = await opened(device, port)
    peers = {Side.CLIENT: client, Side.SERVER: served}
    for side, data in sent:
        if data and peers[side].end is None:
            await peers[side].send(data)
            await asyncio.sleep(0)
    for peer in (client, served):
        if peer.end is None:
            peer.half_close()
    async with asyncio.timeout(PATIENCE_S):
        await client.expect_end()
        await served.expect_end()
    got = {
        Side.CLIENT: bytes(client.received.bytes[len(RESPONSE) :]),
        Side.SERVER: bytes(served.received.bytes[len(REQUEST) :]),
    }
    await hang_up(client, served)
    return got


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=conversations)
def test_anything_comes_out_readable(
    loop: LoopThread, proxy: tuple[InsideProxy, Device], sent: list[tuple[Side, bytes]]
) -> None:
    running, device = proxy
    before = len(running.notices)
    got = loop.run(converse(running.port, device, sent))
    for side, data in got.items():
        peer = StrictPeer(side)
        peer.receive(data)
        assert peer.error is None
        assert not any("raceback" in notice for notice in running.notices[before:])


@pytest.mark.parametrize("splice", ["true", "false"])
def test_a_side_that_pings_and_does_not_read_is_held_up(
    loop: LoopThread, device: Device, splice: str, tmp_path: object
) -> None:
    """Its answers, given in the place of the other side, must not pile up."""
    profile = f"{tmp_path}/at-once.toml"
    with open(profile, "w") as file:
        file.write('include = ["strict"]\n[options.client]\nanswer_pings = "at-once"\n')

    async def flood(port: int) -> int:
        client, served = await opened(device, port)
        served.stall()
        batch = frame(PING, b"x" * 100) * 600
        while served.sent.count < 4 * MOST and not served.held_up:
            try:
                async with asyncio.timeout(1):
                    await served.send(batch)
            except TimeoutError:
                break
        sent = served.sent.count
        served.resume()
        await client.send(client_frame(TEXT, b"end"))
        await served.until(lambda: bytes(served.received.bytes).find(b"\x81\x83") >= 0, "the end")
        await hang_up(client, served)
        return sent

    with inside(device, normalize=profile, set_options=[f"wsproxy_splice={splice}"]) as running:
        sent = loop.run(flood(running.port))
        assert sent < MOST + MOST // 2
