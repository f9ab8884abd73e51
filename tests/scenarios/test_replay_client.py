"""Every case of the table, recorded by the proxy, then its client played to its device: no difference."""

import asyncio

import pytest

from tests.devices.kernel import receiver_is_drained
from tests.devices.loop import LoopThread
from tests.devices.peer import PATIENCE_S, Peer
from tests.devices.script import Delivered, Script, play
from tests.scenarios.rig import Rig, Rigs
from tests.wire.cases import CASES
from tests.wire.conversation import Case
from wsproxy.replay.asking import Address
from wsproxy.replay.client import ClientOptions
from wsproxy.replay.client_run import run_client
from wsproxy.replay.compare import Compared, CompareOptions, Comparison, Kind
from wsproxy.replay.matchers import make_matcher
from wsproxy.replay.model import ReplayOptions
from wsproxy.store.reader import open_recording

MODE = "command"
TIMING = frozenset((Kind.TIMING, Kind.TURN))


async def serve(rig: Rig, script: Script) -> Peer:
    """The device of a case, for whoever connects."""
    device = await rig.device.accept()
    try:
        for action in script:
            if isinstance(action, Delivered):
                async with asyncio.timeout(PATIENCE_S):
                    while not receiver_is_drained(device.socket()):
                        await asyncio.sleep(0)
            else:
                await play(device, [action])
    finally:
        device.close()
    await device.gone()
    return device


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("again") / "again.db")


@pytest.mark.parametrize("case", [case for case in CASES if case.session], ids=lambda case: case.name)
def test_the_device_gives_the_same_answers(rigs: Rigs, loop: LoopThread, case: Case, output: str) -> None:
    rig = rigs[MODE]
    before = rig.outcome(case)
    session = rig.recorded.session_of(before.client)
    options = ClientOptions(
        Address("127.0.0.1", rig.device.port), ReplayOptions(speed=None, exact_handshake=True), 5.0
    )
    serving = asyncio.run_coroutine_threadsafe(serve(rig, case.scripts[1]), loop.loop)
    with run_client(str(rig.recording), session.id, output, options) as outcome:
        assert outcome.problems == ()
        found = outcome.session_id
    device = serving.result(20)
    assert device.received.count == before.device.received.count
    assert device.received.sha256 == before.device.received.sha256
    assert device.end == before.device.end
    with open_recording(str(rig.recording)) as one, open_recording(output) as other:
        comparison = Comparison(
            Compared(one, session),
            Compared(other, other.session(found)),
            CompareOptions(make_matcher("exact"), TIMING),
        )
        assert [row for row in comparison.rows() if row.differences] == []
