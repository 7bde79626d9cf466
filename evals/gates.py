"""The limits that a run must keep: which names exist, what a limit means, and whether a measure keeps it.

One rule for report and exit code: a run passes where `breaches` finds nothing. Knows nothing of files or cases.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from evals.stats import Measure
from sahut.turn import Value

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Bound = Literal["value", "low", "high"]

_CEILINGS = ("wrong_answers", "needless_handoffs", "latency_ms.p50", "latency_ms.p95", "cost_usd", "errors")
_AMOUNTS = ("latency_ms.p50", "latency_ms.p95", "cost_usd", "errors")
_KNOWN = re.compile(
    r"pass_rate|wrong_answers|needless_handoffs|errors|cost_usd"
    r"|latency_ms\.(p50|p95)|pass_hat\.[1-9]\d*"
    r"|decisions\.(reply|clarify|hand_off|silent)\.(precision|recall)"
    r"|scorers\.[^.]+|by_(language|topic)\..+\.(pass_rate|wrong_answers)"
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


NO_ERRORS = Gate(name="errors", max=0)


def parse_gate(name: str, limit: Any) -> Gate:
    """A gate as a suite writes it: a number, or `{min, max, bound}`.

    A number is a minimum; for wrong answers, needless handoffs, latency, cost and errors it is a maximum. Raises
    `ValueError` (Pydantic's errors are such) where the name is unknown or the limit makes no sense.
    """
    if not _KNOWN.fullmatch(name):
        raise ValueError("unknown gate")
    if isinstance(limit, Mapping):
        if "name" in limit:
            raise ValueError("unknown key `name`; a gate has `min`, `max` and `bound`")
        return Gate.model_validate({"name": name, **limit})
    ceiling = name.rpartition(".")[2] == "wrong_answers" or name in _CEILINGS
    return Gate.model_validate({"name": name, "max" if ceiling else "min": limit})


def breaches(measures: Mapping[str, Measure], gates: Sequence[Gate]) -> tuple[Breach, ...]:
    """Every limit that is not kept, in the suite's order.

    A gate on what the run did not measure is a breach. A turn that could not be run is one too, unless a gate on
    `errors` allows it.
    """
    if not any(gate.name == NO_ERRORS.name for gate in gates):
        gates = [*gates, NO_ERRORS]
    return tuple(found for gate in gates for found in _check(gate, measures.get(gate.name, Measure())))


def _check(gate: Gate, measure: Measure) -> Iterable[Breach]:
    actual: float | None = getattr(measure, gate.bound)
    where = gate.name if gate.bound == "value" else f"{gate.name} ({gate.bound} end of the interval)"
    for limit, word, sign in ((gate.min, "at least", 1), (gate.max, "at most", -1)):
        if limit is None or (actual is not None and (actual - limit) * sign >= 0):
            continue
        seen = "was not measured" if actual is None else f"is {actual:.4g}"
        sentence = f"{where} {seen}; the gate wants {word} {limit:.4g}"
        yield Breach(gate=gate.name, bound=gate.bound, limit=limit, actual=actual, sentence=sentence)
