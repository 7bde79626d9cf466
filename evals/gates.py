"""The limits that a run must keep: which names exist, what a limit means, and whether a measure keeps it.

One rule for report and exit code: a run passes where `breaches` finds nothing. Knows nothing of files or cases.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from evals.stats import Measure
from sahut.values import Value

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Bound = Literal["value", "low", "high"]

_CEILINGS = (
    "wrong_answers",
    "needless_handoffs",
    "latency_ms.p50",
    "latency_ms.p95",
    "cost_usd",
    "errors",
    "critical",
    "confidence.ece",
    "confidence.aurc",
    "baseline.wrong_answers",
    "baseline.needless_handoffs",
)
_CEILING_ENDS = ("wrong_answers", "false_positives")
_AMOUNTS = ("latency_ms.p50", "latency_ms.p95", "cost_usd", "errors", "critical")
_CHANGES = "baseline."
_KNOWN = re.compile(
    r"pass_rate|wrong_answers|needless_handoffs|errors|critical|cost_usd"
    r"|latency_ms\.(p50|p95)|pass_hat\.[1-9]\d*"
    r"|decisions\.(reply|clarify|hand_off|silent)\.(precision|recall)"
    r"|citations\.(precision|recall)|retrieval\.(recall_at_(1|3|5)|mrr|ndcg_at_10)"
    r"|screening\.(spam|injection|wants_human|distress|abuse)\.(recall|precision|false_positives|auroc|recall_at_fpr)"
    r"|confidence\.(auroc|ece|aurc)|baseline\.(pass_rate|wrong_answers|needless_handoffs)"
    r"|scorers\.[^.]+|by_(language|topic)\..+\.(pass_rate|wrong_answers)"
)

# The same for people.
_SPOKEN = (
    "pass_rate, wrong_answers, needless_handoffs, errors, critical, cost_usd, latency_ms.p50 (p95), pass_hat.K, "
    "decisions.DECISION.precision (recall), citations.precision (recall), retrieval.recall_at_1 (recall_at_3, "
    "recall_at_5, mrr, ndcg_at_10), screening.WHAT.recall (precision, false_positives, auroc, recall_at_fpr), "
    "confidence.auroc (ece, aurc), baseline.pass_rate (wrong_answers, needless_handoffs), scorers.NAME, "
    "by_language.CODE.pass_rate (wrong_answers), by_topic.TOPIC.pass_rate (wrong_answers)"
)


class Gate(Value):
    """A limit on the measure `name`: at least `min`, at most `max`, of its value or of an end of its interval."""

    name: str
    min: Number | None = None
    max: Number | None = None
    bound: Bound = "value"

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        limits = [limit for limit in (self.min, self.max) if limit is not None]
        if not limits:
            raise ValueError("give `min` or `max`")
        if limits != sorted(limits):
            raise ValueError("`min` is above `max`")
        if self.name.startswith(_CHANGES):
            if not all(-1 <= limit <= 1 for limit in limits):
                raise ValueError("a change of a rate lies between -1 and 1")
            return self
        if self.name not in _AMOUNTS and not all(0 <= limit <= 1 for limit in limits):
            raise ValueError("a rate lies between 0 and 1")
        if min(limits) < 0:
            raise ValueError("a limit is not below 0")
        return self


class Breach(Value):
    """A gate that was not kept. `actual` is `None` where the run did not measure it."""

    gate: str
    bound: Bound
    limit: float
    actual: float | None
    sentence: str


# What holds in every run, unless the suite says otherwise: nothing broke, nothing critical failed.
ALWAYS = (Gate(name="errors", max=0), Gate(name="critical", max=0))
# With a baseline: nothing is worse beyond what chance explains.
NOT_WORSE = (
    Gate(name="baseline.pass_rate", min=0, bound="high"),
    Gate(name="baseline.wrong_answers", max=0, bound="low"),
)


def parse_gate(name: str, limit: Any) -> Gate:
    """A gate as a suite writes it: a number, or `{min, max, bound}`.

    A number is a minimum; for what should be rare or small (wrong answers, needless handoffs, errors, false positives,
    latency, cost) it is a maximum. `baseline.` is the change since the baseline, paired by case. Raises
    `ValueError` (Pydantic's errors are such) where the name is unknown or the limit makes no sense.
    """
    if not _KNOWN.fullmatch(name):
        raise ValueError(f"unknown gate; known are {_SPOKEN}")
    if isinstance(limit, Mapping):
        if "name" in limit:
            raise ValueError("unknown key `name`; a gate has `min`, `max` and `bound`")
        return Gate.model_validate({"name": name, **limit})
    ceiling = name.rpartition(".")[2] in _CEILING_ENDS or name in _CEILINGS
    return Gate.model_validate({"name": name, "max" if ceiling else "min": limit})


def breaches(measures: Mapping[str, Measure], gates: Sequence[Gate]) -> tuple[Breach, ...]:
    """Every limit that is not kept, in the suite's order.

    A gate on what the run did not measure is a breach. A turn that could not be run and a critical case that did not
    pass are breaches too, unless a gate of that name allows them.
    """
    named = {gate.name for gate in gates}
    more = [*ALWAYS, *(gate for gate in NOT_WORSE if gate.name in measures)]
    gates = [*gates, *(gate for gate in more if gate.name not in named)]
    return tuple(found for gate in gates for found in _check(gate, measures.get(gate.name, Measure())))


def _check(gate: Gate, measure: Measure) -> Iterable[Breach]:
    actual: float | None = getattr(measure, gate.bound)
    where = gate.name if gate.bound == "value" else f"{gate.name} ({gate.bound} end of the interval)"
    for limit, word, sign in ((gate.min, "at least", 1), (gate.max, "at most", -1)):
        if limit is None or (actual is not None and (actual - limit) * sign >= 0):
            continue
        seen = _unmeasured(gate.name) if actual is None else f"is {actual:.4g}"
        sentence = f"{where} {seen}; the gate wants {word} {limit:.4g}"
        yield Breach(gate=gate.name, bound=gate.bound, limit=limit, actual=actual, sentence=sentence)


def _unmeasured(name: str) -> str:
    return "was not measured" + ("; give --baseline FILE" if name.startswith(_CHANGES) else "")
