"""Measures beside pass and fail: citations, retrieval, the screen, and how well confidence tells right from wrong.

Pure. Each says what it divides by; intervals draw whole conversations. Knows nothing of gates or reports.
"""

from collections.abc import Callable, Sequence

import numpy as np

from agent.authority import INJECTION
from agent.deciding import ABUSE, DISTRESS, WANTS_HUMAN
from evals.curves import Bin, Numbers, aurc, auroc, ece, ndcg, ranks_of, recall_at, reliability, risk_coverage
from evals.played import PlayedCase, PlayedTurn, conversations
from evals.scorers import same_document
from evals.stats import Measure, estimate, estimate_rows
from sahut.turn import Screening

FALSE_POSITIVES = 0.005
DEPTHS = (1, 3, 5)
NDCG_DEPTH = 10

Measures = dict[str, Measure]
Answers = list[list[tuple[float, float]]]

_SIGNS: dict[str, tuple[Callable[[Screening], float], Callable[[Screening], bool]]] = {
    "spam": (lambda seen: seen.verdict.score, lambda seen: seen.verdict.label == "spam"),
    "injection": (lambda seen: seen.injection, lambda seen: seen.injection >= INJECTION),
    "wants_human": (lambda seen: seen.wants_human, lambda seen: seen.wants_human >= WANTS_HUMAN),
    "distress": (lambda seen: seen.distress, lambda seen: seen.distress >= DISTRESS),
    "abuse": (lambda seen: seen.abuse, lambda seen: seen.abuse >= ABUSE),
}


def quality(results: Sequence[PlayedCase], answers: Answers) -> Measures:
    """Every measure of this kind that the cases ask for. `answers`: see `confidence_measures`."""
    measures = citations(results) | retrieval(results) | confidence_measures(answers)
    for name in _SIGNS:
        measures |= screening(results, name)
    return measures


def citations(results: Sequence[PlayedCase]) -> Measures:
    """Precision: cited documents that are expected, of all cited; recall: expected documents that are cited.

    Both over turns that expect citations; a turn that cites nothing has no precision and the recall 0.
    """
    right: list[list[float]] = []
    found: list[list[float]] = []
    for said in conversations(results):
        turns = [turn for turn in said if turn.expect and turn.expect.cites]
        cited = [sorted({span.document for span in turn.reply.citations}) if turn.reply else [] for turn in turns]
        wanted = [turn.expect.cites or () if turn.expect else () for turn in turns]
        right.append([_any(path, names) for paths, names in zip(cited, wanted, strict=True) for path in paths])
        found.append(
            [
                float(any(same_document(name, path) for path in paths))
                for paths, names in zip(cited, wanted, strict=True)
                for name in names
            ]
        )
    if not any(found):
        return {}
    return {"citations.precision": estimate(right, _mean), "citations.recall": estimate(found, _mean)}


def retrieval(results: Sequence[PlayedCase]) -> Measures:
    """Recall, reciprocal rank and nDCG, in the mean over turns with `retrieves`; nothing searched for is nothing found.

    Recall@k is the share of the wanted documents among the first k.
    """
    turns = [[turn for turn in said if turn.expect and turn.expect.retrieves] for said in conversations(results)]
    if not any(turns):
        return {}
    ranks = [[_ranks(turn) for turn in group] for group in turns]
    measures = {
        f"retrieval.recall_at_{k}": estimate([[_share(places, n, k) for places, n in g] for g in ranks], _mean)
        for k in DEPTHS
    }
    firsts = [[1 / places[0] if places else 0.0 for places, _ in group] for group in ranks]
    gains = [[ndcg(places, wanted=n, k=NDCG_DEPTH) for places, n in group] for group in ranks]
    return measures | {
        "retrieval.mrr": estimate(firsts, _mean),
        f"retrieval.ndcg_at_{NDCG_DEPTH}": estimate(gains, _mean),
    }


def screening(results: Sequence[PlayedCase], name: str) -> Measures:
    """How well the screen tells `name`: recall and precision as it decides, AUROC, and recall at 0.5% false positives.

    Over turns that expect it or its absence; a message that was not screened counts as told wrong.
    """
    score, is_so = _SIGNS[name]
    rows: list[list[tuple[float, float, float]]] = []
    for said in conversations(results):
        turns = [turn for turn in said if turn.expect and turn.expect.asks(name)]
        rows.append([_told(turn, bool(getattr(turn.expect, name)), score, is_so) for turn in turns])
    if not any(rows):
        return {}
    return {
        f"screening.{name}.recall": estimate_rows(rows, lambda t: _ratio(t[:, 1] * t[:, 2], t[:, 1])),
        f"screening.{name}.precision": estimate_rows(rows, lambda t: _ratio(t[:, 1] * t[:, 2], t[:, 2])),
        f"screening.{name}.false_positives": estimate_rows(
            rows, lambda t: _ratio((1 - t[:, 1]) * t[:, 2], 1 - t[:, 1])
        ),
        f"screening.{name}.auroc": estimate_rows(rows, lambda t: auroc(t[:, 0], t[:, 1])),
        f"screening.{name}.recall_at_fpr": estimate_rows(
            rows, lambda t: recall_at(t[:, 0], t[:, 1], false_positives=FALSE_POSITIVES)
        ),
    }


def confidence_measures(answers: Answers) -> Measures:
    """How well confidence tells right answers from wrong, over answers that were sent and could be checked.

    `answers` are, by conversation, pairs of confidence and 1 where the answer was right.
    """
    if not any(answers):
        return {}
    return {
        "confidence.auroc": estimate_rows(answers, lambda t: auroc(t[:, 0], t[:, 1])),
        "confidence.ece": estimate_rows(answers, lambda t: ece(t[:, 0], t[:, 1])),
        "confidence.aurc": estimate_rows(answers, lambda t: aurc(t[:, 0], 1 - t[:, 1])),
    }


def reliability_of(answers: Answers) -> tuple[Bin, ...]:
    """Confidence against being right, in bins, for a chart."""
    sure, right = _columns(answers)
    return reliability(sure, right) if len(sure) else ()


def risks_of(answers: Answers) -> tuple[tuple[float, float], ...]:
    """Share of answers against share of wrong ones, surest first, for a chart."""
    sure, right = _columns(answers)
    return risk_coverage(sure, 1 - right) if len(sure) else ()


def _columns(answers: Answers) -> tuple[Numbers, Numbers]:
    table = np.asarray([row for group in answers for row in group], dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _ranks(turn: PlayedTurn) -> tuple[tuple[int, ...], int]:
    """Where the wanted documents stand among the found, and how many are wanted."""
    wanted = turn.expect.retrieves or () if turn.expect else ()
    found = turn.found or ()
    return ranks_of(found, [bool(_any(path, wanted)) for path in found]), len(wanted)


def _share(places: Sequence[int], wanted: int, k: int) -> float:
    return min(1.0, sum(place <= k for place in places) / wanted)


def _any(path: str, names: Sequence[str]) -> float:
    return float(any(same_document(name, path) for name in names))


def _told(
    turn: PlayedTurn, expected: bool, score: Callable[[Screening], float], is_so: Callable[[Screening], bool]
) -> tuple[float, float, float]:
    """The score, what was expected, and what was decided; without a screening the wrong end of each."""
    if turn.screening is None:
        return float(not expected), float(expected), float(not expected)
    return score(turn.screening), float(expected), float(is_so(turn.screening))


def _ratio(part: Numbers, whole: Numbers) -> float | None:
    total = float(whole.sum())
    return float(part.sum()) / total if total else None


def _mean(numbers: Numbers) -> float:
    return float(numbers.mean())
