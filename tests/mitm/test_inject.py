"""Messages and frames that no peer sent."""

from pathlib import Path

import pytest
from mitmproxy import ctx, http

from tests.devices.endpoints import Device
from tests.devices.loop import LoopThread
from tests.devices.peer import Peer
from tests.mitm.inside import InsideProxy, Seen, inside
from tests.mitm.peers import hang_up, opened
from tests.mitm.recording import stored
from tests.wire.build import CONT, PING, PONG, TEXT, client_frame, close, frame
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.mitm.hooks import ControlFrame, inject_frame
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.frame import Frame, Side
from wsproxy.store.model import ChangeKind

INJECTED = frame(TEXT, b"injected")

both_paths = pytest.mark.parametrize("splice", ["true", "false"])


def inject(proxy: InsideProxy, flow: http.HTTPFlow, *, to_client: bool, text: bytes = b"injected") -> None:
    """As mitmweb and console do it."""
    proxy.call(lambda: ctx.master.commands.call("inject.websocket", flow, to_client, text, True))


async def expect_masked(peer: Peer, payload: bytes) -> bytes:
    """Wait for one masked text frame with that payload (the masking key is random); its bytes."""
    size = len(client_frame(TEXT, payload))
    await peer.expect_count(size)
    raw = bytes(peer.received.bytes[peer.cursor - size : peer.cursor])
    [event] = FrameDecoder().receive_data(raw)
    assert isinstance(event, Frame)
    assert (event.opcode, event.payload, event.masked) == (TEXT, payload, True)
    return raw


@both_paths
def test_between_messages_it_goes_at_once(
    loop: LoopThread, device: Device, tmp_path: Path, splice: str
) -> None:
    seen, recording = Seen(), tmp_path / "r.db"
    options = [f"wsproxy_splice={splice}"]
    with inside(device, seen, recording=str(recording), set_options=options) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(frame(TEXT, b"before")))
        loop.run(client.expect(frame(TEXT, b"before")))
        seen.wait(lambda: seen.messages == [b"before"])
        inject(proxy, seen.flows[0], to_client=True)
        loop.run(client.expect(INJECTED))
        inject(proxy, seen.flows[0], to_client=False, text=b"to the device")
        to_device = loop.run(expect_masked(served, b"to the device"))
        loop.run(served.send(frame(TEXT, b"after")))
        loop.run(client.expect(frame(TEXT, b"after")))
        loop.run(hang_up(client, served))
        seen.wait(lambda: bool(seen.ended))
    assert seen.messages == [b"before", b"injected", b"to the device", b"after"]
    assert seen.ended[0].websocket is not None
    assert [m.injected for m in seen.ended[0].websocket.messages] == [False, True, True, False]
    found = stored(recording)
    at = len(frame(TEXT, b"before"))
    assert found.changes == [
        (ChangeKind.INJECTED, Side.SERVER, at, at, INJECTED),
        (ChangeKind.INJECTED, Side.CLIENT, 0, 0, to_device),
    ]
    assert found.received[Side.SERVER] == bytes(served.sent.bytes)
    assert found.sent_on[Side.SERVER] == bytes(client.received.bytes)
    assert found.sent_on[Side.CLIENT] == bytes(served.received.bytes)


