"""How much a message resembles example phrases of one kind rather than the others; pure, knows no embedder.

A ridge logistic regression over the examples' vectors: measured against the nearest example and against soft
nearest neighbours, it found as much at the same price and costs one dot product a message. The result for the
bundled embedder is committed, since embedding the examples takes seconds on a busy machine; after a change of the
examples `python -m agent.evidence` writes it anew, and a stale file is not used.
"""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agent.signals import Kind
from agent.words import DATA
from sahut.ports import Embedder, Vectors

Row = NDArray[np.float64]

KINDS: tuple[Kind, ...] = ("spam", "wants_human", "injection")
RIDGE = 1.0
NEAR_MISS = 4.0  # how much more a near miss counts than any other example of what a kind is not
_STEPS = 30
_CLOSE_ENOUGH = 1e-5


@dataclass(frozen=True)
class Example:
    """A phrase written for Sahut; `kind` is one of `KINDS`, `genuine`, or a near miss `not_...`."""

    kind: str
    language: str
    text: str


_SOURCE = DATA / "screen_examples.toml"
_COMMITTED = DATA / "screen_evidence.npz"


@cache
def examples() -> tuple[Example, ...]:
    """All committed examples, in the file's order."""
    table = tomllib.loads(_SOURCE.read_text(encoding="utf-8"))
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


def digest() -> str:
    """Names the state of the examples, independent of how the file's lines end."""
    return hashlib.sha256(_SOURCE.read_text(encoding="utf-8").encode()).hexdigest()


def committed(space: str) -> Evidence | None:
    """The evidence that ships for a vector space, if it was fitted on the examples as they are."""
    if not _COMMITTED.is_file():
        return None
    with np.load(_COMMITTED, allow_pickle=False) as file:
        if (str(file["space"]), str(file["digest"])) != (space, digest()):
            return None
        weights = file["weights"].astype(np.float64)
        centre = file["centre"].astype(np.float64)
        return Evidence(centre, float(file["scale"]), dict(zip(KINDS, weights, strict=True)))


async def commit(embedder: Embedder) -> None:
    """Fit on the examples and write the file that ships."""
    known = examples()
    vectors = await embedder.embed([example.text for example in known])
    fitted = fit(vectors, [example.kind for example in known])
    np.savez_compressed(
        _COMMITTED,
        space=np.array(embedder.name),
        digest=np.array(digest()),
        centre=fitted.centre.astype(np.float32),
        scale=np.array(fitted.scale),
        weights=np.stack([fitted.weights[kind] for kind in KINDS]).astype(np.float32),
    )


def fit(vectors: Vectors, kinds: Sequence[str]) -> Evidence:
    """Directions from the examples' vectors (one row each) and their kinds.

    Centred and scaled, so that one ridge serves spaces whose vectors lie close together and others.
    """
    rows = vectors.astype(np.float64)
    centre = rows.mean(axis=0)
    rows = rows - centre
    scale = float(np.linalg.norm(rows, axis=1).mean()) or 1.0
    design = np.hstack([rows / scale, np.ones((len(rows), 1))])
    labels = np.array(kinds)
    weights = {
        kind: _logistic(design, labels == kind, np.where(labels == f"not_{kind}", NEAR_MISS, 1.0)) for kind in KINDS
    }
    return Evidence(centre, scale, weights)


def _logistic(design: Row, positive: NDArray[np.bool_], weight: Row) -> Row:
    """Newton's method; both classes weigh the same however many examples each has."""
    half = len(positive) / 2
    weight = weight * np.where(positive, half / weight[positive].sum(), half / weight[~positive].sum())
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


if __name__ == "__main__":
    import asyncio

    from knowledge.embed import LocalEmbedder

    asyncio.run(commit(LocalEmbedder()))
