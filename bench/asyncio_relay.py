"""The least a relay in Python can do: two `asyncio.Protocol`s that write to each other, with back-pressure.

`python -m bench.asyncio_relay DEVICE_PORT PORT`
"""

import asyncio
import sys
from typing import cast


class Leg(asyncio.Protocol):
    """One of the two connections."""

    def __init__(self, other: "Leg | None" = None) -> None:
        self.other = other
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.other and self.other.transport:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other and self.other.transport:
            self.other.transport.close()


class ClientLeg(Leg):
    """The client's connection: reads nothing before the device's is there."""

    def __init__(self, device_port: int) -> None:
        super().__init__()
        self.device_port = device_port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        cast(asyncio.Transport, transport).pause_reading()
        self.opening = asyncio.ensure_future(self.open_device())

    async def open_device(self) -> None:
        loop = asyncio.get_running_loop()
        _, self.other = await loop.create_connection(lambda: Leg(self), "127.0.0.1", self.device_port)
        if self.transport:
            self.transport.resume_reading()


async def main(device_port: int, port: int) -> None:
    """Relay from `port` to `device_port` until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: ClientLeg(device_port), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
