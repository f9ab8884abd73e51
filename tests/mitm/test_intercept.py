"""Intercept mode: addons change, drop and keep messages; nothing else changes, and nothing is lost."""

import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.websocket import WebSocketMessage

from tests.devices.endpoints import Device
from tests.devices.loop import LoopThread
from tests.mitm.inside import Seen, inside
from tests.mitm.peers import hang_up, opened
from tests.mitm.recording import Stored, stored
from tests.mitm.test_inject import INJECTED, inject
from tests.wire.build import (
    CONT,
    PING,
    TEXT,
    client_frame,
    close,
    deflated,
    frame,
    noise,
    words,
)
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.frame import Frame, Side
from wsproxy.store.model import ChangeKind

DEFLATE = RESPONSE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")


def on_latest(change: Callable[[WebSocketMessage], None]) -> Callable[[http.HTTPFlow], None]:
    """A message hook that changes the latest message."""

    def hook(flow: http.HTTPFlow) -> None:
        assert flow.websocket is not None
        change(flow.websocket.messages[-1])

    return hook


def shout(message: WebSocketMessage) -> None:
    if message.content == b"quiet":
        message.content = b"LOUD!!"


def drop(message: WebSocketMessage) -> None:
    message.dropped = message.content == b"quiet"


class Run:
    """The device sends, the client receives, one way or the other; then everything is looked at."""

    def __init__(self, loop: LoopThread, device: Device, folder: Path) -> None:
        self.loop, self.device, self.recording = loop, device, folder / "r.db"

    def from_device(
        self,
        data: bytes,
        wanted: bytes,
        change: Callable[[WebSocketMessage], None],
        response: bytes = RESPONSE,
    ) -> Stored:
        """Send `data`, expect `wanted`, then end; what was recorded, checked against what the sockets saw."""
        seen = Seen(on_latest(change))
        with inside(self.device, seen, recording=str(self.recording), intercept=True) as proxy:
            client, served = self.loop.run(opened(self.device, proxy.port, response=response))
            self.loop.run(served.send(data))
            self.loop.run(client.expect(wanted))
            self.loop.run(hang_up(served, client))
        found = stored(self.recording)
        assert found.session.start.mode == "intercept"
        assert found.received[Side.SERVER] == bytes(served.sent.bytes)
        assert found.sent_on[Side.SERVER] == bytes(client.received.bytes) == response + wanted
        return found


@pytest.fixture
def run(loop: LoopThread, device: Device, tmp_path: Path) -> Run:
    return Run(loop, device, tmp_path)


def test_a_changed_message_is_written_anew(run: Run) -> None:
    data = frame(TEXT, b"first", form=16) + frame(TEXT, b"quiet") + frame(TEXT, b"last")
    wanted = frame(TEXT, b"first", form=16) + frame(TEXT, b"LOUD!!") + frame(TEXT, b"last")
    found = run.from_device(data, wanted, shout)
    begin = len(frame(TEXT, b"first", form=16))
    end = begin + len(frame(TEXT, b"quiet"))
    assert found.changes == [(ChangeKind.REPLACED, Side.SERVER, begin, end, frame(TEXT, b"LOUD!!"))]


def test_a_dropped_message_does_not_arrive(run: Run) -> None:
    data = frame(TEXT, b"quiet") + frame(TEXT, b"last")
    found = run.from_device(data, frame(TEXT, b"last"), drop)
    assert found.changes == [(ChangeKind.DROPPED, Side.SERVER, 0, len(frame(TEXT, b"quiet")), b"")]


@pytest.mark.parametrize(("change", "new"), [(drop, b""), (shout, frame(TEXT, b"LOUD!!"))])
def test_control_frames_between_fragments_stay(
    run: Run, change: Callable[[WebSocketMessage], None], new: bytes
) -> None:
    ping = frame(PING, b"still there?")
    data = frame(TEXT, b"qui", fin=False) + ping + frame(CONT, b"et") + frame(8, close(1000))
    found = run.from_device(data, new + ping + frame(8, close(1000)), change)
    assert [kind for kind, *_ in found.changes] == [
        ChangeKind.REPLACED if new else ChangeKind.DROPPED,
        ChangeKind.DROPPED,
    ]


