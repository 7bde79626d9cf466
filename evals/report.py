"""The report of a run: its shape, its file, and what differs from an earlier one.

One rule for report and exit code: `Report.passed`. Must not know how it is shown (`evals/table.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evals.cases import RUBRIC
from evals.compare import ComparedCase, paired
from evals.curves import Bin
from evals.fingerprint import Fingerprint
from evals.folder import REPORT, write_whole
from evals.gates import Breach, Gate, breaches
from evals.measures import DECISIONS, confusion, counts, measure, sent_wrong, weighed_answers
from evals.played import Outcome, PlayedCase, PlayedTurn, Run
from evals.quality import reliability_of, risks_of
from evals.reading import sentences
from evals.stats import Measure
from evals.suite import Suite
from sahut.errors import ConfigurationError
from sahut.turn import Usage
from sahut.values import Value

FILE_NAME = REPORT
BASELINE_RATES = ("pass_rate", "wrong_answers", "needless_handoffs")
_COMPARED = {"id": True, "run": True, "outcome": True, "counts": True, "turns": True}
_UNSHOWN = {"turns": {"__all__": {"reply": {"exchanges"}}}}


class Result(Value):
    """One case as it was played: what was said, what came back, and how each turn scored.

    `sent_wrong`: a wrong answer was sent in it, which is the dangerous error. `counts` are what it adds to each rate.
    """

    id: str
    run: int
    language: str | None
    topic: str | None
    outcome: Outcome
    sent_wrong: bool
    critical: bool = False
    counts: dict[str, tuple[float, float]] = Field(default_factory=dict)
    turns: tuple[PlayedTurn, ...]


class PrecisionRecall(Value):
    """How well one decision is made. `n` is the number of turns that expect it."""

    precision: float | None
    recall: float | None
    n: int


class Group(Value):
    """The cases of one language or topic."""

    cases: int
    pass_rate: Measure
    wrong_answers: Measure


class Quantiles(Value):
    """Milliseconds from turn to reply, over the turns that got one."""

    p50: float | None
    p95: float | None


class Taken(Value):
    """A chat model beside the assistant and what it took; `cost_usd` is `None` where no price or no count is known."""

    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


class Report(Value):
    """`report.json`. Rates without a case to measure are null.

    `measures` holds every number again under the name that gates use, with its 95% interval. `failures` and
    `errors` count plays apart; `unscored` those in which nothing was expected. `usage` and `cost_usd` are the
    assistant's own, apart from those of simulated `customers` and of the `judge` of rubrics; `unjudged` are turns whose
    rubric nobody judged.
    """

    suite: str
    cases: int
    k: int
    started_at: datetime
    models: tuple[str, ...]
    failures: int
    errors: int
    unscored: int
    pass_rate: Measure
    pass_hat: dict[str, float | None]
    decisions: dict[str, PrecisionRecall]
    confusion: dict[str, dict[str, int]]
    wrong_answers: Measure
    needless_handoffs: Measure
    by_language: dict[str, Group]
    by_topic: dict[str, Group]
    latency_ms: Quantiles
    cost_usd: float
    usage: Usage = Usage()
    customers: Taken | None = None
    judge: Taken | None = None
    unjudged: int = 0
    measures: dict[str, Measure]
    gates: tuple[Gate, ...]
    breaches: tuple[Breach, ...]
    passed: bool
    reliability: tuple[Bin, ...] = ()
    risks: tuple[tuple[float, float], ...] = ()
    assistant: Fingerprint | None = None
    # Not shown in a repr: `asyncio.Runner` makes one of what it returns, for nothing.
    results: tuple[Result, ...] = Field(repr=False)


class Baseline(BaseModel):
    """What is read of an earlier report: only what comparing needs, so that older files stay readable."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    suite: str
    measures: dict[str, Measure]
    results: tuple[ComparedCase, ...]
    assistant: Fingerprint | None = None


class Difference(Value):
    """One measure in an earlier report and in this one; `None` where it was not measured."""

    name: str
    before: float | None
    after: float | None

    @property
    def change(self) -> float | None:
        """After less before."""
        return None if self.before is None or self.after is None else self.after - self.before


