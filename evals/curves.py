"""How well numbers tell right from wrong: AUROC, reliability, risk and coverage, recall at a false-positive rate.

Pure functions of numbers. Knows nothing of cases; ties are treated as ties everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10

Numbers = NDArray[np.float64]


def auroc(scores: Numbers, positive: Numbers) -> float | None:
    """The chance that a positive scores above a negative, ties counting half; `None` without one of each.

    `positive` is 1 or 0 for each score.
    """
    hits = int(positive.sum())
    misses = len(positive) - hits
    if not hits or not misses:
        return None
    ranks = _mean_ranks(scores)
    return float((ranks[positive == 1].sum() - hits * (hits + 1) / 2) / (hits * misses))


def _mean_ranks(scores: Numbers) -> Numbers:
    """Ranks from 1, the mean of the tied ones for each."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: Numbers = (last - (counts - 1) / 2)[place]
    return mean


@dataclass(frozen=True)
class Bin:
    """Answers of about the same confidence: how sure the assistant was, and how often it was right."""

    sure: float
    right: float
    n: int


def reliability(sure: Numbers, right: Numbers, *, bins: int = BINS) -> tuple[Bin, ...]:
    """The answers by confidence in `bins` equal widths of [0, 1]; empty bins are left out."""
    place = np.minimum((sure * bins).astype(int), bins - 1)
    return tuple(
        Bin(float(sure[place == i].mean()), float(right[place == i].mean()), int((place == i).sum()))
        for i in range(bins)
        if (place == i).any()
    )


def ece(sure: Numbers, right: Numbers, *, bins: int = BINS) -> float:
    """The expected calibration error: how far confidence and being right lie apart, weighed by the bins' sizes."""
    return sum(found.n * abs(found.sure - found.right) for found in reliability(sure, right, bins=bins)) / len(sure)


def risk_coverage(sure: Numbers, wrong: Numbers) -> tuple[tuple[float, float], ...]:
    """For each confidence, surest first: the share of answers that are at least as sure, and how many are wrong."""
    order = np.argsort(-sure, kind="stable")
    sorted_sure = sure[order]
    ends = np.append(np.flatnonzero(np.diff(sorted_sure)), len(sure) - 1)  # tied answers come together
    risks = np.cumsum(wrong[order])[ends] / (ends + 1)
    return tuple((float((end + 1) / len(sure)), float(risk)) for end, risk in zip(ends, risks, strict=True))


def aurc(sure: Numbers, wrong: Numbers) -> float:
    """The area under risk and coverage: the mean risk over every share of answers that might be sent; less is better.

    Tied answers come in an unknown order, so each of them counts with the risk at the end of the tie.
    """
    area, before = 0.0, 0.0
    for coverage, risk in risk_coverage(sure, wrong):
        area += (coverage - before) * risk
        before = coverage
    return area


def recall_at(scores: Numbers, positive: Numbers, *, false_positives: float) -> float | None:
    """The most positives found while at most that share of the negatives is; `None` without one of each."""
    negatives, positives = scores[positive == 0], scores[positive == 1]
    if not len(negatives) or not len(positives):
        return None
    allowed = int(false_positives * len(negatives) + 1e-9)
    bar = np.sort(negatives)[::-1][allowed] if allowed < len(negatives) else -np.inf
    return float((positives > bar).mean())


def ranks_of(found: Sequence[str], wanted: Sequence[bool]) -> tuple[int, ...]:
    """The places, from 1, of what was wanted among what was found. `wanted` says so for each found."""
    return tuple(place for place, (_, is_wanted) in enumerate(zip(found, wanted, strict=True), start=1) if is_wanted)


def ndcg(ranks: Sequence[int], *, wanted: int, k: int) -> float:
    """The normalised discounted gain of the first `k`, where `wanted` documents would be ideal."""
    gain = sum(1 / np.log2(rank + 1) for rank in ranks if rank <= k)
    ideal = sum(1 / np.log2(rank + 1) for rank in range(1, min(wanted, k) + 1))
    return float(gain / ideal) if ideal else 0.0
