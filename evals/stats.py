"""The arithmetic of measuring: Wilson's interval, also of trials that go together, a seeded bootstrap, and pass^k.

Pure functions of numbers. Knows nothing of cases, turns or reports.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import comb, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from sahut.values import Value

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

    Both may be fractions: trials that go together tell less than as many that stand alone (see `rate`).
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


def rate(groups: Iterable[tuple[float, float]]) -> Measure:
    """A share with its 95% interval: `groups` are, by conversation, how often it was so and how often it was tried.

    Turns and repeats of one conversation share its luck, so Wilson's interval is taken of as many trials as would
    tell as much if each stood alone (Kish's effective size, from the variance between conversations), and with
    Student's quantile, as that variance is itself estimated. Where each conversation was tried once it is plain Wilson.
    Without trials there is no value.
    """
    table = np.asarray([(hits, tried) for hits, tried in groups if tried], dtype=np.float64).reshape(-1, 2)
    if not len(table):
        return Measure()
    hits, tried = table[:, 0], table[:, 1]
    total = float(tried.sum())
    value = float(hits.sum()) / total
    size, z = (total, Z95) if tried.max() == 1 else _alone(hits, tried)
    low, high = wilson(value * size, size, z=z)
    return Measure(value=value, low=low, high=high, n=int(total))


def _alone(hits: Numbers, tried: Numbers) -> tuple[float, float]:
    """How many trials on their own would tell as much, and the normal or Student's quantile that goes with them."""
    many, total = len(tried), float(tried.sum())
    share = float(hits.sum()) / total
    if many == 1:
        return 1.0, Z95
    if share in (0.0, 1.0):
        return float(many), student(many - 1)
    spread = many / (many - 1) * float(((hits - share * tried) ** 2).sum()) / total**2
    design = max(1.0, spread / (share * (1 - share) / total))
    return total / design, student(many - 1)


def student(freedom: int) -> float:
    """Student's 97.5th percentile by Cornish and Fisher's expansion: within 1% from 3 degrees of freedom on."""
    z, f = Z95, float(freedom)
    return (
        z
        + (z**3 + z) / (4 * f)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * f**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * f**3)
    )


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
    sizes = [len(group) for group in groups]
    results = [statistic(numbers[places]) for places in draws(sizes, resamples=resamples, seed=seed)]
    low, high = np.percentile(results, ends(sum(size > 0 for size in sizes)))
    return float(low), float(high)


def estimate(groups: Sequence[Sequence[float]], statistic: Callable[[Numbers], float]) -> Measure:
    """`statistic` over all numbers with its bootstrap interval; empty where there is no number."""
    numbers = [number for group in groups for number in group]
    if not numbers:
        return Measure()
    low, high = bootstrap(groups, statistic)
    return Measure(value=statistic(np.asarray(numbers, dtype=np.float64)), low=low, high=high, n=len(numbers))


def estimate_rows(
    groups: Sequence[Sequence[Sequence[float]]], statistic: Callable[[Numbers], float | None], *, resamples: int = 300
) -> Measure:
    """`statistic` over a table of rows with its bootstrap interval, drawing whole groups (a conversation's rows).

    `statistic` may have no value, as a share of nothing has none; a draw without one is left out. Where there is no
    value at all, the measure is empty but for its size.
    """
    rows = np.asarray([row for group in groups for row in group], dtype=np.float64)
    if not rows.size:
        return Measure()
    value = statistic(rows)
    if value is None:
        return Measure(n=len(rows))
    found = []
    for places in draws([len(group) for group in groups], resamples=resamples):
        drawn = statistic(rows[places])
        if drawn is not None:
            found.append(drawn)
    low, high = np.percentile(found, ends(sum(len(group) > 0 for group in groups))) if found else (value, value)
    return Measure(value=value, low=min(float(low), value), high=max(float(high), value), n=len(rows))


def ends(groups: int) -> tuple[float, float]:
    """Which percentiles of the draws are the ends of a 95% interval over so many groups.

    Draws from few groups spread less than the groups' own kind does, so the 2.5th and 97.5th would lie too near
    (Hesterberg's expanded percentiles).
    """
    if groups < 2:
        return 0.0, 100.0
    tail = 100 * NormalDist().cdf(-sqrt(groups / (groups - 1)) * student(groups - 1))
    return tail, 100 - tail


def draws(sizes: Sequence[int], *, resamples: int = RESAMPLES, seed: int = SEED) -> Iterator[NDArray[np.int64]]:
    """The places of the numbers of groups drawn with replacement, again and again; empty groups are not drawn."""
    lengths = np.asarray([size for size in sizes if size])
    starts = np.cumsum(lengths) - lengths
    random = np.random.default_rng(seed)
    for _ in range(resamples):
        draw = random.integers(len(lengths), size=len(lengths))
        drawn = lengths[draw]
        shifts = starts[draw] - (np.cumsum(drawn) - drawn)
        yield np.repeat(shifts, drawn) + np.arange(drawn.sum())


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
