"""A report as JUnit XML, so that CI systems list what failed. Reads a finished report; judges nothing."""

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from evals.report import Report, Result

_NOT_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def junit(report: Report) -> str:
    """One test case for each play, one for each gate that was not kept. Unscored plays are skipped."""
    cases = [line for result in report.results for line in _case(report, result)]
    for breach in report.breaches:
        cases.append(f'<testcase classname="gates" name={_quoted(breach.gate)}>')
        cases.append(f"<failure message={_quoted(breach.sentence)}/></testcase>")
    counts = (
        f'tests="{len(report.results) + len(report.breaches)}" failures="{report.failures + len(report.breaches)}" '
        f'errors="{report.errors}" skipped="{report.unscored}"'
    )
    suite = f"<testsuite name={_quoted(report.suite)} {counts} timestamp={_quoted(report.started_at.isoformat())}>"
    return "\n".join(
        ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", suite, *cases, "</testsuite>", "</testsuites>"]
    )


def _case(report: Report, result: Result) -> Iterator[str]:
    name = result.id if report.k == 1 else f"{result.id} ({result.run})"
    seconds = sum(turn.ms or 0 for turn in result.turns) / 1000
    group = ".".join(filter(None, (report.suite, result.topic)))
    yield f'<testcase classname={_quoted(group)} name={_quoted(name)} time="{seconds:.3f}">'
    if result.outcome == "unscored":
        yield "<skipped/>"
    if result.outcome == "error":
        text = next((turn.error for turn in result.turns if turn.error), "")
        yield f"<error message={_quoted(text)}/>"
    if result.outcome == "failed":
        reasons = list(_reasons(result))
        told = escape(_clean("\n".join(reasons)))
        yield f"<failure message={_quoted(reasons[0] if reasons else '')}>{told}</failure>"
    yield "</testcase>"


def _reasons(result: Result) -> Iterator[str]:
    for turn in result.turns:
        for name, score in turn.scores.items():
            if not score.passed:
                yield f"{' / '.join(turn.user)}: {name}: {score.explanation}"


def _quoted(text: str) -> str:
    return quoteattr(_clean(text).replace("\n", " "))


def _clean(text: str) -> str:
    return _NOT_XML.sub("?", text)
