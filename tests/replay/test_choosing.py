"""Sessions that begin alike: what a client says first decides, and clients that say nothing, or little."""

import time
from dataclasses import replace
from pathlib import Path

from tests.replay.sessions import AT_ONCE, answers, closing, opened, record, says, start
from tests.replay.test_server import CLOSE, PING, PONG, run, running, settled
from tests.store.recording import AT, recording_to
from tests.wire.build import client_frame, close, frame
from tests.wire.handshakes import request
from wsproxy.protocol.frame import Side
from wsproxy.replay.report import ReplayReport
from wsproxy.store.redaction import Redaction

TALKS = [[says(name), answers(f"you are {name}")] for name in ("ann", "bob")]


def test_a_silent_client_is_no_endless_one(tmp_path: Path) -> None:
    record(tmp_path / "two.db", *TALKS)

    async def scenario() -> ReplayReport:
        async with running(tmp_path / "two.db", replace(AT_ONCE, patience=2)) as server:
            client = await opened(server)
            with closing(client):
                what = b"the client said nothing for 2 s although it is its turn"
                began = time.monotonic()
                await client.expect(frame(CLOSE, close(1008, what)))
                assert time.monotonic() - began < 3.8
                assert await client.expect_end() == "fin"
            return await settled(server)

    (mismatch,) = run(scenario()).mismatches
    assert mismatch.expected is not None
    assert mismatch.expected.payload == b"ann"


def test_who_says_goodbye_first_is_answered(tmp_path: Path) -> None:
    record(tmp_path / "two.db", *TALKS)

    async def scenario() -> ReplayReport:
        async with running(tmp_path / "two.db") as server:
            client = await opened(server)
            with closing(client):
                await client.send(client_frame(CLOSE, b"\x03\xe8"))
                await client.expect(frame(CLOSE, close(1000)))
                assert await client.expect_end() == "fin"
            return await settled(server)

    report = run(scenario())
    assert (report.mismatches, report.unplayed_count) == ((), 2)


def test_who_pings_first_is_answered(tmp_path: Path) -> None:
    record(tmp_path / "two.db", *TALKS)

    async def scenario() -> ReplayReport:
        async with running(tmp_path / "two.db") as server:
            client = await opened(server)
            with closing(client):
                await client.send(client_frame(PING, b"there?"))
                await client.expect(frame(PONG, b"there?"))
                await client.send(client_frame(1, b"bob"))
                await client.expect(frame(1, b"you are bob"))
            return await settled(server)

    report = run(scenario())
    assert [each.session for each in report.connections] == [2]
    assert report.mismatches == ()


def test_recorded_pings_say_nothing(tmp_path: Path) -> None:
    kept_alive = [[says("x", opcode=PING), answers("x", opcode=PONG), *talk] for talk in TALKS]
    record(tmp_path / "two.db", *kept_alive)

    async def scenario() -> ReplayReport:
        async with running(tmp_path / "two.db") as server:
            client = await opened(server)
            with closing(client):
                await client.send(client_frame(1, b"bob"))
                await client.expect(frame(1, b"you are bob"))
            return await settled(server)

    assert [each.session for each in run(scenario()).connections] == [2]


def test_who_listens_gets_the_session_in_which_the_device_speaks(tmp_path: Path) -> None:
    record(tmp_path / "mixed.db", TALKS[0], [answers("news"), says("thanks")], TALKS[1])

    async def scenario() -> ReplayReport:
        async with running(tmp_path / "mixed.db") as server:
            listener, talker = await opened(server), await opened(server)
            with closing(listener, talker):
                await talker.send(client_frame(1, b"bob"))
                await talker.expect(frame(1, b"you are bob"))
                await listener.expect(frame(1, b"news"))
                await listener.send(client_frame(1, b"thanks"))
            return await settled(server)

    report = run(scenario())
    assert [each.session for each in report.connections] == [2, 3]
    assert (report.mismatches, report.unplayed_count) == ((), 0)


def test_subprotocols_count_without_the_secrets_among_them(tmp_path: Path) -> None:
    offers = (b"chat", b"chat, bearer, s3cretS3cretS3cretS3cret")
    asks = [request(b"Sec-WebSocket-Protocol: " + offered) for offered in offers]
    with recording_to(tmp_path / "two.db", redaction=Redaction.of(["subprotocol:tokens"])) as recorder:
        for number, ask in enumerate(asks):
            session = recorder.open_session(replace(start(request=ask), started_at_ns=AT + number))
            session.receive_data(Side.SERVER, frame(1, b"%d" % number), AT + number)
            session.end(AT + number)

    async def scenario() -> None:
        async with running(tmp_path / "two.db") as server:
            client = await opened(server, asks[1].replace(b"s3cret", b"OTHER!"))
            with closing(client):
                await client.expect(frame(1, b"1"))

    run(scenario())
