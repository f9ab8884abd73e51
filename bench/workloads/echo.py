"""One message of 100 bytes there and back, one at a time."""

from time import perf_counter_ns
from typing import ClassVar

from bench import wire
from bench.client import Client
from bench.contestants import Relay
from bench.scale import Scale
from bench.stats import percentile
from bench.workloads import Row, Workload

SIZE = 100


class Echo(Workload):
    """What the relay adds to a question and its answer."""

    name: ClassVar[str] = "echo"

    def rounds(self, scale: Scale) -> int:
        # Which processes share a core differs from round to round and matters more here than anywhere else.
        return scale.echo_rounds

    def rows(self, scale: Scale) -> tuple[Row, ...]:
        return Row("echo_p50", "echo 100 B, p50", "us"), Row("echo_p99", "echo 100 B, p99", "us")

    def measure(self, relay: Relay, scale: Scale) -> dict[str, float]:
        question = wire.client_frame(b"x" * SIZE)
        answer_bytes = len(wire.server_frame(b"x" * SIZE))
        times = []
        with Client(relay.port, f"/echo/{SIZE}") as client:
            for _ in range(scale.echoes + scale.echoes // 10):
                start = perf_counter_ns()
                client.send(question)
                client.receive(answer_bytes)
                times.append((perf_counter_ns() - start) / 1000)
        warm = times[-scale.echoes :]
        return {"echo_p50": percentile(warm, 50), "echo_p99": percentile(warm, 99)}
