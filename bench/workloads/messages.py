"""As many messages as the relay takes, device to client, until the last one is there and committed."""

from typing import ClassVar

from bench import process
from bench.contestants import Relay
from bench.scale import MIB, Scale
from bench.workloads import Row, Workload, flood_count, timed_flood


class Messages(Workload):
    """Messages of one size; how many is found out first, so that fast and slow relays work equally long."""

    size: ClassVar[int]

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def rate(self, relay: Relay, scale: Scale) -> float:
        """Messages a second."""
        key = relay.contestant.key
        if key not in self.counts:
            self.counts[key] = flood_count(relay, self.size, scale.flood_seconds)
        return self.counts[key] / timed_flood(relay, self.size, self.counts[key])


class SmallMessages(Messages):
    """100 B, where the cost of a message counts."""

    name: ClassVar[str] = "small"
    size: ClassVar[int] = 100

    def rows(self, scale: Scale) -> tuple[Row, ...]:
        return (
            Row("small_rate", "100 B messages", "/s"),
            Row("small_peak", "100 B messages, peak RSS over idle", "MiB"),
        )

    def measure(self, relay: Relay, scale: Scale) -> dict[str, float]:
        idle = process.watch(relay.pid)
        figures = {"small_rate": self.rate(relay, scale)}
        if relay.pid is not None and idle is not None:
            figures["small_peak"] = (process.peak_kib(relay.pid) - idle) / 1024
        return figures


class LargeMessages(Messages):
    """1 MiB, where the cost of a byte counts."""

    name: ClassVar[str] = "large"
    size: ClassVar[int] = MIB

    def rows(self, scale: Scale) -> tuple[Row, ...]:
        return (Row("large_rate", "1 MiB messages", "MB/s"),)

    def measure(self, relay: Relay, scale: Scale) -> dict[str, float]:
        return {"large_rate": self.rate(relay, scale) * self.size / 1e6}
