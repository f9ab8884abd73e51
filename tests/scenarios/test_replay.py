"""Every case of the table, recorded by the proxy and played back: the same client sees the same bytes."""

from pathlib import Path

import pytest

from tests.devices.endpoints import Route, connect
from tests.devices.loop import LoopThread
from tests.devices.peer import Peer
from tests.devices.script import Delivered, Script, play
from tests.scenarios.rig import Rig, Rigs
from tests.store.recording import recording_to
from tests.wire.cases import CASES
from tests.wire.conversation import Case
from wsproxy.replay.model import ReplayOptions
from wsproxy.replay.report import ReplayReport
from wsproxy.replay.server import ReplayServer
from wsproxy.store.reader import open_recording

MODE = "command"
AT_ONCE = ReplayOptions(speed=None)


async def play_client(server: ReplayServer, script: Script) -> Peer:
    """The client of a case, against the replayed device."""
    client = await connect(Route(server.port))
    try:
        for action in script:
            if isinstance(action, Delivered):
                await server.settle()
            else:
                await play(client, [action])
    finally:
        client.close()
    await client.gone()
    return client


async def replayed(server: ReplayServer, script: Script) -> tuple[Peer, ReplayReport]:
    await server.start()
    try:
        client = await play_client(server, script)
        await server.settle()
        return client, server.report()
    finally:
        await server.stop()


def check_replay(server: ReplayServer, loop: LoopThread, case: Case, before: Peer) -> None:
    """The client of the case sees what it saw, and departs from nothing."""
    client, report = loop.run(replayed(server, case.scripts[0]))
    assert client.received.sha256 == before.received.sha256
    assert client.end == before.end
    assert report.mismatches == (), report.text
    assert report.unplayed_count == 0, report.text


@pytest.mark.parametrize("case", [case for case in CASES if case.session], ids=lambda case: case.name)
def test_a_client_sees_the_same_session_again(rigs: Rigs, loop: LoopThread, case: Case) -> None:
    rig = rigs[MODE]
    before = rig.outcome(case).client
    session = rig.recorded.session_of(before)
    check_replay(ReplayServer(str(rig.recording), (session.id,), AT_ONCE), loop, case, before)


@pytest.mark.parametrize("case", [case for case in CASES if not case.session], ids=lambda case: case.name)
def test_a_client_is_refused_as_it_was(rigs: Rigs, loop: LoopThread, tmp_path: Path, case: Case) -> None:
    rig = rigs[MODE]
    before = rig.outcome(case).client
    path = tmp_path / "refusal.db"
    keep_exchange(rig, before, path)
    check_replay(ReplayServer(str(path), (), AT_ONCE), loop, case, before)


def keep_exchange(rig: Rig, client: Peer, path: Path) -> None:
    """Record what that client was answered to a recording of its own."""
    from tests.scenarios.checks import settle

    settle(rig, f"exchange-of-{client.address.replace(':', '-')}")
    with open_recording(str(rig.recording)) as recording, recording_to(path) as recorder:
        for stored in recording.exchanges():
            if stored.exchange.client_address == client.address:
                recorder.exchange(stored.exchange)