def build_report(
    run: Run,
    *,
    baseline: Baseline | None = None,
    assistant: Fingerprint | None = None,
    judge: Taken | None = None,
) -> Report:
    """Everything a run says, its gates checked; with a `baseline` it must not be worse than that was."""
    found = measure(run)
    results = tuple(_result(case) for case in run.results)
    if baseline is not None:
        changes = paired(baseline.results, compared(results))
        found |= {f"baseline.{change.name}": change.change for change in changes if change.name in BASELINE_RATES}
    broken = breaches(found, run.suite.gates)
    outcomes = [case.outcome for case in run.results]
    return Report(
        suite=run.suite.name,
        cases=len(run.suite.cases),
        k=run.k,
        started_at=run.started_at,
        models=_models(run),
        failures=outcomes.count("failed"),
        errors=outcomes.count("error"),
        unscored=outcomes.count("unscored"),
        pass_rate=found["pass_rate"],
        pass_hat={name.removeprefix("pass_hat."): m.value for name, m in found.items() if name.startswith("pass_hat.")},
        decisions={name: _decision(name, run, found) for name in DECISIONS},
        confusion=confusion(run.results),
        wrong_answers=found["wrong_answers"],
        needless_handoffs=found["needless_handoffs"],
        by_language=_by("by_language", run, found),
        by_topic=_by("by_topic", run, found),
        latency_ms=Quantiles(p50=found["latency_ms.p50"].value, p95=found["latency_ms.p95"].value),
        cost_usd=found["cost_usd"].value or 0.0,
        usage=_usage(run),
        customers=taken_by(run.customers, sum((case.customer for case in run.results), Usage())),
        judge=judge,
        unjudged=sum(_is_unjudged(turn) for case in run.results for turn in case.turns),
        measures=found,
        gates=run.suite.gates,
        breaches=broken,
        passed=not broken,
        reliability=reliability_of(weighed_answers(run.results)),
        risks=risks_of(weighed_answers(run.results)),
        assistant=assistant,
        results=results,
    )


def write_report(report: Report, folder: Path) -> Path:
    """Writes `report.json` into `folder` (made where missing), whole or not at all. Gives its path."""
    path = folder / FILE_NAME
    write_whole(path, to_json(report))
    return path


def to_json(report: Report) -> str:
    """The report as JSON text: no NaN, and without the models' raw exchanges."""
    return report.model_dump_json(indent=2, exclude={"results": {"__all__": _UNSHOWN}})


def read_report(path: Path) -> Baseline:
    """A report, by its file or its run's folder. Raises `ConfigurationError` where it is none."""
    path = path / FILE_NAME if path.is_dir() else path
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValidationError as error:
        _, text = next(sentences(error))
        raise ConfigurationError(f"{path}: is no report of `sahut eval run`: {text}") from error


def read_baseline(path: Path, suite: Suite) -> Baseline:
    """An earlier report to compare with. Raises `ConfigurationError` where it is none, or one of another suite."""
    report = read_report(path)
    if report.suite != suite.name:
        raise ConfigurationError(f"{path}: is a report of the suite `{report.suite}`, not of `{suite.name}`")
    if {result.id for result in report.results}.isdisjoint(case.id for case in suite.cases):
        raise ConfigurationError(f"{path}: has no case in common with the suite `{suite.name}`")
    return report


def compared(results: Sequence[Result]) -> tuple[ComparedCase, ...]:
    """The results as comparing wants them."""
    return tuple(ComparedCase.model_validate(result.model_dump(include=_COMPARED)) for result in results)


def differences(before: Baseline, after: Report) -> tuple[Difference, ...]:
    """The measures whose values differ, in the order of the later report; of two like runs only the clock's."""
    names = {**after.measures, **before.measures}
    pairs = [
        Difference(name=name, before=_value(before.measures, name), after=_value(after.measures, name))
        for name in names
    ]
    return tuple(pair for pair in pairs if pair.before != pair.after)


def _value(measures: Mapping[str, Measure], name: str) -> float | None:
    return measures[name].value if name in measures else None


def _decision(name: str, run: Run, found: Mapping[str, Measure]) -> PrecisionRecall:
    precision, recall = found[f"decisions.{name}.precision"], found[f"decisions.{name}.recall"]
    return PrecisionRecall(precision=precision.value, recall=recall.value, n=recall.n)


def _by(prefix: str, run: Run, found: Mapping[str, Measure]) -> dict[str, Group]:
    """The groups of `by_language` or `by_topic`; `cases` counts cases, not their repeats."""
    key = prefix.removeprefix("by_")
    names = sorted({getattr(case, key) for case in run.suite.cases} - {None})
    return {
        name: Group(
            cases=sum(getattr(case, key) == name for case in run.suite.cases),
            pass_rate=found[f"{prefix}.{name}.pass_rate"],
            wrong_answers=found[f"{prefix}.{name}.wrong_answers"],
        )
        for name in names
    }


def _models(run: Run) -> tuple[str, ...]:
    replies = [turn.reply for case in run.results for turn in case.turns if turn.reply]
    return tuple(sorted({reply.model for reply in replies if reply.model}))


def _usage(run: Run) -> Usage:
    """What the assistant's chat model took for the answers."""
    replies = [turn.reply for case in run.results for turn in case.turns if turn.reply]
    return sum((reply.usage for reply in replies), Usage())


def taken_by(model: str, usage: Usage) -> Taken | None:
    """What a model took; `None` where there is none."""
    if not model:
        return None
    cost_usd = usage.cost_usd if usage.cost_usd > 0 else None
    return Taken(model=model, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cost_usd=cost_usd)


def _is_unjudged(turn: PlayedTurn) -> bool:
    return bool(turn.expect and turn.expect.rubric) and RUBRIC not in turn.scores


def _result(case: PlayedCase) -> Result:
    return Result(
        id=case.id,
        run=case.run,
        language=case.language,
        topic=case.topic,
        outcome=case.outcome,
        sent_wrong=sent_wrong(case),
        critical=case.critical,
        counts=counts(case),
        turns=case.turns,
    )