@both_paths
@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (frame(TEXT, b"half a frame")[:5], frame(TEXT, b"half a frame")[5:] + frame(TEXT, b"next")[:3]),
        (frame(TEXT, b"hel", fin=False), frame(PING, b"?") + frame(CONT, b"lo") + frame(TEXT, b"ne")),
        (frame(TEXT, b"x" * 100_000)[:70_000], frame(TEXT, b"x" * 100_000)[70_000:]),
    ],
    ids=["inside a frame", "between fragments", "inside a large frame"],
)
def test_inside_a_message_it_waits(
    loop: LoopThread, device: Device, tmp_path: Path, splice: str, first: bytes, rest: bytes
) -> None:
    seen, recording = Seen(), tmp_path / "r.db"
    options = [f"wsproxy_splice={splice}"]
    whole = first + rest
    with inside(device, seen, recording=str(recording), set_options=options) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        seen.wait(lambda: bool(seen.flows))
        loop.run(served.send(first))
        loop.run(client.expect(first))
        inject(proxy, seen.flows[0], to_client=True)
        seen.wait(lambda: seen.messages == [b"injected"])
        proxy.settle()
        loop.run(served.send(rest))
        loop.run(client.expect_count(len(rest) + len(INJECTED)))
        loop.run(hang_up(client, served))
    got = bytes(client.received.bytes[len(RESPONSE) :])
    at = got.index(INJECTED)
    assert got[:at] + got[at + len(INJECTED) :] == whole
    events = [e for e in FrameDecoder(piece_limit=1 << 20).receive_data(got) if isinstance(e, Frame)]
    place = next(i for i, event in enumerate(events) if event.payload == b"injected")
    assert events[place - 1].fin
    found = stored(recording)
    assert found.changes == [(ChangeKind.INJECTED, Side.SERVER, at, at, INJECTED)]
    assert found.sent_on[Side.SERVER] == bytes(client.received.bytes)
    assert found.received[Side.SERVER] == RESPONSE + whole


def test_an_addon_may_drop_what_is_injected(loop: LoopThread, device: Device) -> None:
    def drop(flow: http.HTTPFlow) -> None:
        assert flow.websocket is not None
        flow.websocket.messages[-1].dropped = flow.websocket.messages[-1].injected

    seen = Seen(drop)
    with inside(device, seen) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        seen.wait(lambda: bool(seen.flows))
        inject(proxy, seen.flows[0], to_client=True)
        seen.wait(lambda: seen.messages == [b"injected"])
        loop.run(served.send(frame(TEXT, b"alone")))
        loop.run(client.expect(frame(TEXT, b"alone")))
        loop.run(hang_up(client, served))


def test_nothing_follows_a_close_frame(loop: LoopThread, device: Device) -> None:
    seen = Seen()
    with inside(device, seen) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(frame(8, close(1000))))
        loop.run(client.expect(frame(8, close(1000))))
        inject(proxy, seen.flows[0], to_client=True)
        seen.wait(lambda: seen.messages == [b"injected"])
        loop.run(hang_up(served, client))
        seen.wait(lambda: bool(seen.ended))
    assert any("has sent a Close frame" in notice for notice in proxy.notices)


def test_what_found_no_place_is_told(loop: LoopThread, device: Device) -> None:
    seen = Seen()
    with inside(device, seen) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(frame(TEXT, b"endless", fin=False)))
        loop.run(client.expect(frame(TEXT, b"endless", fin=False)))
        inject(proxy, seen.flows[0], to_client=True)
        seen.wait(lambda: seen.messages == [b"injected"])
        proxy.settle()
        loop.run(hang_up(served, client))
        seen.wait(lambda: bool(seen.ended))
    assert proxy.notices == ["1 frames were never injected: no message ended before the session did"]


def test_control_frames_can_be_seen_and_sent(loop: LoopThread, device: Device) -> None:
    class Answer:
        def wsproxy_control_frame(self, control: ControlFrame) -> None:
            if control.side is Side.SERVER:
                inject_frame(control.flow, Side.CLIENT, PONG, control.frame.payload)

    with inside(device, Answer()) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(frame(PING, b"are you there?")))
        loop.run(client.expect(frame(PING, b"are you there?")))
        loop.run(served.expect_count(len(client_frame(PONG, b"are you there?"))))
        loop.run(hang_up(client, served))
    [event] = FrameDecoder().receive_data(bytes(served.received.bytes[len(REQUEST) :]))
    assert isinstance(event, Frame)
    assert (event.opcode, event.payload, event.masked) == (PONG, b"are you there?", True)
