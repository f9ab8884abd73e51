"""The emulated box hangs those whom the real one hangs, and answers those whom it answers."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from websockets.asyncio.client import connect

from wsproxy.demo.device import PATH, start_device, status_document

PATIENCE_S = 20.0
SILENCE_S = 0.3
# RFC 6455 section 1.3 has this pair.
KEY, ACCEPT = b"dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
FRAME_HEAD = bytes.fromhex("81 7E 06 A7")

type Client = Callable[[int], Coroutine[Any, Any, None]]


def with_device(client: Client) -> None:
    """Run a client against the box."""

    async def run() -> None:
        server = await start_device(port=0)
        async with asyncio.timeout(PATIENCE_S):
            await client(server.sockets[0].getsockname()[1])
        server.close()

    asyncio.run(run())


async def ask(port: int, *lines: bytes, size: int) -> tuple[bytes, bool]:
    """The first `size` bytes of the answer to a request of these lines, and whether silence follows them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(line + b"\r\n" for line in (b"GET " + PATH.encode() + b" HTTP/1.1", *lines, b"")))
    answer = await reader.readexactly(size)
    try:
        silent = not await asyncio.wait_for(reader.read(1), SILENCE_S)
    except TimeoutError:
        silent = True
    writer.close()
    return answer, silent


HEAD_SIZE = 129


def test_the_document_is_the_one_of_the_story() -> None:
    assert len(status_document()) == 1703 == 0x06A7
    assert status_document().startswith(b"{")


@pytest.mark.parametrize(
    "line",
    [
        b"upgrade: websocket",
        b"Upgrade: Websocket",
        b"Upgrade: WebSocket",
        b"Upgrade:websocket",
        b"Upgrade: websocket ",
    ],
)
def test_other_spellings_get_a_perfect_101_and_silence(line: bytes) -> None:
    async def client(port: int) -> None:
        lines = (line, b"Connection: Upgrade", b"Sec-WebSocket-Key: " + KEY)
        answer, silent = await ask(port, *lines, size=HEAD_SIZE)
        assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        assert b"\r\nSec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n" in answer
        assert silent

    with_device(client)


@pytest.mark.parametrize("name", [b"Sec-WebSocket-Key", b"Sec-Websocket-Key", b"sec-websocket-key"])
def test_the_exact_line_gets_the_status(name: bytes) -> None:
    async def client(port: int) -> None:
        frame = FRAME_HEAD + status_document()
        answer, silent = await ask(
            port, b"Upgrade: websocket", name + b": " + KEY, size=HEAD_SIZE + len(frame)
        )
        assert answer.endswith(b"\r\n\r\n" + frame)
        assert silent

    with_device(client)


def test_a_request_without_a_key_gets_the_frame_alone() -> None:
    async def client(port: int) -> None:
        frame = FRAME_HEAD + status_document()
        answer, silent = await ask(port, b"Connection: Upgrade", b"Upgrade: websocket", size=len(frame))
        assert answer == frame
        assert silent

    with_device(client)


def test_plain_http_is_answered_again_and_again() -> None:
    async def client(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for path, status in ((PATH.encode(), b"200"), (b"/no", b"404"), (PATH.encode() + b"?a=1", b"200")):
            writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.split()[1] == status
            length = re.search(rb"Content-Length: (\d+)", head)
            assert length
            body = await reader.readexactly(int(length[1]))
            assert (body == status_document()) is (status == b"200")
        writer.close()

    with_device(client)


def test_a_client_library_gets_the_status_and_closes() -> None:
    async def client(port: int) -> None:
        async with connect(f"ws://127.0.0.1:{port}{PATH}", proxy=None) as connection:
            assert await connection.recv() == status_document().decode()
            await (await connection.ping(b"a"))
        assert connection.close_code == 1000

    with_device(client)


@pytest.mark.parametrize("data", [b"", b"\x81\x05Hello", b"\x00" * 70000, b"GET / HTTP/1.1\r\nUpgr"])
def test_nothing_a_client_sends_breaks_it(data: bytes) -> None:
    async def client(port: int) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        writer.close()
        answer, _ = await ask(port, b"Upgrade: websocket", size=4)
        assert answer == FRAME_HEAD

    with_device(client)


def test_it_runs_by_itself_until_it_is_told_to_end() -> None:
    command = [sys.executable, "-m", "wsproxy.demo.device", "--port", "0"]
    device = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert device.stderr is not None
        line = device.stderr.readline()
        found = re.search(r"ws://127\.0\.0\.1:(\d+)" + PATH, line)
        assert found, line
        with socket.create_connection(("127.0.0.1", int(found[1])), PATIENCE_S) as client:
            client.sendall(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
            assert client.recv(4) == FRAME_HEAD
            taken = subprocess.run(
                [*command[:-1], found[1]], capture_output=True, text=True, timeout=PATIENCE_S, check=False
            )
        device.send_signal(signal.SIGTERM if os.name == "posix" else signal.SIGINT)
        assert device.wait(PATIENCE_S) == 0
    finally:
        device.kill()
        device.wait()
        if device.stderr:
            device.stderr.close()
    assert taken.returncode == 3
    assert len(taken.stderr.splitlines()) == 1
    assert "choose another --port" in taken.stderr