def test_what_no_addon_touches_keeps_its_bytes(run: Run) -> None:
    data = (
        frame(TEXT, b"odd length", form=64)
        + frame(TEXT, b"masked by a server", key=b"\1\2\3\4")
        + frame(3, b"reserved opcode")
        + frame(TEXT, b"in ", fin=False)
        + frame(PING)
        + frame(CONT, b"two", form=16)
        + frame(TEXT, b"rsv", rsv=3)
    )
    assert run.from_device(data, data, lambda message: None).changes == []


def test_a_message_that_grows_too_large_goes_on_as_it_is(
    loop: LoopThread, device: Device, tmp_path: Path
) -> None:
    seen = Seen(on_latest(lambda message: message.drop()))
    first, rest = frame(TEXT, words(300_000))[:200_000], frame(TEXT, words(300_000))[200_000:]
    options = ["wsproxy_message_limit=100000"]
    with inside(device, seen, intercept=True, set_options=options) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(first))
        loop.run(client.expect_count(100_000))
        loop.run(served.send(rest + frame(TEXT, b"small")))
        loop.run(client.expect_count(len(first + rest) - 100_000))
        loop.run(hang_up(served, client))
    assert bytes(client.received.bytes) == RESPONSE + first + rest
    assert [len(message) for message in seen.messages] == [100_000, 5]
    assert any("300000 bytes from the server went on without waiting" in line for line in proxy.notices)


def test_an_unfinished_message_goes_on_when_the_stream_ends(run: Run) -> None:
    data = frame(TEXT, b"whole") + frame(TEXT, b"beginning", fin=False) + frame(CONT, b"cut off")[:4]
    assert run.from_device(data, data, drop).changes == []


def test_an_unfinished_message_does_not_wait_for_ever(loop: LoopThread, device: Device) -> None:
    seen = Seen(on_latest(shout))
    begun = frame(TEXT, b"qui", fin=False) + frame(PING, b"well?")
    with inside(device, seen, intercept=True, set_options=["wsproxy_message_patience=0"]) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(begun))
        loop.run(client.expect(begun))
        loop.run(served.send(frame(CONT, b"et") + frame(TEXT, b"quiet")))
        loop.run(client.expect(frame(CONT, b"et") + frame(TEXT, b"LOUD!!")))
        loop.run(hang_up(served, client))
    assert any("without the rest of their message" in line for line in proxy.notices)


def test_a_slow_hook_holds_the_message_and_then_lets_it_go(loop: LoopThread, device: Device) -> None:
    flows: list[http.HTTPFlow] = []

    def intercept(flow: http.HTTPFlow) -> None:
        flow.intercept()
        flows.append(flow)

    seen = Seen(intercept)
    with inside(device, seen, intercept=True) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(frame(TEXT, b"held")))
        seen.wait(lambda: seen.messages == [b"held"])
        proxy.settle()
        assert bytes(client.received.bytes) == RESPONSE
        proxy.call(flows[0].resume)
        loop.run(client.expect(frame(TEXT, b"held")))
        proxy.call(lambda: None)
        loop.run(hang_up(served, client))


@pytest.mark.parametrize("masked", [True, False])
def test_a_client_keeps_its_habit_of_masking(loop: LoopThread, device: Device, masked: bool) -> None:
    sent = client_frame(TEXT, b"quiet") if masked else frame(TEXT, b"quiet")
    with inside(device, Seen(on_latest(shout)), intercept=True) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(client.send(sent))
        loop.run(served.expect_count(len(sent) + 1))
        loop.run(hang_up(client, served))
    [event] = FrameDecoder().receive_data(bytes(served.received.bytes[len(REQUEST) :]))
    assert isinstance(event, Frame)
    assert (event.payload, event.masked) == (b"LOUD!!", masked)


def test_a_message_made_into_what_cannot_be_sent_goes_on_as_it_was(loop: LoopThread, device: Device) -> None:
    def spoil(message: WebSocketMessage) -> None:
        message.content = "text, not bytes"  # type: ignore[assignment]

    sent = client_frame(TEXT, b"quiet")
    with inside(device, Seen(on_latest(spoil)), intercept=True) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(client.send(sent))
        loop.run(served.expect(sent))
        loop.run(hang_up(client, served))
    assert any("goes on unchanged" in line for line in proxy.notices)


