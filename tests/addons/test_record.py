"""addons/record.py: what `wsproxy record` does, in mitmproxy's own tools."""

from pathlib import Path

from tests.addons.mitmdump import failing, mitmdump
from tests.devices.endpoints import Device
from tests.devices.loop import LoopThread
from tests.mitm.peers import hang_up, opened
from tests.mitm.recording import stored
from tests.wire.build import TEXT, client_frame, frame
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.protocol.frame import Side


def test_it_records(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    recording = tmp_path / "r.db"
    with mitmdump(device, "record.py", options=(f"wsproxy_recording={recording}",)) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(client.send(client_frame(TEXT, b"over there")))
        loop.run(served.expect(client_frame(TEXT, b"over there")))
        loop.run(served.send(frame(TEXT, b"and back")))
        loop.run(client.expect(frame(TEXT, b"and back")))
        loop.run(hang_up(client, served))
    found = stored(recording)
    assert found.received[Side.CLIENT] == REQUEST + client_frame(TEXT, b"over there")
    assert found.received[Side.SERVER] == RESPONSE + frame(TEXT, b"and back")
    # mitmdump prints messages itself unless told not to, so they were followed.
    assert "WebSocket text message" in proxy.output


def test_it_intercepts(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    recording = tmp_path / "r.db"
    options = (f"wsproxy_recording={recording}", "wsproxy_intercept=true")
    with mitmdump(device, "record.py", options=options) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        loop.run(served.send(frame(TEXT, b"held")))
        loop.run(client.expect(frame(TEXT, b"held")))
        loop.run(hang_up(client, served))
    assert stored(recording).session.start.mode == "intercept"


def test_a_recording_that_cannot_be_ends_it_with_one_line(tmp_path: Path) -> None:
    output = failing("record.py", options=(f"wsproxy_recording={tmp_path}",))
    assert "is a directory: name a file in it" in output
    assert "Traceback" not in output
