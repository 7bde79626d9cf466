"""Fits from which confidence an answer is sent, and from which score a message is spam, with a promise.

Learn then test: thresholds are tried from the strictest on, and each must pass an exact binomial test of "more than
may be is wrong" before the next is tried, so that the chance of a broken promise stays below 1 - confidence however
many are tried. What may be wrong in truth is less than the budget: so much less that what follows, which scatters
around the truth, keeps the budget too. Pure: must not know how the cases were played.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agent.calibration import ANY_LANGUAGE, NEVER
from evals.bounds import at_most, fewest, most_true, most_wrong
from evals.curves import Numbers
from evals.measures import answer_sent, answer_wrong
from evals.played import PlayedCase
from sahut.errors import ConfigurationError

# Where the walk down the thresholds may begin: at as many answers as are enough if none is wrong, and at twice as
# many, which forgives a wrong one among the surest. Each start has its share of the allowed chance.
_STARTS = (1, 2)
# Of all samples of as many answers as are promised, the share in which the budget is kept where the promise holds.
HELD = 0.95
_GRID = tuple(i / 200 for i in range(200, -1, -1))
_RIDGE = 1.0
_STEPS = 60


@dataclass(frozen=True)
class Judged:
    """A conversation with the answers that were drafted in it: how sure, and whether wrong."""

    language: str
    answers: tuple[tuple[float, bool], ...]


@dataclass(frozen=True)
class Promise:
    """Of the next `following` conversations with an answer at most the share `max_wrong` gets a wrong one.

    That holds in `HELD` of all such samples, with this confidence over the drawing of the cases that were fitted on.
    """

    max_wrong: float
    confidence: float
    following: int

    @property
    def share(self) -> float:
        """The share that may be wrong in truth."""
        return most_true(self.max_wrong, self.following, held=HELD)

    def __str__(self) -> str:
        return f"at most {self.max_wrong:.1%} wrong of {self.following} answers with {self.confidence:.0%} confidence"


@dataclass(frozen=True)
class Fitted:
    """A threshold, and what lies above it: `sent` conversations with an answer, in `wrong` of them a wrong one."""

    threshold: float
    sent: int
    wrong: int


def judged(results: Sequence[PlayedCase]) -> tuple[Judged, ...]:
    """What can be learned from: the first play of each case, its answers that were weighed and can be checked."""
    return tuple(
        Judged(
            language=next((turn.reply.language for turn in case.turns if turn.reply), case.language or ""),
            answers=tuple(
                (turn.reply.confidence, answer_wrong(turn))
                for turn in case.turns
                if answer_sent(turn) and turn.reply is not None and turn.reply.features
            ),
        )
        for case in results
        if case.run == 1
    )


def fit_threshold(found: Sequence[Judged], *, max_wrong: float, confidence: float) -> Fitted | None:
    """The lowest confidence from which on at most the share `max_wrong` is wrong in truth, or `None` where none is.

    The share is that of the conversations with a wrong answer among those in which an answer is sent.
    """
    return _walk(_counter(found), max_wrong=max_wrong, confidence=confidence)


def _counter(found: Sequence[Judged]) -> Callable[[float], tuple[int, int]]:
    """For a threshold: conversations in which an answer is sent, and those in which a wrong one is."""
    surest = np.asarray([max((sure for sure, _ in one.answers), default=-1.0) for one in found])
    wrongest = np.asarray([max((sure for sure, wrong in one.answers if wrong), default=-1.0) for one in found])

    def above(threshold: float) -> tuple[int, int]:
        return int((surest >= threshold).sum()), int((wrongest >= threshold).sum())

    return above


def _walk(above: Callable[[float], tuple[int, int]], *, max_wrong: float, confidence: float) -> Fitted | None:
    level = (1 - confidence) / len(_STARTS)
    enough = fewest(max_wrong, confidence=1 - level)
    best: Fitted | None = None
    counted = [(threshold, *above(threshold)) for threshold in _GRID]
    for start in _STARTS:
        walked = [row for row in counted if row[1] >= start * enough]
        for threshold, sent, wrong in walked:
            if at_most(wrong, sent, max_wrong) > level:
                break
            if best is None or threshold < best.threshold:
                best = Fitted(threshold, sent, wrong)
    return best


def fit_languages(found: Sequence[Judged], promise: Promise, *, by_language: bool) -> dict[str, Fitted]:
    """The thresholds by language, `*` for the others. Raises `ConfigurationError` where the cases are too few.

    A language whose own answers are too few for the promise is pooled with all, unless more of those that the pooled
    threshold lets pass are wrong than may be: then it always goes to a human.
    """
    share, confidence = promise.share, promise.confidence
    pooled = fit_threshold(found, max_wrong=share, confidence=confidence)
    if pooled is None:
        raise ConfigurationError(refusal(found, promise))
    fitted = {ANY_LANGUAGE: pooled}
    for language in sorted({one.language for one in found}) if by_language else ():
        own = [one for one in found if one.language == language]
        best = fit_threshold(own, max_wrong=share, confidence=confidence)
        if best is None:
            sent, wrong = _counter(own)(pooled.threshold)
            best = Fitted(NEVER, 0, 0) if wrong > promise.max_wrong * sent else None
        if best is not None:
            fitted[language] = best
    return fitted


def refusal(found: Sequence[Judged], promise: Promise) -> str:
    """Why nothing can be promised, and what to do."""
    answers = sum(bool(one.answers) for one in found)
    level = 1 - (1 - promise.confidence) / len(_STARTS)
    enough = fewest(promise.share, confidence=level)
    less = "ask for less (a larger --max-wrong or --next, a smaller --confidence)"
    if answers < enough:
        return (
            f"The cases are too few to promise {promise}: it takes {enough} conversations with an answer that can be"
            f" checked, even if none is wrong, and there are {answers} (of {len(found)}). Add"
            f" {enough - answers} or more, or {less}."
        )
    surest = sorted(found, key=lambda one: -max((sure for sure, _ in one.answers), default=-1))[:enough]
    wrong = sum(any(is_wrong for _, is_wrong in one.answers) for one in surest)
    most = max(0, most_wrong(enough, promise.share, confidence=level))
    return (
        f"The assistant is not right often enough to promise {promise}: among the {enough} surest answers {wrong} were"
        f" wrong, and {most} may be. Look at them with `sahut eval run`, mend what makes them wrong, add cases, or"
        f" {less}."
    )


def fit_slope(found: Sequence[Judged]) -> tuple[float, float]:
    """Slope and intercept on the log-odds of the confidence, so that it says how often such answers are right.

    A logistic fit that leans towards leaving the shipped confidence as it is; order is kept, so the thresholds stand.
    """
    sure = np.asarray([sure for one in found for sure, _ in one.answers])
    right = np.asarray([float(not wrong) for one in found for _, wrong in one.answers])
    odds = np.log(np.clip(sure, 1e-6, 1 - 1e-6) / (1 - np.clip(sure, 1e-6, 1 - 1e-6)))
    design = np.column_stack([odds, np.ones_like(odds)])
    beta = logistic(design, right, towards=np.asarray([1.0, 0.0]))
    return max(0.05, float(beta[0])), float(beta[1])


def logistic(design: Numbers, right: Numbers, *, towards: Numbers, ridge: float = _RIDGE) -> Numbers:
    """The weights of the columns of `design`: Newton's method with a ridge around `towards`, each step halved until
    it helps."""
    beta = towards.copy()

    def loss(at: Numbers) -> float:
        logits = design @ at
        fit = float(np.sum(np.logaddexp(0, logits) - right * logits))
        return fit + ridge / 2 * float(np.sum((at - towards) ** 2))

    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (chance - right) + ridge * (beta - towards)
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + ridge * np.eye(len(beta))
        step = np.linalg.solve(curvature, gradient)
        while loss(beta - step) > loss(beta) and np.abs(step).max() > 1e-9:
            step = step / 2
        beta = beta - step
        if np.abs(step).max() < 1e-8:
            break
    return beta


def mapped(thresholds: Mapping[str, Fitted], slope: float, intercept: float) -> dict[str, float]:
    """The thresholds on the calibrated confidence, which keeps order; none is lifted past an answer at its edge."""
    return {name: _mapped(found.threshold, slope, intercept) for name, found in thresholds.items()}


def _mapped(threshold: float, slope: float, intercept: float) -> float:
    if threshold > 1:
        return NEVER
    held = min(1 - 1e-6, max(1e-6, threshold))
    return 1 / (1 + math.exp(-(slope * math.log(held / (1 - held)) + intercept)))


def genuine_scores(results: Sequence[PlayedCase]) -> list[float]:
    """The highest probability of spam in each conversation with a genuine message, but for messages that are spam."""
    found = []
    for case in results:
        seen = [
            (turn.screening.verdict.score, turn.expect.spam if turn.expect else None)
            for turn in case.turns
            if turn.screening
        ]
        if any(spam is False for _, spam in seen):
            found.append(max(score for score, spam in seen if spam is not True))
    return found


def fit_spam(scores: Sequence[float], *, max_false_positives: float, confidence: float) -> Fitted:
    """From which probability a message is spam; `scores` are those of genuine messages, one a conversation.

    The lowest threshold at which at most that share of genuine messages is called spam, with this confidence. Raises
    `ConfigurationError` where they are too few for the promise.
    """
    enough = fewest(max_false_positives, confidence=confidence)
    promise = f"at most {max_false_positives:.2%} of genuine messages called spam with {confidence:.0%} confidence"
    if len(scores) < enough:
        raise ConfigurationError(
            f"The genuine messages are too few to promise {promise}: it takes {enough}, even if none is called spam,"
            f" and there are {len(scores)}. Add {enough - len(scores)} or more, or ask for less."
        )
    best: Fitted | None = None
    for threshold in _GRID[:-1]:
        wrong = sum(score >= threshold for score in scores)
        if at_most(wrong, len(scores), max_false_positives) > 1 - confidence:
            break
        best = Fitted(threshold, len(scores), wrong)
    if best is None:
        raise ConfigurationError(
            f"No threshold keeps the promise of {promise}: the screen is sure of too many of them."
        )
    return best
