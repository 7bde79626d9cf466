"""How likely a drafted answer is right: a small logistic over named features. Pure arithmetic; knows no model.

The weights are fitted by `python -m tests.bench.confidence` on what is asked of five made-up organisations and on the
suite `office`: 366 drafts of quotes, of which 200 were right. The area under the curve is .83 on the former, a third
of which are near misses, and .91 and .88 on the halves of the suite `support`, which taught nothing. From the
confidence for 5% on, 23 of 471 answers of these four were wrong (4.9%, and 3.3% to 7.2% is what that many tell), from
the one for 10% on 45 of 546, from the one for 20% on 119 of 705. The one for 1% is as strict as it can be and was not
measured to keep it. An organisation has to fit its own.
"""

import itertools
import math
import tomllib
from collections.abc import Mapping
from functools import cache

from agent.language.words import DATA

CALIBRATION_VERSION = "sample-6"
FITTED = DATA / "confidence.toml"

# What is fitted: how well the quotes speak of each telling word of the question, in the mean (`words`) and of the word
# that they speak of least (`weakest`); the cosine of the question and the nearest quote (`likeness`); retrieval's
# probability that the documents hold the answer, by its log-odds (`answerable`); whether a quote names a thing of the
# kind that the question seeks, a place or a sum (`sought`). Besides, `support` is the share of the text that stands on
# citations, 1 where the answer is all quotes, and `own` the model's confidence, .5 where it gave none.
SEEN = ("words", "weakest", "likeness", "answerable", "sought")
_SUREST = 0.999

# Share of wrong answers among those sent, and the confidence that keeps it there.
BUDGETS = ((0.01, 0.995), (0.05, 0.83), (0.10, 0.7), (0.20, 0.4), (0.50, 0.0))


def probability(features: Mapping[str, float]) -> float:
    """The probability that an answer with these features is right and supported."""
    weights, seen = _weights(), log_odds(features)
    total = sum(weight * seen.get(name, 0.0) for name, weight in weights.items() if name != "bias")
    return 1 / (1 + math.exp(-(total + weights["bias"])))


def log_odds(features: Mapping[str, float]) -> dict[str, float]:
    """The features as they are weighed: `answerable` by its log-odds."""
    answerable = min(_SUREST, max(1 - _SUREST, features.get("answerable", 0.0)))
    return {**features, "answerable": math.log(answerable / (1 - answerable))}


def threshold(max_wrong: float) -> float:
    """The confidence from which an answer is sent, so that about `max_wrong` of those sent are wrong."""
    if max_wrong <= BUDGETS[0][0]:
        return BUDGETS[0][1]
    for (low, above), (high, below) in itertools.pairwise(BUDGETS):
        if max_wrong <= high:
            return above + (below - above) * (max_wrong - low) / (high - low)
    return 0.0


@cache
def _weights() -> dict[str, float]:
    """By feature, and `bias`."""
    return {name: float(weight) for name, weight in tomllib.loads(FITTED.read_text(encoding="utf-8")).items()}
