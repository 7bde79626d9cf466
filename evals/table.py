"""Shows a report in the terminal: the numbers, the groups, the failures, the gates.

Reads a finished report; must not compute or judge anything.
"""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from evals.compare import Comparison
from evals.report import Difference, Report, Result, Taken
from evals.stats import Measure
from sahut.text import counted

MOST_FAILURES = 20
NOTHING = "-"
_LONGEST_CELL = 160
_FAMILIES = ("citations.", "retrieval.", "screening.", "confidence.")


def show(report: Report, *, changed: Sequence[Difference] | None = None) -> RenderableType:
    """The whole report for a terminal; `changed` are the differences from a baseline, where there is one."""
    parts: list[RenderableType] = [_summary(report)]
    for title, groups in (("language", report.by_language), ("topic", report.by_topic)):
        if groups:
            table = _table(title, "cases", "pass rate", "wrong answers")
            for name, group in groups.items():
                table.add_row(Text(name), str(group.cases), share(group.pass_rate), share(group.wrong_answers))
            parts.append(table)
    if report.failures or report.errors:
        parts.append(_failures(report))
    if changed is not None:
        parts.append(_changes(changed))
    parts.append(_verdict(report))
    return Group(*(line for part in parts for line in (part, Text())))


def show_comparison(found: Comparison) -> RenderableType:
    """What differs between two runs."""
    if found.is_empty:
        return Text(f"Nothing differs, over {counted(found.cases, 'case')}.")
    parts: list[RenderableType] = []
    if found.assistant:
        parts.append(Text(f"The assistant differs in: {', '.join(found.assistant)}"))
    if found.changes:
        table = _table("rate", "before", "after", "change (95% interval)", "")
        for change in found.changes:
            by = f"{change.change.value:+.4g} ({change.change.low:+.4g} to {change.change.high:+.4g})"
            clear = "" if change.is_clear else "may be chance"
            table.add_row(Text(change.name), f"{change.before:.4g}", f"{change.after:.4g}", by, clear)
        parts.append(table)
    if found.turned:
        table = _table("case", "is", "before", "after")
        for turn in found.turned[:MOST_FAILURES]:
            table.add_row(*(Text(cell) for cell in (turn.id, turn.kind, _cut(turn.before), _cut(turn.after))))
        parts.append(table)
        if len(found.turned) > MOST_FAILURES:
            parts.append(Text(f"... and {len(found.turned) - MOST_FAILURES} more cases"))
    for word, names in (("only before", found.only_before), ("only after", found.only_after)):
        if names:
            parts.append(Text(f"Cases {word}: {', '.join(names[:MOST_FAILURES])}"))
    parts.append(Text(f"Over {counted(found.cases, 'case')} that both runs played."))
    return Group(*(line for part in parts for line in (part, Text())))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"


def share(measure: Measure) -> str:
    """A rate as per cent with its interval, for example `71.4% (60.0-80.5)`."""
    if measure.value is None:
        return NOTHING
    if measure.low is None or measure.high is None:
        return percent(measure.value)
    return f"{percent(measure.value)} ({measure.low * 100:.1f}-{measure.high * 100:.1f})"


def percent(value: float, digits: int = 1) -> str:
    """A share as per cent. Nearly all is never told as all, and hardly any never as none."""
    told, step = f"{value:.{digits}%}", 10.0**-digits
    if value < 1 and told == f"{1:.{digits}%}":
        return f">{1 - step / 100:.{digits}%}"
    return f"<{step / 100:.{digits}%}" if value > 0 and told == f"{0:.{digits}%}" else told


def _table(*columns: str) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right", overflow="fold")
    return table


