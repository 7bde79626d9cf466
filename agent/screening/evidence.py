"""What a message is likely to be, by its meaning and by what was noticed in it; pure, knows no embedder and no text.

One regularised logistic regression a kind, over the message's vector and its signals. `python -m evals.train_screen`
fits them and writes `data/screen_weights.npz`, which says what it was trained on.
"""

import json
import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.language.words import DATA
from agent.screening.signals import Kind, names

Row = NDArray[np.float64]

KINDS: tuple[Kind, ...] = ("spam", "wants_human", "injection", "distress", "abuse")
WEIGHTS = DATA / "screen_weights.npz"


@dataclass(frozen=True)
class Evidence:
    """Log-odds by kind in one vector space.

    `weights` are for the centred and scaled vector, `told` for each signal, `base` is what is left without either;
    `card` says what it was trained on.
    """

    space: str
    centre: Row
    scale: float
    weights: dict[Kind, Row]
    told: dict[Kind, dict[str, float]]
    base: dict[Kind, float]
    card: dict[str, Any]

    def meaning(self, kind: Kind, vector: NDArray[np.float32]) -> float:
        """What the message's meaning says for the kind, in log-odds."""
        return float(((vector.astype(np.float64) - self.centre) / self.scale) @ self.weights[kind])

    def noticed(self, kind: Kind, found: Collection[str]) -> float:
        """What the signals of these names say for the kind, in log-odds, with what holds of any message."""
        return self.base[kind] + sum(self.told[kind].get(name, 0.0) for name in found)


def chance(logit: float) -> float:
    """The probability of log-odds."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


@cache
def shipped() -> Evidence:
    """The evidence that comes with the package."""
    with np.load(WEIGHTS, allow_pickle=False) as file:
        weights, told = file["weights"].astype(np.float64), file["told"].astype(np.float64)
        order = [str(name) for name in file["signals"]]
        told_by = {
            kind: {name: float(told[i, order.index(f"{kind}.{name}")]) for name in names(kind)}
            for i, kind in enumerate(KINDS)
        }
        return Evidence(
            space=str(file["space"]),
            centre=file["centre"].astype(np.float64),
            scale=float(file["scale"]),
            weights=dict(zip(KINDS, weights, strict=True)),
            told=told_by,
            base=dict(zip(KINDS, (float(one) for one in file["base"]), strict=True)),
            card=json.loads(str(file["card"])),
        )
