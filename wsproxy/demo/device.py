"""A Sky Q set-top box, emulated on a raw socket with everything that made clients hang on it.

The box speaks HTTP well: any request with a key gets a perfect 101. What pushes its status, behind that,
looks for the exact line `Upgrade: websocket`; where a client spelt the name or the value otherwise,
nothing is ever sent. A request without a key, as typed into `nc`, is answered with the frame alone,
without any response head.

Run it with `python -m wsproxy.demo.device`.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from importlib.resources import files

from wsproxy.mitm.interrupts import signals_wake_the_loop, stopped_by_signals
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.frame import Frame, Side
from wsproxy.protocol.grammar import build_frame
from wsproxy.protocol.handshake import HeadReader, RequestHead, compute_accept, parse_request_head
from wsproxy.protocol.opcodes import Opcode

PATH = "/as/system/status"
PORT = 9006
_NEEDED_LINE = b"Upgrade: websocket"
_READ_SIZE = 1 << 16
_CONNECTION_ENDED = (ConnectionError, TimeoutError)


def status_document() -> bytes:
    """The status of the box as it sends it: 1703 bytes of JSON."""
    return files("wsproxy.demo").joinpath("status.json").read_bytes()


async def start_device(host: str = "127.0.0.1", port: int = PORT) -> asyncio.Server:
    """Listen as the box does; port 0 takes a free one. Raises OSError where that is not possible."""
    return await asyncio.start_server(_serve, host, port)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        rest: bytes | None = b""
        while rest is not None:
            rest = await _answer(reader, writer, rest)
    except _CONNECTION_ENDED:
        pass
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rest: bytes) -> bytes | None:
    """Answer one request; returns what came after it, or None when the connection is done with."""
    heads = HeadReader(Side.CLIENT)
    head = heads.receive_data(rest)
    while head is None:
        data = await reader.read(_READ_SIZE)
        if not data:
            return None
        head = heads.receive_data(data)
    if heads.headless:
        return None
    request = parse_request_head(head)
    if "websocket" not in request.tokens("Upgrade"):
        writer.write(_plain_answer(request))
        await writer.drain()
        return heads.rest
    key = request.get("Sec-WebSocket-Key")
    if key:
        writer.write(_switching_protocols(key))
    if _NEEDED_LINE in request.raw.split(b"\r\n") or not key:
        writer.write(build_frame(Opcode.TEXT, status_document()).serialize())
    await writer.drain()
    await _listen(reader, writer, heads.rest)
    return None


def _switching_protocols(key: bytes) -> bytes:
    return (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + compute_accept(key) + b"\r\n"
        b"\r\n"
    )


def _plain_answer(request: RequestHead) -> bytes:
    found = request.target.partition(b"?")[0] == PATH.encode()
    status, body = (b"200 OK", status_document()) if found else (b"404 Not Found", b"{}")
    length = str(len(body)).encode()
    head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: " + length
    return head + b"\r\n\r\n" + body


async def _listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> None:
    """Answer pings and the Close frame until the client has gone."""
    decoder = FrameDecoder()
    while True:
        for event in decoder.receive_data(data):
            if not isinstance(event, Frame):
                continue
            if event.opcode == Opcode.PING:
                writer.write(build_frame(Opcode.PONG, event.payload).serialize())
            elif event.opcode == Opcode.CLOSE:
                writer.write(build_frame(Opcode.CLOSE, event.payload[:2]).serialize())
                return
        await writer.drain()
        data = await reader.read(_READ_SIZE)
        if not data:
            return


async def _run(host: str, port: int) -> None:
    server = await start_device(host, port)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.call_soon_threadsafe(ended.set)

    with stopped_by_signals(stop, for_good=True), signals_wake_the_loop():
        address = server.sockets[0].getsockname()
        print(f"An emulated Sky Q box: ws://{address[0]}:{address[1]}{PATH}", file=sys.stderr, flush=True)
        await ended.wait()
        server.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Be the device until Ctrl-C; returns the exit code, 3 where the address cannot be listened on."""
    parser = argparse.ArgumentParser(
        "python -m wsproxy.demo.device", description="An emulated Sky Q set-top box."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", default=PORT, type=int, help="port to listen on, 0 for a free one (default: %(default)s)"
    )
    chosen = parser.parse_args(arguments)
    try:
        asyncio.run(_run(chosen.host, chosen.port))
    except KeyboardInterrupt:
        return 130
    except (OSError, OverflowError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        print(
            f"{chosen.host}:{chosen.port} cannot be listened on ({reason}): choose another --port",
            file=sys.stderr,
        )
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
