"""From evidence of meaning and evidence of words to probabilities, pure. Knows no index and no text.

The numbers belong to a vector space; those of `data/answerable.toml` are written by `knowledge.fit`.
`docs/retrieval.md` has what was tried and measured.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

# Coverage and score are added to the meaning with this weight together. From .35 to .8 made no difference that
# counts.
LEXICAL_WEIGHT = 0.6
# A longer lead says that the other documents are about other things, as they are in a small library, and no more.
MOST_MARGIN = 0.3
USUAL_MARGIN = 0.12  # where there is only one passage to lead
_RUNNERS_UP = 5
FITTED = Path(__file__).parent / "data" / "answerable.toml"
# What `answerable` weighs; each of about the same size, so that one ridge serves all of them.
WEIGHED = ("meaning", "words", "margin", "foreign")
# For a space that nothing was fitted in.
_CAUTIOUS = MappingProxyType({"bias": -6.5, "meaning": 10.0, "words": 6.0, "margin": 4.0, "foreign": 0.9})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one passage: the cosine of the passage and of its best sentence, in [-1, 1]; how far its
    words match, in [0, 1]; the probabilities that the question is in another language, that the sentence reader
    understands the question's, and that the space serves it too badly to be trusted across languages."""

    cosine: float = 0.0
    sentence: float = 0.0
    coverage: float = 0.0
    score: float = 0.0
    foreign: float = 0.0
    understood: float = 1.0
    strained: float = 0.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """How one space's numbers are read.

    A passage's cosine is stretched to the scale of a sentence's: `scale * (cosine - zero)`. `by_sentence` is the share
    of a passage's meaning that its best sentence has, 0 where single sentences are not compared (a server would have
    to be asked for each of them). `centre` is the strength at which a passage is as likely right as wrong, `width` the
    distance from there to 73%. Across languages no words match, so the same strength means more: `foreign` is added.

    Whether an answer is there at all is another question (a near miss shares its words with the passage, too), with
    weights of its own: `answer`, by the names in `WEIGHED`, and `bias`.
    """

    centre: float
    width: float
    foreign: float = 0.0
    by_sentence: float = 0.0
    scale: float = 1.0
    zero: float = 0.0
    answer: Mapping[str, float] = field(default_factory=lambda: _CAUTIOUS)

    def meaning(self, cosine: float) -> float:
        """A passage's cosine on the common scale."""
        return self.scale * (cosine - self.zero)


_MEASURED = {
    "e5-small-mix-1": Calibration(centre=0.43, width=0.11, foreign=0.14, by_sentence=0.5, scale=4.0, zero=0.76),
    "use-multilingual-v3": Calibration(centre=0.43, width=0.11, foreign=0.09, by_sentence=0.5),
}
# For an embedder that nobody has measured here: OpenAI's and most others' relevant cosines lie above .4.
STRANGER = Calibration(centre=0.6, width=0.1, foreign=0.09)


def calibration_of(space: str) -> Calibration:
    """The calibration of a space, or a cautious one for a stranger."""
    return calibrations().get(space, STRANGER)


@cache
def calibrations() -> Mapping[str, Calibration]:
    """The calibrations that ship, by space."""
    fitted = tomllib.loads(FITTED.read_text(encoding="utf-8"))
    return {
        space: replace(measured, answer={name: float(fitted[space][name]) for name in ("bias", *WEIGHED)})
        for space, measured in _MEASURED.items()
    }


def strength(evidence: Evidence, calibration: Calibration) -> float:
    """All evidence in one number on the scale of a sentence's cosine: what passages are ranked by."""
    return _meaning(evidence, calibration) + LEXICAL_WEIGHT * _words(evidence)


def probability(evidence: Evidence, calibration: Calibration) -> float:
    """The probability that a passage is what the question is about."""
    return _sigmoid(_logit(evidence, calibration)) * _trust(evidence)


def answerable(ranked: Sequence[Evidence], calibration: Calibration) -> tuple[float, dict[str, float]]:
    """The probability that the passages, best first, hold the answer, and the features that it was made from."""
    if not ranked:
        return 0.0, {}
    best, seen = ranked[0], weighed(ranked, calibration)
    total = calibration.answer["bias"] + sum(calibration.answer[name] * seen[name] for name in WEIGHED)
    features = seen | {
        "strength": strength(best, calibration),
        "cosine": best.cosine,
        "sentence": best.sentence,
        "coverage": best.coverage,
        "lexical": best.score,
        "understood": best.understood,
        "strained": best.strained,
    }
    return _sigmoid(total) * _trust(best), features


def weighed(ranked: Sequence[Evidence], calibration: Calibration) -> dict[str, float]:
    """What `answerable` weighs of passages, best first and at least one, by the names in `WEIGHED`."""
    best = ranked[0]
    others = [strength(evidence, calibration) for evidence in ranked[1 : 1 + _RUNNERS_UP]]
    margin = strength(best, calibration) - sum(others) / len(others) if others else USUAL_MARGIN
    return {
        "meaning": _meaning(best, calibration),
        "words": _words(best),
        "margin": min(margin, MOST_MARGIN),
        "foreign": best.foreign,
    }


def _meaning(evidence: Evidence, calibration: Calibration) -> float:
    share = calibration.by_sentence * evidence.understood
    return (1 - share) * calibration.meaning(evidence.cosine) + share * evidence.sentence


def _words(evidence: Evidence) -> float:
    return (evidence.coverage + evidence.score) / 2


def _logit(evidence: Evidence, calibration: Calibration) -> float:
    total = strength(evidence, calibration) + calibration.foreign * evidence.foreign
    return (total - calibration.centre) / calibration.width


def _trust(evidence: Evidence) -> float:
    """What is left of a probability where the question's language is served badly and the passage's is another."""
    return 1 - evidence.strained * evidence.foreign


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(-40.0, min(40.0, value))))
