"""addons/answer_pings.py: pongs for a client that sends none."""

from pathlib import Path

import pytest

from tests.addons.mitmdump import mitmdump
from tests.devices.endpoints import Device
from tests.devices.loop import LoopThread
from tests.mitm.peers import hang_up, opened
from tests.wire.build import PING, PONG, frame
from tests.wire.handshakes import REQUEST
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.frame import Frame


@pytest.mark.parametrize("intercept", ["true", "false"])
@pytest.mark.parametrize(
    "scripts", [("answer_pings.py",), ("record.py", "answer_pings.py"), ("answer_pings.py", "record.py")]
)
def test_each_ping_is_answered(
    loop: LoopThread, device: Device, tmp_path: Path, scripts: tuple[str, ...], intercept: str
) -> None:
    recording = () if len(scripts) == 1 else (f"wsproxy_recording={tmp_path / 'r.db'}",)
    options = (f"wsproxy_intercept={intercept}", "flow_detail=0", *recording)
    with mitmdump(device, *scripts, options=options) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        for payload in (b"", b"71 00 01 c6", bytes(125)):
            loop.run(served.send(frame(PING, payload)))
            loop.run(client.expect(frame(PING, payload)))
            loop.run(served.expect_count(6 + len(payload)))
        loop.run(hang_up(client, served))
    events = FrameDecoder().receive_data(bytes(served.received.bytes[len(REQUEST) :]))
    answers = [(event.opcode, event.masked, event.payload) for event in events if isinstance(event, Frame)]
    assert answers == [(PONG, True, b""), (PONG, True, b"71 00 01 c6"), (PONG, True, bytes(125))]
