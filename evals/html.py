"""The report as one page that needs nothing else: for those who decide, failures first. Reads a finished report."""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from evals import charts
from evals.gates import Gate
from evals.report import Report, Result
from evals.stats import Measure
from evals.table import cost, percent, share, taken

MOST_SHOWN = 200
_DECISIONS = ("reply", "clarify", "hand_off", "silent", "error")


def html(report: Report) -> str:
    """A self-contained page: no script, no font and no picture from anywhere. All that customers said is escaped."""
    page: str = _template().render(
        report=report,
        headline=_headline(report),
        bad=_bad(report)[:MOST_SHOWN],
        hidden=max(0, len(_bad(report)) - MOST_SHOWN),
        good=[result for result in report.results if result.outcome in ("passed", "unscored")],
        charts=_charts(report),
        confusion=_confusion(report),
        decisions=_DECISIONS,
        gates=[(_told(gate), gate, _kept(report, gate)) for gate in report.gates],
        numbers=_numbers(report),
        share=share,
        percent=percent,
        cost=cost(report),
        beside=[
            f"{who}, {taken(one)}"
            for who, one in (("the model that played the customers", report.customers), ("the judge", report.judge))
            if one
        ],
    )
    return page


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((files("evals") / "data" / "report.html.j2").read_text(encoding="utf-8"))


def _headline(report: Report) -> str:
    """What came out, in one sentence for somebody who reads no further."""
    rate, wrong = report.pass_rate, report.wrong_answers
    if rate.value is None:
        return f"{report.cases} conversations were replayed; nothing was expected of them, so nothing is judged."
    sent = f"{wrong.n} sent answers" if wrong.n != 1 else "1 sent answer"
    tail = (
        "no answer that can be checked was sent."
        if not wrong.n
        else f"of {sent} {percent(wrong.value or 0)} were wrong."
    )
    return f"{percent(rate.value, 0)} of {rate.n} conversations went as expected; {tail}"


def _bad(report: Report) -> list[Result]:
    """What went wrong, the dangerous first: critical cases, wrong answers that were sent, errors, the rest."""
    bad = [result for result in report.results if result.outcome in ("failed", "error")]
    return sorted(bad, key=lambda result: (not result.critical, not result.sent_wrong, result.outcome != "error"))


def _charts(report: Report) -> dict[str, Markup]:
    """The charts by title; those without numbers are left out. The SVG is made and escaped by our own code."""
    groups = [("all", report.pass_rate)]
    languages = [(name, group.pass_rate) for name, group in report.by_language.items()]
    topics = [(name, group.pass_rate) for name, group in report.by_topic.items()]
    times = [turn.ms for result in report.results for turn in result.turns if turn.ms is not None]
    drawn = {
        "Pass rate by language": charts.intervals(groups + languages, title="Pass rate by language"),
        "Pass rate by topic": charts.intervals(topics, title="Pass rate by topic"),
        "Sent surest first: how many are wrong": charts.risk_coverage(report.risks),
        "Is it as sure as it should be?": charts.reliability(report.reliability),
        "Time to a reply": charts.latency(times),
    }
    return {title: Markup(svg) for title, svg in drawn.items() if svg}  # noqa: S704  # escaped in evals/charts.py


def _confusion(report: Report) -> list[tuple[str, list[tuple[str, int, float]]]]:
    """For each expected decision how often each was made, and its share of the row."""
    rows = []
    for expected, got in report.confusion.items():
        total = sum(got.values())
        rows.append((expected, [(made, got.get(made, 0), got.get(made, 0) / total) for made in _DECISIONS]))
    return rows


def _numbers(report: Report) -> list[tuple[str, str, int]]:
    """Every measure that is no count of time or money, in words."""
    shown = (
        "scorers.",
        "decisions.",
        "citations.",
        "retrieval.",
        "screening.",
        "confidence.",
        "pass_hat.",
        "baseline.",
    )
    return [
        (name, _number(measure), measure.n)
        for name, measure in report.measures.items()
        if name.startswith(shown) and measure.value is not None
    ]


def _number(measure: Measure) -> str:
    if measure.low is None or measure.high is None:
        return f"{measure.value:.3f}"
    return f"{measure.value:.3f} ({measure.low:.3f} to {measure.high:.3f})"


def _told(gate: Gate) -> str:
    limits = [
        f"at least {gate.min:g}" if gate.min is not None else "",
        f"at most {gate.max:g}" if gate.max is not None else "",
    ]
    end = "" if gate.bound == "value" else f" ({gate.bound} end of the interval)"
    return f"{gate.name}{end}: {' and '.join(filter(None, limits))}"


def _kept(report: Report, gate: Gate) -> bool:
    return not any(breach.gate == gate.name and breach.bound == gate.bound for breach in report.breaches)
