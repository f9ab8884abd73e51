"""A recording that is damaged, or made to do harm, is said to be, or played as far as it makes sense."""

import asyncio
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.replay.sessions import AT_ONCE, FIN_AFTER, answers, opened, record, says
from tests.wire.handshakes import RESPONSE
from wsproxy.errors import RecordingError, WsproxyError
from wsproxy.protocol.frame import Side
from wsproxy.protocol.heads import parse_request_head
from wsproxy.replay.choice import Choice, Offer
from wsproxy.replay.hearing import Hearing
from wsproxy.replay.report import ReplayReport
from wsproxy.replay.scripting import script_of
from wsproxy.replay.server import ReplayServer
from wsproxy.store.reader import open_recording

SEEDS = range(6)
TRIES = 40


def _look_at_everything(path: Path) -> int:
    """How many steps its sessions have, made ready as a server does."""
    steps = 0
    with open_recording(str(path)) as recording:
        for session in recording.sessions():
            request = parse_request_head(session.start.request_head)
            Choice([Offer.of_session(session)], loop=True).candidates(request)
            Hearing(Side.CLIENT, session.start.response_head)
            for side in Side:
                steps += sum(1 for _ in script_of(recording, session, side, sent=True))
        for stored in recording.exchanges():
            Offer.of_exchange(stored)
    return steps


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mutated_recording_raises_nothing_but_our_errors(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "whole.db"
    record(path, [says('{"id":1}'), answers("one" * 50), says("two"), answers("three"), FIN_AFTER])
    whole = path.read_bytes()
    assert _look_at_everything(path) > 0
    chance = random.Random(seed)
    outcomes = {"read": 0, "refused": 0}
    for number in range(TRIES):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 4, 40))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if number % 10 == 0:
            del data[chance.randrange(len(data)) :]
        mutated = tmp_path / f"mutated-{number}.db"
        mutated.write_bytes(data)
        try:
            _look_at_everything(mutated)
            outcomes["read"] += 1
        except WsproxyError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 0, outcomes


def test_a_session_that_has_lost_frames_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    record(path, [says("one"), answers("two"), FIN_AFTER])
    assert _look_at_everything(path) > 0
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM frames WHERE side = 1")
    with pytest.raises(RecordingError, match="frames of the server: 1 were recorded, 0 are there"):
        _look_at_everything(path)


def test_damage_found_while_playing_ends_the_connection(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    record(path, [says("one"), answers("two"), FIN_AFTER])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE sides SET frames = 9")

    async def scenario() -> ReplayReport:
        server = ReplayServer(str(path), (), AT_ONCE, shared_size=0)
        await server.start()
        try:
            client = await opened(server)
            await client.expect_end()
            assert client.received.bytes == RESPONSE
            client.close()
            return server.report()
        finally:
            await server.stop()

    (mismatch,) = asyncio.run(scenario()).mismatches
    assert "9 were recorded" in mismatch.what
