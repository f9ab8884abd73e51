"""Normalize mode on real sockets: what departs from the RFC is mended, recorded, and explained."""

from pathlib import Path

import pytest

from tests.devices.endpoints import Device, Route, connect
from tests.devices.loop import LoopThread
from tests.devices.peer import Peer
from tests.mitm.inside import Seen, inside
from tests.mitm.peers import hang_up
from tests.mitm.recording import stored
from tests.wire.build import CLOSE, TEXT, client_frame, close, frame, lines
from tests.wire.handshakes import ACCEPT, CONNECTION, GET, HOST, KEY, REQUEST, RESPONSE, UPGRADE, VERSION
from wsproxy.protocol.frame import Side
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
