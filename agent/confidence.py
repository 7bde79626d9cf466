"""How likely a drafted answer is right: a small logistic over named features. Pure arithmetic; knows no model.

Fitted on the sample suite and 150 questions written beside it for the same handbook, a third of them near misses
that the handbook does not answer. Eight-fold cross-validated area under the curve .93. At the threshold for 5% no
answer of the suite was wrong, but one in ten over all these harder questions: an organisation has to fit its own.
"""

import itertools
import math
from collections.abc import Mapping

CALIBRATION_VERSION = "sample-1"

BIAS = -6.58
WEIGHTS: Mapping[str, float] = {
    "words": 2.85,  # how well the quotes speak of each telling word of the question, in the mean
    "weakest": 2.7,  # the same for the word that they speak of least
    "likeness": 1.65,  # cosine of the question and the nearest quote
    "support": 1.0,  # share of the text that stands on citations; 1 where the answer is all quotes
    "own": 1.0,  # the model's own confidence; .5 where it gave none
}
# Retrieval's probability that the documents hold the answer counts by its log-odds.
ANSWERABLE_WEIGHT = 0.67
_SUREST = 0.999

# Share of wrong answers among those sent, and the confidence that keeps it there.
BUDGETS = ((0.01, 0.8), (0.05, 0.5), (0.10, 0.4), (0.20, 0.3), (0.50, 0.0))


def probability(features: Mapping[str, float]) -> float:
    """The probability that an answer with these features is right and supported."""
    answerable = min(_SUREST, max(1 - _SUREST, features.get("answerable", 0.0)))
    total = BIAS + ANSWERABLE_WEIGHT * math.log(answerable / (1 - answerable))
    total += sum(weight * features.get(name, 0.0) for name, weight in WEIGHTS.items())
    return 1 / (1 + math.exp(-total))


def threshold(max_wrong: float) -> float:
    """The confidence from which an answer is sent, so that about `max_wrong` of those sent are wrong."""
    if max_wrong <= BUDGETS[0][0]:
        return BUDGETS[0][1]
    for (low, above), (high, below) in itertools.pairwise(BUDGETS):
        if max_wrong <= high:
            return above + (below - above) * (max_wrong - low) / (high - low)
    return 0.0
