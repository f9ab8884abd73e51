"""A replayed device with much to play, many clients, and clients that read slowly or ask without end."""

import asyncio
import resource
from dataclasses import replace
from pathlib import Path

from tests.devices.endpoints import Route, connect
from tests.devices.peer import Peer
from tests.replay.served import CLOSE, FIN, run, running, settled
from tests.replay.sessions import AT_ONCE, MS, Chunk, answers, closing, opened, record, says
from tests.wire.build import client_frame, close, frame
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.protocol.frame import Side
from wsproxy.replay.report import ReplayReport


def test_a_session_too_large_to_share_is_read_while_it_is_played(path: Path) -> None:
    pushed = b"".join(frame(2, bytes([n % 256]) * 300) for n in range(3000))
    record(path, [Chunk(Side.SERVER, pushed, MS), says("end", 2), answers("bye", 3)])

    async def scenario() -> ReplayReport:
        async with running(path, shared_size=1000) as server:
            client = await opened(server)
            with closing(client):
                await client.expect(pushed)
                await client.send(client_frame(1, b"end"))
                await client.expect(frame(1, b"bye"))
            return await settled(server)

    report = run(scenario())
    assert (report.mismatch_count, report.unplayed_count) == (0, 0)
    assert report.connections[0].played == 3002
    assert len(report.transcript) < 300


def test_a_slow_reader_holds_up_nobody_else(path: Path) -> None:
    pushed = frame(2, bytes(1 << 20)) * 32
    record(path, [Chunk(Side.SERVER, pushed), answers("end")])

    async def scenario() -> None:
        async with running(path, replace(AT_ONCE, loop=True)) as server:
            slow = await connect(Route(server.port))
            await slow.send(REQUEST)
            await slow.expect(RESPONSE)
            slow.stall()
            quick = await opened(server)
            with closing(slow, quick):
                await quick.expect_count(len(pushed) + len(frame(1, b"end")))
                assert slow.received.count < len(pushed)
                slow.resume()
                await slow.expect_count(len(pushed) + len(frame(1, b"end")))

    run(scenario())


def test_a_request_that_is_none_and_one_without_end(path: Path) -> None:
    record(path, [answers("hello")])

    async def scenario() -> None:
        async with running(path) as server:
            for nonsense in (b"\x81\x05hello", b"GET / HTTP/1.1\r\nX: " + b"x" * (1 << 17)):
                client = await connect(Route(server.port))
                with closing(client):
                    await client.send(nonsense)
                    await client.expect_head()
                    assert b" 400 " in client.received.bytes[:20]
                    await client.expect_end()
            ok = await opened(server)
            with closing(ok):
                await ok.expect(frame(1, b"hello"))
            report = await settled(server)
            assert [each.session for each in report.connections] == [None, None, 1]
            assert report.mismatch_count == 2

    run(scenario())


def test_a_thousand_clients_at_once_have_each_their_own_turn(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    turns = [(answers(f"turn {turn}"), says(f"answer {turn}")) for turn in range(3)]
    ending = (answers(close(1000), opcode=CLOSE), says(close(1000), opcode=CLOSE), FIN)
    record(path, [*(chunk for turn in turns for chunk in turn), *ending])

    async def scenario() -> ReplayReport:
        async with running(path, replace(AT_ONCE, loop=True)) as server:
            clients = [asyncio.ensure_future(opened(server)) for _ in range(1000)]
            await asyncio.gather(*clients)
            await asyncio.gather(*(go_through(client.result()) for client in clients))
            return await settled(server)

    async def go_through(client: Peer) -> None:
        with closing(client):
            for turn in range(3):
                await client.expect(frame(1, b"turn %d" % turn))
                await client.send(client_frame(1, b"answer %d" % turn))
            await client.expect(frame(CLOSE, close(1000)))
            await client.send(client_frame(CLOSE, close(1000)))
            await client.expect_end()

    report = run(scenario())
    assert report.connection_count == 1000
    assert (report.mismatch_count, report.unplayed_count) == (0, 0)
