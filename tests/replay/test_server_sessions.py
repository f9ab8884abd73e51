"""What a replayed device says is the recording's, fitted to the client: chosen, varied, as it was sent."""

import json
import sqlite3
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.devices.endpoints import Route, connect
from tests.replay.served import FIN, run, running, settled
from tests.replay.sessions import AT_ONCE, MS, Chunk, answers, closing, opened, record, says, start
from tests.store.recording import AT, recording_to
from tests.wire.build import client_frame, deflated, frame
from tests.wire.handshakes import ACCEPT, REQUEST, RESPONSE, request, response
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import compute_accept
from wsproxy.replay.model import ReplayOptions
from wsproxy.replay.report import ReplayReport
from wsproxy.store.model import ChangeKind
from wsproxy.store.redaction import Redaction
from wsproxy.store.session_recorder import Changed


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


VARYING = replace(AT_ONCE, match="json", vary=("/id",))


def lines(report: ReplayReport, starts: str | tuple[str, ...]) -> list[str]:
    """The lines of a report that begin so, times left out."""
    found = (line.strip().lstrip("0123456789. ") for line in report.text.splitlines())
    return [line for line in found if line.startswith(starts)]


def test_the_report_shows_what_was_sent_with_the_values_of_this_run(path: Path) -> None:
    agreed = response(b"Sec-WebSocket-Extensions: permessage-deflate")
    first = frame(1, b'{"id":"abc1","ok":true}') + frame(9, b'{"id":"abc1"}') + frame(1, b'{"id":"abc2"}')
    squeezed = frame(1, deflated(b'{"seen":1,"id":"abc1"}')[0], rsv=4)
    cut = frame(1, b'{"n":2,"id"', fin=False), frame(0, b':"abc1"}')
    answer = [Chunk(Side.SERVER, data) for data in (first, squeezed, *cut)]
    record(path, [says('{"id":"abc1","ask":1}'), *answer, FIN], begin=start(response=agreed))

    async def scenario() -> None:
        async with running(path, VARYING) as server:
            client = await opened(server, REQUEST, agreed)
            with closing(client):
                await client.send(client_frame(1, b'{"id":"q1","ask":1}'))
                await client.expect_end()
            assert client.received.bytes[len(agreed) :].startswith(frame(1, b'{"id":"q1","ok":true}'))
            report = await settled(server)
            assert lines(report, "<-") == [
                '<- text {"id":"q1","ok":true}',
                '<- ping {"id":"q1"}',
                '<- text {"id":"abc2"}',
                '<- text {"seen":1,"id":"q1"}',
                '<- text {"n":2,"id":"q1"}',
            ]
            assert [line.message.length for line in report.transcript[-2:]] == [20, 17]

    run(scenario())


def test_the_report_leaves_values_that_vary_out_of_a_difference(path: Path) -> None:
    chunks = [says('{"id":"abc1","ask":1}'), answers('{"id":"abc1"}'), says('{"id":"abc2","ask":2}')]
    record(path, chunks)

    async def scenario(options: ReplayOptions, wanted: list[str]) -> None:
        async with running(path, options) as server:
            client = await opened(server)
            with closing(client):
                await client.send(client_frame(1, b'{"id":"q1","ask":1}'))
                await client.send(client_frame(1, b'{"id":"q2","ask":3}'))
                await client.expect_end()
            report = await settled(server)
            assert lines(report, ("- ", "+ ")) == wanted

    run(scenario(VARYING, ['-   "ask": 2,', '+   "ask": 3,']))
    run(scenario(replace(AT_ONCE, match="json:/id"), ['-   "ask": 2,', '+   "ask": 3,']))
    # What no pattern is found in is compared exactly: there the value counts.
    both = ['-   "ask": 2,', '-   "id": "abc2"', '+   "ask": 3,', '+   "id": "q2"']
    run(scenario(replace(VARYING, match='regex:"ask":(1)'), both))


def test_the_report_shows_no_secret_that_is_carried(path: Path) -> None:
    rules = Redaction.of(["json:/token"])
    chunks = [says('{"token":"s3cret","ask":1}'), answers('{"token":"s3cret","ok":1}'), FIN]
    record(path, chunks, redaction=rules)

    async def scenario() -> None:
        async with running(path, replace(VARYING, vary=("/token",))) as server:
            client = await opened(server)
            with closing(client):
                await client.send(client_frame(1, b'{"token":"mine","ask":1}'))
                await client.expect(frame(1, b'{"token":"mine","ok":1}'))
                await client.expect_end()
            (sent,) = lines(await settled(server), "<-")
            assert "mine" not in sent
            assert '"ok":1' in sent

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