def _summary(report: Report) -> Table:
    table = _table(report.suite, "")
    plays = counted(report.cases, "case") + (f", each {report.k} times" if report.k > 1 else "")
    table.add_row("played", f"{plays}; failed {report.failures}, errors {report.errors}, unscored {report.unscored}")
    table.add_row("pass rate", share(report.pass_rate))
    for k, value in report.pass_hat.items():
        if k != "1" and value is not None:
            table.add_row(f"pass^{k}", share(report.measures[f"pass_hat.{k}"]))
    table.add_row("wrong answers sent", f"{share(report.wrong_answers)} of {report.wrong_answers.n}")
    table.add_row("needless handoffs", f"{share(report.needless_handoffs)} of {report.needless_handoffs.n}")
    for name, decision in report.decisions.items():
        if decision.n:
            precision, recall = (report.measures[f"decisions.{name}.{part}"] for part in ("precision", "recall"))
            table.add_row(f"{name} precision, recall", f"{share(precision)}, {share(recall)} of {decision.n}")
    for name, measure in report.measures.items():
        if name.startswith(_FAMILIES) and measure.value is not None:
            scale = f"{measure.value:.3f} ({measure.low:.3f}-{measure.high:.3f})"
            table.add_row(name.replace("_", " "), f"{scale} of {measure.n}")
    table.add_row("latency p50, p95", f"{_ms(report.latency_ms.p50)}, {_ms(report.latency_ms.p95)}")
    table.add_row("cost", cost(report))
    for name, beside in (("the customers' model", report.customers), ("the judge", report.judge)):
        if beside is not None:
            table.add_row(name, taken(beside))
    if report.unjudged:
        table.add_row("rubrics", f"{report.unjudged} not judged: give --judge MODEL")
    return table


def cost(report: Report) -> str:
    """What the answers cost, or their tokens where no price is known."""
    if report.measures["cost_usd"].value is not None or not report.results:
        return f"{report.cost_usd:.4f} USD"
    return f"{_tokens(report.usage.input_tokens, report.usage.output_tokens)}; no price is known"


def taken(beside: Taken) -> str:
    """What a model took beside the assistant."""
    if beside.cost_usd is not None:
        price = f"{beside.cost_usd:.4f} USD"
    else:
        price = "no price is known" if beside.input_tokens or beside.output_tokens else "nothing was counted"
    return f"{beside.model}: {_tokens(beside.input_tokens, beside.output_tokens)}; {price}"


def _tokens(read: int, written: int) -> str:
    return f"{read:,} tokens in, {written:,} out"


def _failures(report: Report) -> Table:
    """The dangerous ones first: wrong answers that were sent, then errors, then the rest."""
    bad = [result for result in report.results if result.outcome in ("failed", "error")]
    bad.sort(key=lambda result: (not result.sent_wrong, result.outcome != "error"))
    table = Table("case", "outcome", "the customer said", "what is wrong", show_edge=False, pad_edge=False)
    for result in bad[:MOST_FAILURES]:
        said, wrong = next(_flaws(result), ("", ""))
        name = result.id if report.k == 1 else f"{result.id} ({result.run})"
        table.add_row(
            *(Text(cell) for cell in (name, "sent wrong" if result.sent_wrong else result.outcome, said, wrong))
        )
    if len(bad) > MOST_FAILURES:
        table.add_row(f"... and {len(bad) - MOST_FAILURES} more", "", "", "")
    return table


def _flaws(result: Result) -> Iterator[tuple[str, str]]:
    """For each turn that went wrong: what the customer said, and why."""
    for turn in result.turns:
        reasons = [f"{name}: {score.explanation}" for name, score in turn.scores.items() if not score.passed]
        if turn.error or reasons:
            yield " / ".join(turn.user), turn.error or "; ".join(reasons)


def _changes(changed: Sequence[Difference]) -> RenderableType:
    if not changed:
        return Text("Nothing differs from the baseline.")
    table = _table("differs from the baseline", "before", "now", "change")
    for difference in changed:
        numbers = (difference.before, difference.after, difference.change)
        before, after, change = (NOTHING if number is None else f"{number:.4g}" for number in numbers)
        table.add_row(Text(difference.name), before, after, change if change.startswith("-") else f"+{change}")
    return table


def _verdict(report: Report) -> Text:
    if report.passed and report.results and all(result.outcome == "unscored" for result in report.results):
        why = "their rubrics take a judge (--judge MODEL)" if report.unjudged else "nothing is expected in these cases"
        return Text(f"Replayed, not scored: {why}.")
    if report.passed:
        kept = len(report.gates)
        return Text(f"Passed: all {kept} gates are kept." if kept else "Passed: the suite has no gates.", style="green")
    lines = "\n".join(f"  {breach.sentence}" for breach in report.breaches)
    return Text(f"Not passed:\n{lines}", style="red")


def _ms(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0f} ms"
