"""The replayed device, byte by byte: clients on raw sockets."""

import asyncio
import gc
from dataclasses import replace
from pathlib import Path

import pytest

from tests.replay.served import CLOSE, FIN, PING, PONG, run, running, settled
from tests.replay.sessions import AT_ONCE, answers, closing, opened, record, says
from tests.wire.build import client_frame, close, frame
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.replay.model import OnMismatch
from wsproxy.replay.report import ReplayReport


def test_nothing_is_sent_before_its_turn(path: Path) -> None:
    record(path, [says("one"), answers("first"), answers("and"), says("two"), answers("second")])

    async def scenario() -> ReplayReport:
        async with running(path) as server:
            client = await opened(server)
            with closing(client):
                await server.settle()
                assert client.received.count == client.cursor
                await client.send(client_frame(1, b"one"))
                await client.expect(frame(1, b"first") + frame(1, b"and"))
                await server.settle()
                assert client.received.count == client.cursor
                await client.send(client_frame(1, b"two"))
                await client.expect(frame(1, b"second"))
            return await settled(server)

    report = run(scenario())
    assert (report.mismatch_count, report.unplayed_count) == (0, 0)
    assert [line.message.payload for line in report.transcript] == [
        b"one",
        b"first",
        b"and",
        b"two",
        b"second",
    ]


def test_the_client_may_frame_its_messages_in_another_way(path: Path) -> None:
    record(path, [says("fragmented"), answers("ok")])

    async def scenario() -> None:
        async with running(path) as server:
            client = await opened(server)
            with closing(client):
                pieces = (client_frame(1, b"frag", fin=False), client_frame(PONG), client_frame(0, b"mented"))
                await client.send(b"".join(pieces))
                await client.expect(frame(1, b"ok"))

    run(scenario())


@pytest.mark.parametrize("how", OnMismatch)
def test_what_happens_after_another_message(path: Path, how: OnMismatch) -> None:
    record(path, [says('{"id":1,"ask":"a"}'), answers("a"), says("b"), answers("b")])

    async def scenario() -> ReplayReport:
        async with running(path, replace(AT_ONCE, on_mismatch=how)) as server:
            client = await opened(server)
            with closing(client):
                await client.send(client_frame(1, b'{"id":1,"ask":"x"}'))
                if how is OnMismatch.CLOSE:
                    await client.expect_count(4)
                    await client.expect_end()
                    assert bytes(client.received.bytes[len(RESPONSE) :][2:4]) == b"\x03\xf0"
                    return await settled(server)
                if how is OnMismatch.WAIT:
                    await client.send(client_frame(1, b'{"id":1,"ask":"a"}'))
                await client.expect(frame(1, b"a"))
                await client.send(client_frame(1, b"b"))
                await client.expect(frame(1, b"b"))
                return await settled(server)

    report = run(scenario())
    (mismatch,) = report.mismatches
    assert mismatch.expected is mismatch.nearest is not None
    assert any('"x"' in line for line in mismatch.diff)
    assert report.unplayed_count == (4 if how is OnMismatch.CLOSE else 0)


def test_keep_alive_is_no_mismatch(path: Path) -> None:
    record(
        path,
        [
            says(b"recorded", opcode=PING),
            answers(b"recorded", opcode=PONG),
            answers("push"),
            answers(b"alive?", opcode=PING),
            says(b"alive?", opcode=PONG),
            says("go on"),
            answers("end"),
        ],
    )

    async def scenario(ping: bytes | None) -> bytes:
        async with running(path) as server:
            client = await opened(server)
            with closing(client):
                if ping is not None:
                    await client.send(client_frame(PING, ping))
                    await client.expect(frame(PONG, ping))
                await client.expect(frame(1, b"push") + frame(PING, b"alive?"))
                await client.send(client_frame(PING, b"mine"))
                await client.expect(frame(PONG, b"mine"))
                await client.send(client_frame(1, b"go on"))
                await client.expect(frame(1, b"end"))
            report = await settled(server)
            assert (report.mismatch_count, report.unplayed_count) == (0, 0)
            return bytes(client.received.bytes)

    run(scenario(b"recorded"))
    run(scenario(b"another"))
    run(scenario(None))


def test_a_client_that_closes_early_is_let_go_and_reported(path: Path) -> None:
    record(path, [answers("one"), says("two"), answers("three")])

    async def scenario() -> ReplayReport:
        async with running(path) as server:
            client = await opened(server)
            with closing(client):
                await client.expect(frame(1, b"one"))
                await client.send(client_frame(CLOSE, close(1000, b"bye")))
                await client.expect(frame(CLOSE, close(1000)))
                await client.expect_end()
            return await settled(server)

    report = run(scenario())
    assert report.mismatches == ()
    assert [message.payload for message in report.unplayed] == [b"two", b"three"]


def test_a_request_line_with_the_whole_url_is_understood(path: Path) -> None:
    record(path, [answers("hello")])
    absolute = REQUEST.replace(b"GET /as", b"GET ws://skyq:9006/as")

    async def scenario() -> None:
        async with running(path) as server:
            client = await opened(server, absolute)
            with closing(client):
                await client.expect(frame(1, b"hello"))

    run(scenario())


def test_a_client_that_is_silent_after_the_device_has_ended(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record(path, [answers("bye"), FIN, says("late")])

    async def scenario() -> ReplayReport:
        async with running(path, replace(AT_ONCE, patience=0.01)) as server:
            client = await opened(server)
            with closing(client):
                await client.expect(frame(1, b"bye"))
                assert await client.expect_end() == "fin"
                async with asyncio.timeout(10):
                    while not server.report().mismatch_count:
                        await asyncio.sleep(0.005)
                await client.send(client_frame(1, b"late"))
            return await settled(server)

    report = run(scenario())
    gc.collect()
    assert (report.mismatch_count, caplog.messages) == (1, [])
