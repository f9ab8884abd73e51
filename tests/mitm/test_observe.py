"""Observe mode on real sockets: addons see everything, and change nothing."""

import pytest

from tests.devices.endpoints import Device
from tests.devices.loop import LoopThread
from tests.mitm.inside import Seen, inside
from tests.mitm.peers import hang_up, opened
from tests.wire.build import PING, TEXT, client_frame, close, frame


@pytest.mark.parametrize("splice", ["true", "false"])
@pytest.mark.parametrize("uvloop", [True, False])
def test_addons_see_a_session(loop: LoopThread, device: Device, splice: str, uvloop: bool) -> None:
    seen = Seen()

    async def talk(port: int) -> None:
        client, served = await opened(device, port)
        await client.send(client_frame(TEXT, b"hello") + client_frame(PING, b"?"))
        await served.expect(client_frame(TEXT, b"hello") + client_frame(PING, b"?"))
        await served.send(frame(TEXT, b"wor", fin=False) + frame(PING) + frame(0, b"ld"))
        await client.expect(frame(TEXT, b"wor", fin=False) + frame(PING) + frame(0, b"ld"))
        await served.send(frame(8, close(1001, b"bye")))
        await client.expect(frame(8, close(1001, b"bye")))
        await hang_up(client, served)

    with inside(device, seen, uvloop=uvloop, set_options=[f"wsproxy_splice={splice}"]) as proxy:
        loop.run(talk(proxy.port))
        seen.wait(lambda: bool(seen.ended))
    assert seen.messages == [b"hello", b"world"]
    assert len(seen.flows) == 1
    websocket = seen.ended[0].websocket
    assert websocket is not None
    assert (websocket.close_code, websocket.close_reason, websocket.closed_by_client) == (1001, "bye", False)
    assert [message.from_client for message in websocket.messages] == [True, False]
    assert not proxy.notices
