"""The device: a process of its own on a raw socket that costs as little as it can.

The path of the request says what it does after the opening handshake: `/echo/100` answers every client frame
of 100 bytes with one of its own, `/flood/100/5000/7` waits for one client frame and sends 5000 messages of
100 bytes and the end of flood 7, `/large/67108864/7` waits too and sends one frame that begins with the time
it was sent.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable

from bench import wire

STAMP_AT = len(wire.header(1 << 16, wire.BINARY))


def echo(connection: socket.socket, size: int) -> None:
    """Answer each client frame of `size` bytes of payload; the client sends one at a time."""
    expected = len(wire.client_frame(bytes(size)))
    reply = wire.server_frame(b"x" * size)
    buffer = bytearray(expected)
    received = 0
    while count := connection.recv_into(buffer):
        received += count
        if received >= expected:
            received -= expected
            connection.sendall(reply)


def flood(connection: socket.socket, size: int, count: int, number: int) -> None:
    """Wait for the client to say go, send as fast as the socket takes it, stay until the client leaves."""
    connection.recv(1 << 16)
    for data in wire.flood(size, count, number):
        connection.sendall(data)
    connection.recv(1)


def large(connection: socket.socket, size: int, number: int) -> None:
    """Wait for go, send one frame whose payload begins with the monotonic time of sending, in nanoseconds."""
    data = bytearray(wire.server_frame(bytes(size), wire.BINARY))
    connection.recv(1 << 16)
    data[STAMP_AT : STAMP_AT + 8] = time.monotonic_ns().to_bytes(8, "big")
    connection.sendall(data)
    connection.sendall(wire.server_frame(wire.end_payload(number)))
    connection.recv(1)


SCENES: dict[bytes, Callable[..., None]] = {b"echo": echo, b"flood": flood, b"large": large}


def serve(connection: socket.socket) -> None:
    """Play one connection from its opening handshake to the end."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, contextlib.suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(1 << 16)
            if not data:
                return
            head += data
        name, *numbers = head.split(b" ", 2)[1].strip(b"/").split(b"/")
        connection.sendall(wire.RESPONSE)
        SCENES[name](connection, *map(int, numbers))


def main() -> None:
    """Listen on a free port of 127.0.0.1, print the port, serve until killed."""
    threading.stack_size(1 << 18)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(listener.getsockname()[1], flush=True)
        parent = os.getppid()
        listener.settimeout(2)
        while os.getppid() == parent:
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                connection.settimeout(None)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
