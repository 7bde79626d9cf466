"""Turns what was played into measures, named as gates name them. Each function says what it divides by.

Pure. Knows nothing of files, limits or how a report looks.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import get_args

import numpy as np

from evals.run import PlayedCase, PlayedTurn, Run
from evals.scorers import unmet_content
from evals.stats import Measure, estimate, pass_hat, percentile, rate
from sahut.turn import Decision, Reply

DECISIONS: tuple[Decision, ...] = get_args(Decision)
NO_ANSWER = "error"  # in the confusion of decisions: the turn was not answered

Measures = dict[str, Measure]


def measure(run: Run) -> Measures:
    """Every measure of a run, by the name that gates and baselines use."""
    results, k = run.results, run.k
    measures = {
        "pass_rate": pass_rate(results, k),
        "wrong_answers": wrong_answers(results, k),
        "needless_handoffs": needless_handoffs(results, k),
        "errors": _exactly(sum(case.outcome == "error" for case in results), len(results)),
    }
    measures |= {f"pass_hat.{size}": pass_hats(results, size) for size in sorted({1, 4, k})}
    measures |= _decisions(results, k)
    measures |= _scorers(results, k)
    measures |= _groups("by_language", results, k, lambda case: case.language)
    measures |= _groups("by_topic", results, k, lambda case: case.topic)
    answered = [[turn for turn in case.turns if turn.reply and turn.ms is not None] for case in results]
    latencies = [[turn.ms or 0.0 for turn in turns] for turns in answered]
    measures["latency_ms.p50"] = estimate(latencies, percentile(50))
    measures["latency_ms.p95"] = estimate(latencies, percentile(95))
    costs = [[sum(turn.reply.usage.cost_usd for turn in turns if turn.reply)] for turns in answered]
    measures["cost_usd"] = estimate(costs, lambda numbers: float(np.sum(numbers)))
    return measures


def pass_rate(results: Sequence[PlayedCase], k: int) -> Measure:
    """Plays in which every score was right, of all plays in which something was expected.

    A play with an error is no pass, so that errors cannot make a report green; their count is told apart.
    """
    scored = [case for case in results if case.scored]
    return rate(sum(case.outcome == "passed" for case in scored), len(scored), repeats=k)


def wrong_answers(results: Sequence[PlayedCase], k: int) -> Measure:
    """The dangerous error: plays in which a wrong answer was sent, of all plays in which an answer was sent.

    Only turns with a checkable expectation count (`decision`, `contains`, `not_contains` or `cites`). An answer is
    sent where such a turn got the decision `reply` with text; small talk is left out, which is a reply without
    citation or tool result where a reply but no fact is expected. It is wrong where another decision was expected,
    or where its text or its citations are not what was expected. A needless handoff is not a wrong answer. Where
    something was expected and no answer was sent, the share is 0 and its interval is (0, 1).
    """
    sent = [case for case in results if any(answer_sent(turn) for turn in case.turns)]
    if not sent and any(case.scored for case in results):
        return Measure(value=0.0, low=0.0, high=1.0, n=0)
    return rate(sum(sent_wrong(case) for case in sent), len(sent), repeats=k)


def sent_wrong(case: PlayedCase) -> bool:
    """Whether any answer sent in the case is wrong."""
    return any(answer_sent(turn) and answer_wrong(turn) for turn in case.turns)


def needless_handoffs(results: Sequence[PlayedCase], k: int) -> Measure:
    """The harmless error: turns handed off, of all turns that expect the decision `reply`."""
    turns = [turn for turn in _turns(results) if turn.expect and turn.expect.decision == "reply"]
    return rate(sum(_decided(turn) == "hand_off" for turn in turns), len(turns), repeats=k)


def pass_hats(results: Sequence[PlayedCase], size: int) -> Measure:
    """pass^size: the mean over scored cases of the chance that `size` plays of it all pass; errors are no passes.

    Nothing is measured where cases were played fewer times.
    """
    plays: dict[str, list[bool]] = defaultdict(list)
    for case in results:
        if case.scored:
            plays[case.id].append(case.outcome == "passed")
    chances = [pass_hat(sum(passed), len(passed), size) for passed in plays.values()]
    known = [[chance] for chance in chances if chance is not None]
    return estimate(known, lambda numbers: float(np.mean(numbers))) if len(known) == len(plays) else Measure()


def confusion(results: Sequence[PlayedCase]) -> dict[str, dict[str, int]]:
    """How often each expected decision met each decision (or `error`), over turns that expect one."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for turn in _turns(results):
        if turn.expect and turn.expect.decision:
            table[turn.expect.decision][_decided(turn)] += 1
    return {expected: dict(sorted(got.items())) for expected, got in sorted(table.items())}


def answer_sent(turn: PlayedTurn) -> bool:
    """Whether the turn sent an answer that can be right or wrong; see `wrong_answers`."""
    expect, reply = turn.expect, turn.reply
    if expect is None or reply is None or reply.decision != "reply" or not reply.text.strip():
        return False
    facts = any(expect.asks(name) for name in ("contains", "not_contains", "cites"))
    if not facts and expect.decision is None:
        return False
    return facts or expect.decision != "reply" or _is_factual(reply)


def answer_wrong(turn: PlayedTurn) -> bool:
    """Whether an answer that was sent is wrong; see `wrong_answers`."""
    if turn.expect is None or turn.reply is None:
        return False
    return turn.expect.decision not in (None, "reply") or bool(unmet_content(turn.expect, turn.reply))


def _is_factual(reply: Reply) -> bool:
    return bool(reply.citations) or any(call.state == "done" for call in reply.tool_calls)


def _decisions(results: Sequence[PlayedCase], k: int) -> Measures:
    """Precision and recall of each decision, over turns that expect one; an unanswered turn is a miss."""
    table = confusion(results)
    measures: Measures = {}
    for decision in DECISIONS:
        hits = table.get(decision, {}).get(decision, 0)
        made = sum(got.get(decision, 0) for got in table.values())
        wanted = sum(table.get(decision, {}).values())
        measures[f"decisions.{decision}.precision"] = rate(hits, made, repeats=k)
        measures[f"decisions.{decision}.recall"] = rate(hits, wanted, repeats=k)
    return measures


def _scorers(results: Sequence[PlayedCase], k: int) -> Measures:
    """For each scorer: scores that were right, of all it gave."""
    given: dict[str, list[bool]] = defaultdict(list)
    for turn in _turns(results):
        for name, score in turn.scores.items():
            given[name].append(score.passed)
    return {f"scorers.{name}": rate(sum(passed), len(passed), repeats=k) for name, passed in sorted(given.items())}


def _groups(prefix: str, results: Sequence[PlayedCase], k: int, of: Callable[[PlayedCase], str | None]) -> Measures:
    groups: dict[str, list[PlayedCase]] = defaultdict(list)
    for case in results:
        group = of(case)
        if group is not None:
            groups[group].append(case)
    measures: Measures = {}
    for group, cases in sorted(groups.items()):
        measures[f"{prefix}.{group}.pass_rate"] = pass_rate(cases, k)
        measures[f"{prefix}.{group}.wrong_answers"] = wrong_answers(cases, k)
    return measures


def _turns(results: Iterable[PlayedCase]) -> list[PlayedTurn]:
    return [turn for case in results for turn in case.turns]


def _decided(turn: PlayedTurn) -> str:
    return turn.reply.decision if turn.reply else NO_ANSWER


def _exactly(count: int, n: int) -> Measure:
    """A count of what happened, which is no estimate."""
    return Measure(value=float(count), low=float(count), high=float(count), n=n)
