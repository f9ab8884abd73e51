"""Normalize mode on real sockets: what departs from the RFC is mended, recorded, and explained."""

from pathlib import Path

import pytest

from tests.devices.endpoints import Device, Route, connect
from tests.devices.loop import LoopThread
from tests.devices.peer import Peer
from tests.mitm.inside import Seen, inside
from tests.mitm.peers import hang_up
from tests.mitm.recording import stored
from tests.wire.build import CLOSE, PING, TEXT, client_frame, close, frame, lines
from tests.wire.handshakes import ACCEPT, CONNECTION, GET, HOST, KEY, REQUEST, RESPONSE, UPGRADE, VERSION
from wsproxy.mitm.hooks import inject_frame
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.frame import Frame, Side
from wsproxy.store.model import ChangeKind
from wsproxy.store.reader import open_recording

ODD_REQUEST = lines(
    GET, b"upgrade: WebSocket", HOST, b"connection: upgrade", KEY, b"sec-websocket-version: 13"
)
BARE_RESPONSE = lines(b"HTTP/1.1 200 OK", b"upgrade: WEBSOCKET", CONNECTION)
WAYS = ["true", "false"]


async def opened(device: Device, port: int, request: bytes, response: bytes) -> tuple[Peer, Peer, bytes]:
    """A session, and the request as it reached the device; the client has read a response head."""
    client = await connect(Route(port))
    await client.send(request)
    served = await device.accept()
    head = await served.expect_head()
    await served.send(response)
    return client, served, head


@pytest.mark.parametrize("splice", WAYS)
def test_both_sides_get_what_the_rfc_says(
    loop: LoopThread, device: Device, splice: str, tmp_path: Path
) -> None:
    place = tmp_path / "normalized.db"
    seen = Seen()

    async def talk(port: int) -> bytes:
        client, served, head = await opened(device, port, ODD_REQUEST, BARE_RESPONSE)
        answer = await client.expect_head()
        assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        assert ACCEPT in answer
        # The device masks, the client does not.
        await served.send(client_frame(TEXT, b"hello"))
        await client.expect(frame(TEXT, b"hello"))
        await client.send(client_frame(TEXT, b"welcome"))
        await served.expect(client_frame(TEXT, b"welcome"))
        await served.send(frame(CLOSE, close(1005)))
        await client.expect(frame(CLOSE))
        await client.send(client_frame(CLOSE))
        await served.expect_end()
        await client.expect_end()
        await hang_up(client, served)
        return head

    options = [f"wsproxy_splice={splice}"]
    with inside(device, seen, normalize="strict", recording=str(place), set_options=options) as proxy:
        head = loop.run(talk(proxy.port))
        seen.wait(lambda: bool(seen.ended))
    assert head.split(b"\r\n")[:3] == [GET, HOST, UPGRADE]
    assert not proxy.notices
    assert seen.messages == [b"hello", b"welcome"]
    kept = stored(place)
    start = kept.session.start
    assert (start.mode, start.request_head, start.request_head_sent) == ("normalize", ODD_REQUEST, head)
    assert start.response_head == BARE_RESPONSE
    assert start.response_head_sent is not None
    came = client_frame(TEXT, b"hello") + frame(CLOSE, close(1005))
    assert kept.received[Side.SERVER] == BARE_RESPONSE + came
    assert kept.sent_on[Side.SERVER] == start.response_head_sent + frame(TEXT, b"hello") + frame(CLOSE)
    assert [(kind, side) for kind, side, *_ in kept.changes] == [(ChangeKind.REPLACED, Side.SERVER)] * 2
    with open_recording(str(place)) as recording:
        rules = [change.rules for change in recording.changes(kept.session.id)]
    assert rules == [("frame.masked-by-server",), ("close.reserved-code",)]


@pytest.mark.parametrize("splice", WAYS)
def test_what_is_right_goes_on_as_it_came(
    loop: LoopThread, device: Device, splice: str, tmp_path: Path
) -> None:
    place = tmp_path / "right.db"

    async def talk(port: int) -> None:
        client, served, head = await opened(device, port, REQUEST, RESPONSE)
        assert head == REQUEST
        await served.send(frame(TEXT, b"a") + frame(TEXT, b"b")[:2])
        await served.send(frame(TEXT, b"b")[2:])
        await client.expect(RESPONSE + frame(TEXT, b"a") + frame(TEXT, b"b"))
        await client.send(client_frame(CLOSE, close(1000)))
        await served.expect(client_frame(CLOSE, close(1000)))
        await served.send(frame(CLOSE, close(1000)))
        await hang_up(served, client)

    options = [f"wsproxy_splice={splice}"]
    with inside(device, normalize="strict", recording=str(place), set_options=options) as proxy:
        loop.run(talk(proxy.port))
    kept = stored(place)
    assert not kept.changes
    assert kept.session.start.request_head_sent is kept.session.start.response_head_sent is None
    assert VERSION in kept.session.start.request_head


