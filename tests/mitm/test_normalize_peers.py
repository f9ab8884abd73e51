"""A weak client and a strict server over TLS, brought together."""

import asyncio
import base64
import uuid
from pathlib import Path

from websockets.asyncio.server import Server, ServerConnection, serve

from tests.devices.certificates import device_tls
from tests.devices.endpoints import LOOPBACK, Route, connect
from tests.devices.loop import LoopThread
from tests.devices.peer import PATIENCE_S, Peer
from tests.mitm.inside import inside
from tests.wire.build import CLOSE, TEXT, client_frame, close, lines, words
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.frame import Frame
from wsproxy.store.reader import open_recording

KEY = str(uuid.UUID(int=7)).encode()
LARGEST = 65_535
REQUEST = lines(
    b"GET /chat HTTP/1.1",
    b"Host: server",
    b"upgrade: WebSocket",
    b"Connection: upgrade",
    b"Sec-Websocket-Key: " + KEY,
    b"Sec-Websocket-Version: 13",
)
PROFILE = f"""
include = ["strict"]
[options.client]
frame_limit = {LARGEST}
answer_pings = "at-once"
[options.server]
retype = {{ "*" = "text" }}
"""
LARGE = words(200_000)


async def strict_server(connection: ServerConnection) -> None:
    """Goes on only while its pings are answered."""
    assert connection.request is not None
    assert len(base64.b64decode(connection.request.headers["Sec-WebSocket-Key"])) == 16
    await connection.send(LARGE.decode())
    await connection.send(b"binary")
    for _ in range(3):
        await asyncio.wait_for(await connection.ping(), PATIENCE_S)
    await connection.send("pinged")
    async for message in connection:
        await connection.send(f"heard {message!s}")


def frames_of(client: Peer, begin: int) -> list[Frame]:
    """What a client got behind the response head."""
    events = FrameDecoder(piece_limit=1 << 24).receive_data(bytes(client.received.bytes[begin:]))
    return [event for event in events if isinstance(event, Frame)]


async def talk(port: int) -> list[Frame]:
    """The weak client: it never answers a ping."""
    client = await connect(Route(port))
    await client.send(REQUEST)
    begin = len(await client.expect_head())
    await client.until(lambda: bytes(client.received.bytes).endswith(b"pinged"), "an answer after pings")
    await client.send(client_frame(TEXT, b"hello"))
    await client.until(lambda: bytes(client.received.bytes).endswith(b"heard hello"), "an answer")
    frames = frames_of(client, begin)
    await client.send(client_frame(CLOSE, close(1000)))
    await client.expect_end()
    client.close()
    await client.gone()
    return frames


def test_a_weak_client_works_with_a_strict_server_over_tls(loop: LoopThread, tmp_path: Path) -> None:
    profile, place = tmp_path / "weak.toml", tmp_path / "weak.db"
    profile.write_text(PROFILE)

    async def start() -> Server:
        return await serve(strict_server, LOOPBACK, 0, ssl=device_tls(tmp_path), ping_interval=0.2)

    server = loop.run(start())
    (listening,) = server.sockets
    mode = f"reverse:https://{LOOPBACK}:{listening.getsockname()[1]}"
    try:
        with inside(mode=mode, insecure=True, normalize=str(profile), recording=str(place)) as proxy:
            frames = loop.run(talk(proxy.port))
    finally:
        loop.loop.call_soon_threadsafe(server.close)
    assert {frame.opcode for frame in frames} <= {TEXT, 0}
    assert all(frame.header[1] != 127 for frame in frames)
    large = b"".join(frame.payload for frame in frames)
    assert large.startswith(LARGE + b"binary")
    with open_recording(str(place)) as recording:
        rules = {rule for change in recording.changes(1) for rule in change.rules}
        found = {finding.rule_id for finding in recording.findings(1) if finding.repaired}
    assert {"frame.too-large", "message.wrong-opcode"} <= rules
    assert "handshake.request.key" in found
