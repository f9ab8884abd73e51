"""Many sessions in which nothing happens: what each of them holds."""

from contextlib import ExitStack
from typing import ClassVar

from bench import process
from bench.client import Client
from bench.contestants import PING, PONG_BYTES, Relay
from bench.scale import Scale
from bench.workloads import Row, Workload


class Idle(Workload):
    """Each session has seen one small message each way."""

    name: ClassVar[str] = "idle"
    memory: ClassVar[bool] = True

    def rows(self, scale: Scale) -> tuple[Row, ...]:
        return (Row("idle", f"{scale.idle_sessions} idle sessions, each", "KiB"),)

    def measure(self, relay: Relay, scale: Scale) -> dict[str, float]:
        if relay.pid is None or not process.AVAILABLE:
            return {}
        before = process.settled_kib(relay.pid)
        with ExitStack() as sessions:
            for _ in range(scale.idle_sessions):
                client = sessions.enter_context(Client(relay.port, "/echo/1"))
                client.send(PING)
                client.receive(PONG_BYTES)
                client.buffer = bytearray()
            held = process.settled_kib(relay.pid) - before
        return {"idle": held / scale.idle_sessions}
