"""The replayed device, byte by byte: clients on raw sockets."""

import asyncio
import gc
import json
import resource
import sqlite3
import zlib
from collections.abc import Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.devices.endpoints import Route, connect
from tests.devices.peer import Peer
from tests.replay.sessions import AT_ONCE, MS, Chunk, answers, closing, opened, record, says, start
from tests.store.recording import AT, recording_to
from tests.wire.build import client_frame, close, deflated, frame
from tests.wire.handshakes import ACCEPT, REQUEST, RESPONSE, request, response
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import compute_accept
from wsproxy.replay.model import OnMismatch, ReplayOptions
from wsproxy.replay.report import ReplayReport
from wsproxy.replay.server import ReplayServer
from wsproxy.store.model import ChangeKind
from wsproxy.store.redaction import Redaction
from wsproxy.store.session_recorder import Changed

PING, PONG, CLOSE = 0x9, 0xA, 0x8
FIN = Chunk(Side.SERVER, end="fin")


@asynccontextmanager
async def running(path: Path, options: ReplayOptions = AT_ONCE, **settings: Any) -> Any:
    server = ReplayServer(str(path), (), options, **settings)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def settled(server: ReplayServer) -> ReplayReport:
    await server.settle()
    return server.report()


def run[T](work: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(30):
            return await work

    return asyncio.run(bounded())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.db"


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


@pytest.mark.parametrize("right", [True, False])
def test_accept_is_computed_for_this_clients_key_as_the_device_did_it(path: Path, right: bool) -> None:
    recorded = RESPONSE if right else RESPONSE.replace(ACCEPT, b"sec-websocket-ACCEPT:" + compute_accept(b""))
    record(path, [answers("hello")], begin=start(response=recorded))
    key = b"x3JJHMbDL1EzLkh9GBhXDw=="
    asks = REQUEST.replace(b"dGhlIHNhbXBsZSBub25jZQ==", key)
    gets = RESPONSE.replace(ACCEPT, b"Sec-WebSocket-Accept: " + compute_accept(key)) if right else recorded

    async def scenario(options: ReplayOptions, expected: bytes) -> None:
        async with running(path, options) as server:
            client = await opened(server, asks, expected)
            with closing(client):
                await client.expect(frame(1, b"hello"))

    run(scenario(AT_ONCE, gets))
    run(scenario(replace(AT_ONCE, exact_handshake=True), recorded))


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


def test_values_of_this_run_are_carried_into_what_the_device_sends(path: Path) -> None:
    agreed = response(b"Sec-WebSocket-Extensions: permessage-deflate")
    recorded = [b'{"reply_to":"id-0000001","ok":true}', b'{"seen":"id-0000001"}']
    squeezed = deflated(*recorded)
    chunks = [
        says('{"id":"id-0000001","ask":1}'),
        Chunk(Side.SERVER, frame(1, squeezed[0], rsv=4)),
        Chunk(Side.SERVER, frame(1, squeezed[1], rsv=4)),
        answers("plain"),
        FIN,
    ]
    record(path, chunks, begin=start(response=agreed))

    async def scenario() -> None:
        async with running(path, replace(AT_ONCE, vary=("/id",))) as server:
            client = await opened(server, REQUEST, agreed)
            with closing(client):
                await client.send(client_frame(1, b'{"id":"id-77","ask":1}'))
                await client.expect_end()
                inflate = zlib.decompressobj(-15)
                received = bytes(client.received.bytes[len(agreed) :])
                assert received.endswith(frame(1, b"plain"))
                size = received[1]
                first = inflate.decompress(received[2 : 2 + size] + b"\x00\x00\xff\xff")
                assert json.loads(first) == {"reply_to": "id-77", "ok": True}
                second = received[2 + size :]
                assert inflate.decompress(second[2 : 2 + second[1]] + b"\x00\x00\xff\xff") == (
                    b'{"seen":"id-77"}'
                )
            assert (await settled(server)).mismatches == ()

    run(scenario())


def test_a_recording_without_its_secrets_is_still_replayed(path: Path) -> None:
    rules = Redaction.of(["json:/token", "query:access_token", r"regex:/devices/(\w+)"])
    asks = request(start=b"GET /devices/s3cret/chat?access_token=s3cret HTTP/1.1")
    chunks = [says('{"token":"s3cret","ask":1}'), answers("welcome")]
    record(path, chunks, begin=start(request=asks), redaction=rules)
    assert b"s3cret" not in path.read_bytes()

    async def scenario() -> None:
        async with running(path) as server:
            client = await opened(server, asks.replace(b"s3cret", b"another"))
            with closing(client):
                await client.send(client_frame(1, b'{"token":"mine","ask":1}'))
                await client.expect(frame(1, b"welcome"))
            assert (await settled(server)).mismatches == ()

    run(scenario())


def test_the_first_message_chooses_among_sessions_that_begin_alike(path: Path) -> None:
    record(path, *([says(name), answers(f"you are {name}")] for name in ("ann", "bob", "eve")))

    async def scenario(options: ReplayOptions) -> list[int | None]:
        async with running(path, options) as server:
            for name in (b"eve", b"ann", b"bob"):
                client = await opened(server)
                with closing(client):
                    await client.send(client_frame(1, name))
                    await client.expect(frame(1, b"you are " + name))
            return [each.session for each in (await settled(server)).connections]

    assert run(scenario(AT_ONCE)) == [3, 1, 2]
    assert run(scenario(replace(AT_ONCE, loop=True))) == [3, 1, 2]


def test_what_the_client_was_sent_can_be_played_instead(path: Path) -> None:
    with recording_to(path) as recorder:
        session = recorder.open_session(start())
        session.receive_data(Side.SERVER, frame(1, b"wrong") + frame(1, b"same"), AT + MS)
        session.receive_data(Side.CLIENT, client_frame(1, b"go"), AT + 2 * MS)
        session.receive_data(Side.SERVER, frame(1, b"gone") + frame(1, b"last"), AT + 3 * MS)
        session.change(Changed(ChangeKind.REPLACED, Side.SERVER, 0, 7, frame(1, b"right!")), AT + MS)
        session.change(Changed(ChangeKind.INJECTED, Side.SERVER, 13, 13, frame(1, b"extra")), AT + MS)
        session.change(Changed(ChangeKind.DROPPED, Side.SERVER, 13, 19, b""), AT + 3 * MS)
        session.end(AT + 4 * MS)
    first = frame(1, b"right!") + frame(1, b"same") + frame(1, b"extra")

    async def scenario() -> None:
        async with running(path, replace(AT_ONCE, as_sent=True)) as server:
            client = await opened(server)
            with closing(client):
                await client.expect(first)
                await client.send(client_frame(1, b"go"))
                await client.expect(frame(1, b"last"))
            assert (await settled(server)).mismatches == ()

    run(scenario())


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


def test_a_client_that_did_not_offer_what_was_agreed_is_noted(path: Path) -> None:
    agreed = response(b"Sec-WebSocket-Protocol: chat", b"Sec-WebSocket-Extensions: permessage-deflate")
    record(path, [answers("hello")], begin=start(request(), agreed))

    async def scenario() -> tuple[str, ...]:
        async with running(path) as server:
            client = await opened(server, REQUEST, agreed)
            client.close()
            await client.gone()
            return (await settled(server)).connections[0].notes

    notes = run(scenario())
    assert "subprotocol chat" in notes[0]
    assert "permessage-deflate" in notes[1]


def test_a_dialect_of_somebodys_own_is_no_file_to_run(path: Path) -> None:
    trap = path.with_suffix(".py")
    trap.write_text("open(__file__ + '.ran', 'w')\n")
    record(path, [answers("hello")])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE sessions SET server_dialect = ?", (str(trap),))

    async def scenario() -> ReplayReport:
        async with running(path) as server:
            client = await connect(Route(server.port))
            with closing(client):
                await client.send(REQUEST)
                await client.expect_end()
            return await settled(server)

    (mismatch,) = run(scenario()).mismatches
    assert "dialect" in mismatch.what
    assert not Path(f"{trap}.ran").exists()


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
