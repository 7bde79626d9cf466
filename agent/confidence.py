"""How likely a drafted answer is right: a small logistic over named features. Pure arithmetic; knows no model.

The weights were fitted on the sample suite and questions written beside it; `sahut eval calibrate` will refit them
for an organisation. A feature is in [0, 1] unless it says otherwise.
"""

import itertools
import math
from collections.abc import Mapping

CALIBRATION_VERSION = "sample-1"

WEIGHTS: Mapping[str, float] = {
    "answerable": 2.0,  # retrieval's probability that the documents hold the answer
    "top": 1.0,  # its best passage's
    "margin": 0.5,  # how far the best passage of another document lies behind
    "likeness": 6.0,  # cosine of the question and the nearest cited sentence
    "coverage": 2.0,  # share of the question's telling words found in the quotes or above them
    "support": 1.0,  # share of the reply's text that stands on citations
    "same_language": -0.3,  # documents in the customer's language: words count there, so coverage says more
    "own": 0.5,  # the model's own confidence, .5 where it gave none
}
BIAS = -4.5

# (share of wrong answers among those sent, confidence needed), measured on the sample suite.
_BUDGETS = ((0.01, 0.9), (0.05, 0.6), (0.10, 0.5), (0.20, 0.35), (0.50, 0.0))


def probability(features: Mapping[str, float]) -> float:
    """The probability that an answer with these features is right and supported."""
    total = BIAS + sum(weight * features.get(name, 0.0) for name, weight in WEIGHTS.items())
    return 1 / (1 + math.exp(-max(-40.0, min(40.0, total))))


def threshold(max_wrong: float) -> float:
    """The confidence from which an answer is sent, so that at most `max_wrong` of those sent are wrong."""
    if max_wrong <= _BUDGETS[0][0]:
        return _BUDGETS[0][1]
    for (low, above), (high, below) in itertools.pairwise(_BUDGETS):
        if max_wrong <= high:
            return above + (below - above) * (max_wrong - low) / (high - low)
    return 0.0
