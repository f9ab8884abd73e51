"""How much of everything a run does."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of one run. `slow_large_frame`: also send the large frame through what takes 20 s for it."""

    name: str
    rounds: int
    echo_rounds: int
    memory_rounds: int
    echoes: int
    flood_seconds: float
    large_frame_bytes: int
    growth_bytes: int
    idle_sessions: int
    decoded_frames: int
    slow_large_frame: bool
    replayed_messages: int


FULL = Scale("full", 5, 15, 3, 1000, 1.5, 64 * MIB, 1024 * MIB, 500, 200_000, True, 100_000)
QUICK = Scale("quick", 2, 3, 1, 300, 0.3, 64 * MIB, 256 * MIB, 50, 50_000, False, 100_000)
