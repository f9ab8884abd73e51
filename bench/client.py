"""The client: a blocking socket in this process that counts bytes and otherwise stays out of the way."""

import socket
from types import TracebackType

from bench import wire

TIMEOUT_S = 90.0


class BenchError(Exception):
    """A measurement could not be made; its text goes into the table's notes."""


class Client:
    """One session with the device, through a contestant."""

    def __init__(self, port: int, path: str) -> None:
        """Open it: connect to `port` of 127.0.0.1, ask for `path`, wait for the 101."""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(1 << 20)
        try:
            self.head = self._handshake(port, path)
        except BaseException:
            self.socket.close()
            raise

    def _handshake(self, port: int, path: str) -> bytes:
        self.socket.sendall(wire.REQUEST % (path.encode(), port))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = self.socket.recv(1 << 16)
            if not data:
                raise BenchError("closed in the opening handshake")
            head += data
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise BenchError(f"no 101: {head[:80]!r}")
        return head

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def receive_some(self) -> memoryview:
        """What one read gives, at most 1 MiB, in a buffer that the next read uses again."""
        count = self.socket.recv_into(self.buffer)
        if not count:
            raise BenchError("closed before the last byte")
        return memoryview(self.buffer)[:count]

    def receive(self, length: int) -> None:
        """Read `length` bytes and look at none of them."""
        while length > 0:
            count = self.socket.recv_into(self.buffer)
            if not count:
                raise BenchError(f"closed {length} bytes before the end")
            length -= count
        if length < 0:
            raise BenchError(f"{-length} bytes more than the device sent")
