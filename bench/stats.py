"""The little statistics a table needs."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that at least `percent` of them do not exceed (nearest rank).

    Raises ValueError when there are none.
    """
    if not values:
        raise ValueError("no values")
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[max(rank, 1) - 1]


@dataclass(frozen=True, slots=True)
class Figure:
    """One cell of the table: the figure of each round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """What the table shows."""
        return statistics.median(self.values)

    @property
    def noise(self) -> float:
        """Half the distance from the lowest to the highest round."""
        return (max(self.values) - min(self.values)) / 2
