"""Percentiles, medians, noise."""

import pytest

from bench.stats import Figure, percentile


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 5), (99, 10), (100, 10), (90, 9), (91, 10), (10, 1), (1, 1)]
)
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent) == expected


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_median_and_noise_of_a_figure() -> None:
    figure = Figure((90.0, 100.0, 130.0))
    assert figure.median == 100
    assert figure.noise == 20


def test_one_round_has_no_noise() -> None:
    assert Figure((5.0,)).noise == 0
