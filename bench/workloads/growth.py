"""A session of 1 GiB: what the relay holds afterwards that it did not hold before."""

from typing import ClassVar

from bench import process, wire
from bench.client import Client
from bench.contestants import Relay
from bench.scale import MIB, Scale
from bench.workloads import GO, Row, Workload


class Growth(Workload):
    """Messages of 1 MiB; measured from the opened session to its last byte, before it is closed."""

    name: ClassVar[str] = "growth"
    memory: ClassVar[bool] = True

    def rows(self, scale: Scale) -> tuple[Row, ...]:
        return (Row("growth", f"RSS growth over {scale.growth_bytes // MIB} MiB", "MiB"),)

    def measure(self, relay: Relay, scale: Scale) -> dict[str, float]:
        if relay.pid is None or not process.AVAILABLE:
            return {}
        number, size = next(relay.floods), MIB
        count = scale.growth_bytes // size
        with Client(relay.port, f"/flood/{size}/{count}/{number}") as client:
            before = process.settled_kib(relay.pid)
            client.send(GO)
            client.receive(wire.flood_length(size, count, number))
            relay.wait_committed(number)
            grown = process.settled_kib(relay.pid) - before
        return {"growth": grown / 1024}
