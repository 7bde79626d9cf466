"""The arithmetic of measuring: Wilson's interval, a seeded bootstrap, pass^k, and precision.

Pure functions of numbers. Knows nothing of cases, turns or reports.
"""

from collections.abc import Callable, Sequence
from math import comb, sqrt

import numpy as np
from numpy.typing import NDArray

from sahut.turn import Value

Z95 = 1.959963984540054  # the 97.5th percentile of the normal distribution
SEED = 20240229
RESAMPLES = 1000

Numbers = NDArray[np.float64]


class Measure(Value):
    """A measured number with its 95% interval and the size of its sample; `None` where nothing was measured."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0


def wilson(successes: float, n: float, *, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval for `successes` of `n` trials; (0, 1) where nothing was tried.

    Both may be fractions: repeats of one case are no independent trials, so callers divide by their number.
    Raises `ValueError` unless 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share")
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    centre = share + z * z / (2 * n)
    reach = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low, high = (centre - reach) / scale, (centre + reach) / scale
    return min(max(low, 0.0), share), max(min(high, 1.0), share)


def rate(successes: int, n: int, *, repeats: int = 1) -> Measure:
    """A share with Wilson's interval. `repeats` of each trial widen it as if each had been tried once.

    Without trials there is no value.
    """
    if n == 0:
        return Measure()
    low, high = wilson(successes / repeats, n / repeats)
    return Measure(value=successes / n, low=low, high=high, n=n)


def bootstrap(
    groups: Sequence[Sequence[float]],
    statistic: Callable[[Numbers], float],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[float, float]:
    """The 95% percentile interval of `statistic` over all numbers, drawing whole groups (a conversation's turns).

    The same input gives the same interval. Raises `ValueError` where there is no number at all.
    """
    numbers = np.asarray([number for group in groups for number in group], dtype=np.float64)
    if not numbers.size:
        raise ValueError("There is nothing to draw from.")
    sizes = np.asarray([len(group) for group in groups if len(group)])
    starts = np.cumsum(sizes) - sizes
    random = np.random.default_rng(seed)
    results = []
    for _ in range(resamples):
        draw = random.integers(len(sizes), size=len(sizes))
        drawn = sizes[draw]
        shifts = starts[draw] - (np.cumsum(drawn) - drawn)
        results.append(statistic(numbers[np.repeat(shifts, drawn) + np.arange(drawn.sum())]))
    low, high = np.percentile(results, (2.5, 97.5))
    return float(low), float(high)


def estimate(groups: Sequence[Sequence[float]], statistic: Callable[[Numbers], float]) -> Measure:
    """`statistic` over all numbers with its bootstrap interval; empty where there is no number."""
    numbers = [number for group in groups for number in group]
    if not numbers:
        return Measure()
    low, high = bootstrap(groups, statistic)
    return Measure(value=statistic(np.asarray(numbers, dtype=np.float64)), low=low, high=high, n=len(numbers))


def percentile(q: float) -> Callable[[Numbers], float]:
    """The statistic "q-th percentile" (q from 0 to 100, linear between neighbours).

    Like `np.percentile`, whose overhead would be most of the bootstrap's time.
    """

    def statistic(numbers: Numbers) -> float:
        ordered = np.sort(numbers)
        place = (len(ordered) - 1) * q / 100
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return float(ordered[below] + (ordered[above] - ordered[below]) * (place - below))

    return statistic


def pass_hat(passes: int, trials: int, k: int) -> float | None:
    """pass^k of one case: the chance that k trials drawn from the `trials` made all pass; `None` if k > trials."""
    if not 0 <= passes <= trials or k < 1:
        raise ValueError(f"{passes} passes in {trials} trials have no pass^{k}")
    return comb(passes, k) / comb(trials, k) if k <= trials else None
