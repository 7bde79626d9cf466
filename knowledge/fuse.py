"""From evidence of meaning and evidence of words to probabilities, pure. Knows no index and no text.

The numbers belong to an embedder. They were rounded by hand after looking at measurements (see decision
record 0007), not trained on anybody's data.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Coverage and score are added to the cosine with this weight together. From .4 to .8 made no difference that
# counts.
LEXICAL_WEIGHT = 0.6
# How much the lead of the best passage over the next few says beyond its own strength.
MARGIN_WEIGHT = 4.0
USUAL_MARGIN = 0.12
_RUNNERS_UP = 5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one passage: the cosine of the passage and of its best sentence, in [-1, 1]; how far its
    words match, in [0, 1]; the probability that the question is in another language."""

    cosine: float = 0.0
    sentence: float = 0.0
    coverage: float = 0.0
    score: float = 0.0
    foreign: float = 0.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """How one embedder's numbers are read.

    `centre` is the strength at which a passage is as likely right as wrong, `width` the distance from there to
    73%. Across languages no words match, so the same strength means more: `foreign` is added. `by_sentence` says
    whether single sentences are compared too; a server would have to be asked for each of them.
    """

    centre: float
    width: float
    foreign: float = 0.0
    by_sentence: bool = False


CALIBRATIONS = {
    "use-multilingual-v3": Calibration(centre=0.43, width=0.11, foreign=0.09, by_sentence=True),
}
# For an embedder that nobody has measured here: OpenAI's and most others' relevant cosines lie above .4.
STRANGER = Calibration(centre=0.6, width=0.1, foreign=0.09)


def calibration_of(embedder: str) -> Calibration:
    """The calibration of an embedder, or a cautious one for a stranger."""
    return CALIBRATIONS.get(embedder, STRANGER)


def strength(evidence: Evidence) -> float:
    """All evidence in one number on the scale of the cosine: what passages are ranked by."""
    meaning = (evidence.cosine + evidence.sentence) / 2
    return meaning + LEXICAL_WEIGHT * (evidence.coverage + evidence.score) / 2


def probability(evidence: Evidence, calibration: Calibration) -> float:
    """The probability that a passage is what the question is about."""
    return _sigmoid(_logit(evidence, calibration))


def answerable(ranked: Sequence[Evidence], calibration: Calibration) -> tuple[float, dict[str, float]]:
    """The probability that the passages, best first, hold the answer, and the features that it was made from."""
    if not ranked:
        return 0.0, {}
    best = ranked[0]
    others = [strength(evidence) for evidence in ranked[1 : 1 + _RUNNERS_UP]]
    margin = strength(best) - sum(others) / len(others) if others else USUAL_MARGIN
    features = {
        "strength": strength(best),
        "margin": margin,
        "cosine": best.cosine,
        "sentence": best.sentence,
        "coverage": best.coverage,
        "lexical": best.score,
        "foreign": best.foreign,
        "agreement": float(best.coverage >= max(e.coverage for e in ranked) and best.coverage > 0),
    }
    return _sigmoid(_logit(best, calibration) + MARGIN_WEIGHT * (margin - USUAL_MARGIN)), features


def _logit(evidence: Evidence, calibration: Calibration) -> float:
    return (strength(evidence) + calibration.foreign * evidence.foreign - calibration.centre) / calibration.width


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(-40.0, min(40.0, value))))
