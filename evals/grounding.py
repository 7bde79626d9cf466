"""Fits and measures `agent.checking.grounding`: `python -m evals.grounding CALIBRATION TEST`. Changes no file.

A line of the cases: `{"id", "language", "sentence", "document", "quote", "supported"}`. The weights are fitted on the
first file and measured on the second; paste them into `agent/checking/grounding.py`. It knows no model.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from agent.checking import grounding
from evals.calibrate import logistic
from evals.curves import auroc
from knowledge.embed import LocalEmbedder
from sahut.values import Value

RIDGE = 0.2
# The bundled embedder does not know them: their sentences are likely only beside sources in the same language.
UNKNOWN = frozenset({"is"})
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)


class Pair(Value):
    """A sentence, the quote that it would cite, and whether the quote says it."""

    id: str
    language: str
    sentence: str
    document: str
    quote: str
    supported: bool


class Weights(NamedTuple):
    """A bias, and a weight for each feature."""

    bias: float
    by_name: Mapping[str, float]


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a JSONL file in languages that the embedder knows. Raises `ValidationError` and `OSError`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [Pair.model_validate(json.loads(line)) for line in lines if line]
    return [pair for pair in pairs if pair.language not in UNKNOWN]


async def features_of(pairs: Sequence[Pair], embedder: LocalEmbedder) -> list[dict[str, float]]:
    """The features of each pair."""
    return [await grounding.features(pair.sentence, [pair.quote], embedder) for pair in pairs]


def fit(rows: Sequence[Mapping[str, float]], pairs: Sequence[Pair]) -> Weights:
    """The weights that tell supported sentences from the others best."""
    names = list(rows[0])
    design = np.asarray([[1.0, *(row[name] for name in names)] for row in rows])
    supported = np.asarray([float(pair.supported) for pair in pairs])
    bias, *weights = logistic(design, supported, towards=np.zeros(design.shape[1]), ridge=RIDGE).tolist()
    return Weights(round(bias, 2), {name: round(weight, 2) for name, weight in zip(names, weights, strict=True)})


def shares(chances: Sequence[float], pairs: Sequence[Pair], least: float) -> tuple[float, float]:
    """How many supported sentences stay, and how many unsupported ones are taken out, at a threshold."""
    stays = np.asarray(chances) >= least
    supported = np.asarray([pair.supported for pair in pairs])
    return float(stays[supported].mean()), float((~stays[~supported]).mean())


async def main(calibration: Path, test: Path) -> None:
    """Print the fitted weights, and how the shipped ones do on the test half."""
    embedder, console = LocalEmbedder(), Console()
    fitted_on, held_out = read_pairs(calibration), read_pairs(test)
    weights = fit(await features_of(fitted_on, embedder), fitted_on)
    console.print(f"BIAS = {weights.bias}\nWEIGHTS = {dict(weights.by_name)}")
    chances = [grounding.probability(row) for row in await features_of(held_out, embedder)]
    area = auroc(np.asarray(chances), np.asarray([float(pair.supported) for pair in held_out]))
    table = Table("threshold", "supported kept", "unsupported taken out", title=f"AUROC {area:.3f}")
    for least in THRESHOLDS:
        kept, removed = shares(chances, held_out, least)
        table.add_row(f"{least}", f"{kept:.0%}", f"{removed:.0%}")
    console.print(table)
    embedder.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
