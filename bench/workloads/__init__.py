"""One file a workload: what is sent, what is timed, which rows of the table it fills."""

from abc import ABC, abstractmethod
from time import perf_counter
from typing import ClassVar, NamedTuple

from bench import wire
from bench.client import Client
from bench.contestants import Contestant, Relay
from bench.scale import Scale

GO = wire.client_frame(b"go")


class Row(NamedTuple):
    """One row of the table."""

    key: str
    title: str
    unit: str

    @property
    def is_memory(self) -> bool:
        """Whether its figures are differences, which may be around zero."""
        return self.unit in ("KiB", "MiB")


class Workload(ABC):
    """Measures one relay; every round gives one figure for each of its rows."""

    name: ClassVar[str]
    memory: ClassVar[bool] = False
    """Whether it looks at memory: then every round starts new relays, fewer rounds do, direct is left out."""

    def rounds(self, scale: Scale) -> int:
        """How often it is repeated."""
        return scale.memory_rounds if self.memory else scale.rounds

    @abstractmethod
    def rows(self, scale: Scale) -> tuple[Row, ...]:
        """The rows it fills."""

    @abstractmethod
    def measure(self, relay: Relay, scale: Scale) -> dict[str, float]:
        """One round: a figure for each row, by its key."""

    def skips(self, contestant: Contestant, scale: Scale) -> bool:
        """Whether this contestant has no figures here."""
        return self.memory and contestant.command is None


def timed_flood(relay: Relay, size: int, count: int) -> float:
    """Seconds from go until the last byte is at the client and, where the relay records, committed."""
    number = next(relay.floods)
    with Client(relay.port, f"/flood/{size}/{count}/{number}") as client:
        start = perf_counter()
        client.send(GO)
        client.receive(wire.flood_length(size, count, number))
        relay.wait_committed(number)
        elapsed = perf_counter() - start
    relay.verify(wire.flood(size, count, number))
    return elapsed


def flood_count(relay: Relay, size: int, seconds: float) -> int:
    """How many messages of `size` bytes this relay passes on in about `seconds`, by trying; at most 4 GiB."""
    count, most = max(4, (256 << 10) // size), (4 << 30) // size
    while True:
        elapsed = timed_flood(relay, size, count)
        if elapsed >= seconds / 4 or count >= most:
            return min(most, max(1, round(count * seconds / elapsed)))
        count *= 4
