"""What conforms: no finding, whoever wrote it."""

import asyncio
from collections.abc import Sequence

import websockets
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.conforming import Step, conforming_sessions, ordinary_sessions
from tests.conformance.sight import CLIENT, DEFLATE, OFFER, SERVER, SMALL, Sight, rules_of
from tests.wire.handshakes import request, response
from wsproxy.conformance.rules import Severity
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import HeadReader


@given(st.data(), st.sampled_from([None, DEFLATE]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_conforming_session_gives_no_finding_above_note(
    data: st.DataObject, deflate: DeflateParameters | None, split: bool
) -> None:
    steps: Sequence[Step] = data.draw(conforming_sessions(deflate))
    sight = Sight(request(OFFER), response(OFFER)) if deflate else Sight()
    for moment, (side, sent) in enumerate(steps):
        parts = [sent[at : at + 7] for at in range(0, len(sent), 7)] if split else [sent]
        for part in parts:
            sight.send(side, part, moment / 1000)
    if sight.session.close is not None:
        sight.eof(SERVER, len(steps) / 1000)
        sight.eof(CLIENT, len(steps) / 1000)
    sight.end(len(steps) / 1000)
    assert rules_of(sight.found, above=Severity.NOTE) == []


@given(st.data(), st.sampled_from([None, OFFER, SMALL]), st.sampled_from([7, 1 << 16]))
@settings(max_examples=60, deadline=None)
def test_an_ordinary_session_gives_no_finding(
    data: st.DataObject, extension: bytes | None, size: int
) -> None:
    deflate = DeflateParameters.from_extension_header(extension.decode()[26:]) if extension else None
    sight = Sight(request(extension), response(extension)) if extension else Sight()
    moment = 0.0
    for side, sent in data.draw(ordinary_sessions(deflate)):
        moment += 6
        for at in range(0, len(sent), size):
            sight.send(side, sent[at : at + size], moment)
    sight.eof(SERVER, moment)
    sight.eof(CLIENT, moment)
    sight.end(moment)
    assert sight.found == []


def test_a_session_of_websockets_gives_no_finding() -> None:
    sent = asyncio.run(_conversation())
    readers = {side: HeadReader(side) for side in Side}
    after: list[tuple[Side, bytes]] = []
    for side, data in sent:
        reader = readers[side]
        if reader.head is None:
            data = reader.rest if reader.receive_data(data) is not None else b""
        if data:
            after.append((side, data))
    asked, answered = readers[CLIENT].head, readers[SERVER].head
    assert asked
    assert answered
    assert b"permessage-deflate" in answered
    sight = Sight(asked, answered)
    for side, data in after:
        sight.send(side, data, 1)
    assert sight.session.close is not None
    sight.eof(SERVER, 1)
    sight.eof(CLIENT, 1)
    sight.end(1)
    assert rules_of(sight.found) == []


async def _conversation() -> list[tuple[Side, bytes]]:
    """What a client and a server of `websockets` write, in order, as something between them sees it."""
    sent: list[tuple[Side, bytes]] = []

    async def echo(connection: websockets.ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async def pump(side: Side, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            sent.append((side, data))
            writer.write(data)
        writer.close()

    async with websockets.serve(echo, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]

        async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(pump(CLIENT, reader, far_writer), pump(SERVER, far_reader, writer))

        relay = await asyncio.start_server(between, "127.0.0.1", 0)
        async with relay:
            url = f"ws://127.0.0.1:{relay.sockets[0].getsockname()[1]}/"
            async with asyncio.timeout(20), websockets.connect(url, max_size=None) as client:
                for message in ("hello", b"\x00\x01", '{"a": [{}, {}]}', "x" * 70_000, ["in ", "parts"]):
                    await client.send(message)
                    await client.recv()
                await (await client.ping(b"once"))
    return sent