@pytest.mark.parametrize("splice", WAYS)
def test_the_answer_to_a_close_arrives_where_nobody_looks(
    loop: LoopThread, device: Device, splice: str
) -> None:
    async def talk(port: int) -> None:
        client, served, _ = await opened(device, port, REQUEST, RESPONSE)
        await client.expect(RESPONSE)
        await client.send(client_frame(CLOSE, close(1000)))
        await served.expect(client_frame(CLOSE, close(1000)))
        await served.send(frame(CLOSE, close(1000)))
        await client.expect(frame(CLOSE, close(1000)))
        await hang_up(client, served)

    options = [f"wsproxy_splice={splice}"]
    with inside(device, normalize="strict", set_options=options) as proxy:
        loop.run(talk(proxy.port))


@pytest.mark.parametrize("splice", WAYS)
def test_injected_messages_stand_between_those_of_a_peer(
    loop: LoopThread, device: Device, splice: str
) -> None:
    seen = Seen()
    begun, rest = frame(TEXT, b"be", fin=False), frame(0, b"gun")

    async def begin(port: int) -> tuple[Peer, Peer]:
        client, served, _ = await opened(device, port, REQUEST, RESPONSE)
        await served.send(begun)
        await client.expect(RESPONSE + begun)
        return client, served

    with inside(device, seen, normalize="strict", set_options=[f"wsproxy_splice={splice}"]) as proxy:
        client, served = loop.run(begin(proxy.port))
        seen.wait(lambda: bool(seen.flows))
        (flow,) = seen.flows
        proxy.call(lambda: inject_frame(flow, Side.SERVER, TEXT, b"new"))
        proxy.call(lambda: inject_frame(flow, Side.SERVER, PING, b"?"))
        loop.run(client.expect(frame(PING, b"?")))
        loop.run(served.send(rest + frame(TEXT, b"next")))
        loop.run(client.expect(rest + frame(TEXT, b"new") + frame(TEXT, b"next")))
        proxy.call(lambda: inject_frame(flow, Side.CLIENT, CLOSE, close(1000)))
        closing = loop.run(masked_frame(served))
        assert (closing.opcode, closing.payload) == (CLOSE, close(1000))
        proxy.call(lambda: inject_frame(flow, Side.CLIENT, TEXT, b"too late"))
        proxy.settle()
        loop.run(hang_up(client, served))
    assert any("nothing is injected towards the server" in notice for notice in proxy.notices)


async def masked_frame(peer: Peer) -> Frame:
    """The next frame that a peer gets, masked with a key that nobody can foretell."""
    await peer.until(lambda: len(peer.received.bytes) >= len(REQUEST) + 8, "a Close frame")
    (frame,) = FrameDecoder().receive_data(bytes(peer.received.bytes[len(REQUEST) :]))
    assert isinstance(frame, Frame)
    assert frame.masked
    return frame


@pytest.mark.parametrize(
    "response",
    [b"Error: HTTP/1.1 400 Bad Request", b"HTTP/1.1 101 x\r\n" + b"X-Long: header\r\n" * 6000],
    ids=["no head", "a head without end"],
)
def test_what_is_no_response_goes_on_as_it_came(loop: LoopThread, device: Device, response: bytes) -> None:
    async def talk(port: int) -> None:
        client, served, _ = await opened(device, port, REQUEST, response)
        served.half_close()
        await client.expect(response)
        await client.expect_end()
        await hang_up(client, served)

    with inside(device, normalize="strict") as proxy:
        loop.run(talk(proxy.port))


def test_a_refusal_goes_on_as_it_came(loop: LoopThread, device: Device) -> None:
    refusal = b"HTTP/1.1 403 no\r\ncontent-length: 2\r\n\r\nno"

    async def talk(port: int) -> None:
        client, served, _ = await opened(device, port, REQUEST, refusal)
        await client.expect(refusal)
        await hang_up(client, served)

    with inside(device, normalize="strict") as proxy:
        loop.run(talk(proxy.port))
