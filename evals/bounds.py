"""Exact bounds for shares: binomial tails, and how many trials a promise takes.

Pure, and only `math`: what is needed of it does not pay for a library of 35 MB (see docs/adr/0013).
"""

import math


def at_most(k: int, n: int, p: float) -> float:
    """The chance of at most `k` successes in `n` trials that succeed with the chance `p` each."""
    if k >= n or p <= 0:
        return 1.0
    if k < 0 or p >= 1:
        return 0.0
    logs = [_log_choose(n, i) + i * math.log(p) + (n - i) * math.log1p(-p) for i in range(k + 1)]
    top = max(logs)
    return min(1.0, math.exp(top) * math.fsum(math.exp(value - top) for value in logs))


def upper(k: int, n: int, *, confidence: float) -> float:
    """The share that is, with this confidence, not exceeded where `k` of `n` were seen (Clopper and Pearson)."""
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no share")
    if k == n:
        return 1.0
    low, high = k / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(k, n, middle) > 1 - confidence else (low, middle)
    return high


def fewest(share: float, *, confidence: float) -> int:
    """How many trials, all of them right, it takes to promise that at most this share is wrong."""
    return math.ceil(math.log(1 - confidence) / math.log1p(-share))


def most_true(share: float, following: int, *, held: float) -> float:
    """The largest true share of which at most `share` shows in `held` of all samples of so many trials.

    A promise about samples asks for a smaller true share than one about the truth, around which samples scatter.
    """
    allowed = math.floor(share * following + 1e-9)
    low, high = 0.0, share
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(allowed, following, middle) >= held else (low, middle)
    return low


def most_wrong(n: int, share: float, *, confidence: float) -> int:
    """How many of `n` may be wrong for that promise; -1 where even none is too many."""
    k = -1
    while at_most(k + 1, n, share) <= 1 - confidence:
        k += 1
    return k


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
