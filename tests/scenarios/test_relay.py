"""Every case of the table, byte for byte, in every way an unencrypted reverse proxy can work."""

import pytest

from tests.devices.endpoints import connect
from tests.devices.loop import LoopThread
from tests.devices.peer import Peer
from tests.scenarios.checks import check_recording, check_relay, settle
from tests.scenarios.rig import Rigs
from tests.wire.cases import CASES
from tests.wire.conversation import Case
from tests.wire.handshakes import REQUEST

WHOLE_TABLE = ("command", "layer", "reverse")

each_mode = pytest.mark.parametrize("mode", WHOLE_TABLE)
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@each_mode
@each_case
def test_both_sockets_see_the_same_bytes(rigs: Rigs, mode: str, case: Case) -> None:
    check_relay(rigs[mode], case)


@each_mode
@each_case
def test_recording_gives_back_what_the_sockets_saw(rigs: Rigs, mode: str, case: Case) -> None:
    check_recording(rigs[mode], case)


@each_mode
def test_a_device_that_hangs_up_on_the_request_is_a_bad_gateway(
    rigs: Rigs, loop: LoopThread, mode: str
) -> None:
    rig = rigs[mode]

    async def hung_up() -> Peer:
        client = await connect(rig.route)
        await client.send(REQUEST)
        served = await rig.device.accept()
        await served.expect(REQUEST)
        served.close()
        await client.expect_end()
        client.close()
        await client.gone()
        return client

    client = loop.run(hung_up())
    assert client.received.bytes.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"server closed connection" in client.received.bytes
    settle(rig, "hung-up")
    assert not rig.recorded.has(client)
