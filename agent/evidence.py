"""How much a message resembles example phrases of one kind rather than the others; pure, knows no embedder.

A ridge logistic regression over the examples' vectors: measured against the nearest example and against soft nearest
neighbours, it found as much at the same price and costs one dot product a message.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agent.signals import Kind
from agent.words import DATA
from sahut.ports import Vectors

Row = NDArray[np.float64]

KINDS: tuple[Kind, ...] = ("spam", "wants_human", "injection")
RIDGE = 1.0
_STEPS = 30
_CLOSE_ENOUGH = 1e-5


@dataclass(frozen=True)
class Example:
    """A phrase written for Sahut; `kind` is one of `KINDS`, `genuine`, or a near miss `not_...`."""

    kind: str
    language: str
    text: str


@cache
def examples() -> tuple[Example, ...]:
    """All committed examples, in the file's order."""
    table = tomllib.loads((DATA / "screen_examples.toml").read_text(encoding="utf-8"))
    return tuple(
        Example(kind, language, text)
        for kind, languages in table.items()
        for language, texts in languages.items()
        for text in texts
    )


@dataclass(frozen=True)
class Evidence:
    """Fitted directions in one vector space: `logits(vector)` says how much it resembles each kind."""

    centre: Row
    scale: float
    weights: dict[Kind, Row]

    def logits(self, vector: NDArray[np.float32]) -> dict[Kind, float]:
        """Log-odds by kind; 0 means that the examples cannot tell."""
        row = np.append((vector.astype(np.float64) - self.centre) / self.scale, 1.0)
        return {kind: float(row @ weights) for kind, weights in self.weights.items()}


def fit(vectors: Vectors, kinds: Sequence[str]) -> Evidence:
    """Directions from the examples' vectors (one row each) and their kinds.

    Centred and scaled, so that one ridge serves spaces whose vectors lie close together and spaces that are spread.
    """
    rows = vectors.astype(np.float64)
    centre = rows.mean(axis=0)
    rows = rows - centre
    scale = float(np.linalg.norm(rows, axis=1).mean()) or 1.0
    design = np.hstack([rows / scale, np.ones((len(rows), 1))])
    labels = np.array(kinds)
    return Evidence(centre, scale, {kind: _logistic(design, labels == kind) for kind in KINDS})


def _logistic(design: Row, positive: NDArray[np.bool_]) -> Row:
    """Newton's method; both classes weigh the same however many examples each has."""
    count, wanted = len(positive), max(1, int(positive.sum()))
    weight = np.where(positive, count / 2 / wanted, count / 2 / max(1, count - wanted))
    ridge = np.full(design.shape[1], RIDGE)
    ridge[-1] = 1e-6  # the intercept is free
    beta = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (weight * (chance - positive)) + ridge * beta
        curvature = (design * (weight * chance * (1 - chance))[:, None]).T @ design + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        beta -= step
        if np.abs(step).max() < _CLOSE_ENOUGH:
            break
    return beta
