"""One frame of 64 MiB: when does its first byte arrive, and how much of it is in memory at a time?"""

import time
from typing import ClassVar

from bench import process, wire
from bench.client import Client
from bench.contestants import MITM_WEBSOCKET, Contestant, Relay
from bench.device import STAMP_AT
from bench.scale import MIB, Scale
from bench.workloads import GO, Row, Workload


class LargeFrame(Workload):
    """The device writes the time of sending into the payload; the clock is the machine's."""

    name: ClassVar[str] = "large-frame"
    memory: ClassVar[bool] = True

    def rows(self, scale: Scale) -> tuple[Row, ...]:
        title = f"{scale.large_frame_bytes // MIB} MiB frame"
        return (
            Row("frame_first_byte", f"{title}, first byte", "ms"),
            Row("frame_peak", f"{title}, peak RSS over idle", "MiB"),
        )

    def skips(self, contestant: Contestant, scale: Scale) -> bool:
        return contestant == MITM_WEBSOCKET and not scale.slow_large_frame

    def measure(self, relay: Relay, scale: Scale) -> dict[str, float]:
        size, number = scale.large_frame_bytes, next(relay.floods)
        idle = process.watch(relay.pid)
        with Client(relay.port, f"/large/{size}/{number}") as client:
            client.send(GO)
            first = client.receive_some()
            arrived_ns = time.monotonic_ns()
            beginning = bytes(first)
            while len(beginning) < STAMP_AT + 8:
                beginning += client.receive_some()
            end = wire.server_frame(wire.end_payload(number))
            client.receive(STAMP_AT + size + len(end) - len(beginning))
            relay.wait_committed(number)
        sent_ns = int.from_bytes(beginning[STAMP_AT : STAMP_AT + 8], "big")
        figures = {"frame_first_byte": (arrived_ns - sent_ns) / 1e6}
        if relay.pid is not None and idle is not None:
            figures["frame_peak"] = (process.peak_kib(relay.pid) - idle) / 1024
        return figures
