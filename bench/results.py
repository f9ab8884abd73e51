"""What a run found, as plain values, and the targets it is held against."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.contestants import ASYNCIO, MITM_WEBSOCKET, NORMALIZE, OBSERVE, RECORD
from bench.scale import Scale
from bench.stats import Figure
from bench.workloads import Row, decoding, replaying


@dataclass(slots=True)
class Results:
    """Every figure of a run by row and column (a contestant's key or a decoder's name)."""

    scale: Scale
    rows: list[Row] = field(default_factory=list)
    figures: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, column: str, round_figures: Mapping[str, float]) -> None:
        """Take in one round."""
        for row, value in round_figures.items():
            self.figures.setdefault((row, column), []).append(value)

    def figure(self, row: str, column: str) -> Figure | None:
        """One cell; None where nothing was measured."""
        values = self.figures.get((row, column))
        return Figure(tuple(values)) if values else None

    def median(self, row: str, column: str) -> float | None:
        """The median of one cell."""
        figure = self.figure(row, column)
        return figure.median if figure else None


@dataclass(frozen=True, slots=True)
class Target:
    """`column`'s figure in `row` over that of `peer` (itself when None): at most or at least `bound`."""

    title: str
    row: str
    column: str
    peer: str | None
    bound: float
    at_least: bool = False
    unit: str = "x"

    def value(self, results: Results) -> float | None:
        """The ratio (or the figure, without a peer); None where it was not measured."""
        own = results.median(self.row, self.column)
        other = results.median(self.row, self.peer) if self.peer else 1.0
        return None if own is None or not other else own / other

    def reached(self, value: float) -> bool:
        """Whether `value` is good enough."""
        return value >= self.bound if self.at_least else value <= self.bound


REC, STOCK, REPLAY = RECORD.key, MITM_WEBSOCKET.key, replaying.COLUMN
TARGETS = (
    Target("100 B messages, recorded, to stock relayed", "small_rate", REC, STOCK, 30, at_least=True),
    Target("echo p50, recording, to stock", "echo_p50", REC, STOCK, 0.4),
    Target("echo p50, recording, to asyncio relay", "echo_p50", REC, ASYNCIO.key, 1.3),
    Target("echo p50, normalizing, to observing", "echo_p50", NORMALIZE.key, REC, 2),
    Target("100 B messages, normalizing, to observing", "small_rate", NORMALIZE.key, REC, 0.5, at_least=True),
    Target("1 MiB messages, recorded, to stock", "large_rate", REC, STOCK, 0.8, at_least=True),
    Target("1 MiB messages, relay alone, to stock", "large_rate", OBSERVE.key, STOCK, 2, at_least=True),
    Target("decoding, to websockets", "decode_unmasked", decoding.WSPROXY, decoding.WEBSOCKETS, 1),
    Target("decoding masked, to websockets", "decode_masked", decoding.WSPROXY, decoding.WEBSOCKETS, 1),
    Target("64 MiB frame, first byte, recording", "frame_first_byte", REC, None, 50, unit=" ms"),
    Target("64 MiB frame, peak RSS over idle, recording", "frame_peak", REC, None, 48, unit=" MiB"),
    Target("RSS growth over the long session, recording", "growth", REC, None, 16, unit=" MiB"),
    Target("idle session, recording", "idle", REC, None, 200, unit=" KiB"),
    Target("messages replayed", "replay_first", REPLAY, None, 50_000, at_least=True, unit=" a second"),
    Target("worst gap replayed, beyond 5 % of it", "replay_gap", REPLAY, None, 5, unit=" ms"),
)