@pytest.mark.parametrize("intercept", [True, False])
def test_addons_are_told_of_an_end_without_a_close_frame(
    loop: LoopThread, device: Device, intercept: bool
) -> None:
    seen = Seen()
    with inside(device, seen, intercept=intercept) as proxy:
        loop.run(hang_up(*loop.run(opened(device, proxy.port))))
        seen.wait(lambda: len(seen.ended) == 1)
    websocket = seen.ended[0].websocket
    assert websocket is not None
    assert websocket.close_code == 1006


@pytest.mark.parametrize(("change", "new"), [(drop, b""), (shout, frame(TEXT, b"LOUD!!"))])
def test_later_compressed_messages_stay_readable(
    run: Run, change: Callable[[WebSocketMessage], None], new: bytes
) -> None:
    """The third refers to the second, which the client never gets."""
    texts = [b"before, so in the window", b"quiet", b"quiet, " * 20]
    packed = [frame(TEXT, payload, rsv=4) for payload in deflated(*texts)]
    found = run.from_device(b"".join(packed), packed[0] + new + frame(TEXT, texts[2]), change, DEFLATE)
    assert len(found.changes) == 2


def test_without_context_takeover_later_messages_keep_their_bytes(run: Run) -> None:
    def alone(text: bytes) -> bytes:
        squeezer = zlib.compressobj(wbits=-15)
        return (squeezer.compress(text) + squeezer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")

    response = DEFLATE.replace(b"deflate\r\n", b"deflate; server_no_context_takeover\r\n")
    quiet, last = (frame(TEXT, alone(text), rsv=4) for text in (b"quiet", b"last"))
    run.from_device(quiet + last, last, drop, response)


def test_injected_messages_keep_out_of_others(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    seen, recording = Seen(), tmp_path / "r.db"
    large = frame(TEXT, noise(200_000))
    options = ["wsproxy_message_limit=100000"]
    settings = {"intercept": True, "recording": str(recording), "set_options": options}
    with inside(device, seen, **settings) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(large[:150_000]))
        loop.run(client.expect_count(100_000))
        inject(proxy, seen.flows[0], to_client=True)
        seen.wait(lambda: seen.messages == [b"injected"])
        proxy.settle()
        loop.run(served.send(large[150_000:]))
        loop.run(client.expect_count(len(large) - 100_000 + len(INJECTED)))
        loop.run(hang_up(served, client))
    assert bytes(client.received.bytes) == RESPONSE + large + INJECTED
    assert stored(recording).sent_on[Side.SERVER] == bytes(client.received.bytes)


def test_a_dialect_that_cannot_be_written_changes_nothing(loop: LoopThread, device: Device) -> None:
    """hixie-76 is for reading only."""
    seen = Seen(on_latest(shout))
    dialects = {"client_dialect": "hixie76", "server_dialect": "hixie76"}
    with inside(device, seen, intercept=True, **dialects) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(b"\x00quiet\xff"))
        loop.run(client.expect(b"\x00quiet\xff"))
        inject(proxy, seen.flows[0], to_client=True)
        seen.wait(lambda: seen.messages == [b"LOUD!!", b"injected"])
        loop.run(served.send(b"\x00more\xff"))
        loop.run(client.expect(b"\x00more\xff"))
        loop.run(hang_up(served, client))
    assert "a message from the server goes on unchanged: dialect hixie76 cannot write" in proxy.notices[0]
    assert "nothing is injected towards the client: dialect hixie76 cannot write" in proxy.notices[1]


def test_a_compressed_message_that_cannot_be_read_is_not_lost(loop: LoopThread, device: Device) -> None:
    """It came after a dropped one, so the client may not understand it; the user is told."""
    quiet, _ = deflated(b"quiet", b"rest")
    data = frame(TEXT, quiet, rsv=4) + frame(TEXT, b"\xff\xff no deflate", rsv=4)
    with inside(device, Seen(on_latest(drop)), intercept=True) as proxy:
        client, served = loop.run(opened(device, proxy.port, response=DEFLATE))
        loop.run(served.send(data))
        loop.run(client.expect(frame(TEXT, b"\xff\xff no deflate", rsv=4)))
        loop.run(hang_up(served, client))
    assert any("may not be able to read" in line for line in proxy.notices)
