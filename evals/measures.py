"""Turns what was played into measures, named as gates name them. Each function says what it divides by.

Pure. Knows nothing of files, limits or how a report looks.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import get_args

import numpy as np

from evals.played import PlayedCase, PlayedTurn, Run, by_case, conversations
from evals.quality import Answers, quality
from evals.scorers import CONTENT, unmet_content
from evals.stats import Measure, estimate, pass_hat, percentile, rate
from sahut.turn import Decision, Reply, Usage

DECISIONS: tuple[Decision, ...] = get_args(Decision)
MOST_SIZES = 8  # pass^1 to pass^k, but for the many repeats of a large k
NO_ANSWER = "error"  # in the confusion of decisions: the turn was not answered

Measures = dict[str, Measure]


def measure(run: Run) -> Measures:
    """Every measure of a run, by the name that gates and baselines use."""
    results, k = run.results, run.k
    measures = {
        "pass_rate": pass_rate(results),
        "wrong_answers": wrong_answers(results),
        "needless_handoffs": needless_handoffs(results),
        "errors": _exactly(sum(case.outcome == "error" for case in results), len(results)),
    }
    sizes = sorted({*range(1, min(k, MOST_SIZES) + 1), 4, k})
    measures |= {f"pass_hat.{size}": pass_hats(results, size) for size in sizes}
    measures |= _decisions(results)
    measures |= _scorers(results)
    measures["critical"] = critical(results)
    measures |= quality(results, weighed_answers(results))
    measures |= _groups("by_language", results, lambda case: case.language)
    measures |= _groups("by_topic", results, lambda case: case.topic)
    latencies = [[turn.ms for turn in turns if turn.reply and turn.ms is not None] for turns in conversations(results)]
    measures["latency_ms.p50"] = estimate(latencies, percentile(50))
    measures["latency_ms.p95"] = estimate(latencies, percentile(95))
    measures["cost_usd"] = cost_usd(results)
    return measures


def cost_usd(results: Sequence[PlayedCase]) -> Measure:
    """What the answers cost in all; nothing is measured where tokens were taken that no price is known for."""
    if not _all_priced(results):
        return Measure()
    costs = [[_cost_usd(case) for case in plays] for plays in by_case(results)]
    return estimate(costs, lambda numbers: float(np.sum(numbers)))


def is_priced(usage: Usage) -> bool:
    """Whether it is known what the tokens cost: a model without a listed price is counted as 0."""
    return usage.cost_usd > 0 or not (usage.input_tokens or usage.output_tokens)


def pass_rate(results: Sequence[PlayedCase]) -> Measure:
    """Plays in which every score was right, of all plays in which something was expected.

    A play with an error is no pass, so that errors cannot make a report green; their count is told apart.
    """
    return _share(results, lambda case: case.scored, lambda case: case.outcome == "passed")


def wrong_answers(results: Sequence[PlayedCase]) -> Measure:
    """The dangerous error: plays in which a wrong answer was sent, of all plays in which an answer was sent.

    Only turns with a checkable expectation count (`decision`, or what a right answer holds). An answer is
    sent where such a turn got the decision `reply` with text; small talk is left out, which is a reply without
    citation or tool result where a reply but no fact is expected. A handoff that cites, because it answers some of
    several questions, sends an answer too. It is wrong where another decision was expected, or where its text or its
    citations are not what was expected: a handoff that answers in part, where nothing expected says what of.
    A needless handoff is not a wrong answer. Where something was expected and no answer was sent, the share is 0 and
    its interval is (0, 1).
    """
    found = _share(results, lambda case: any(answer_sent(turn) for turn in case.turns), sent_wrong)
    if not found.n and any(turn.expect for case in results for turn in case.turns):
        return Measure(value=0.0, low=0.0, high=1.0, n=0)
    return found


def sent_wrong(case: PlayedCase) -> bool:
    """Whether any answer sent in the case is wrong."""
    return any(answer_sent(turn) and answer_wrong(turn) for turn in case.turns)


def needless_handoffs(results: Sequence[PlayedCase]) -> Measure:
    """The harmless error: turns handed off, of all turns that expect the decision `reply`."""
    return _share_of_turns(results, lambda turn: _wanted(turn) == "reply", lambda turn: _decided(turn) == "hand_off")


def critical(results: Sequence[PlayedCase]) -> Measure:
    """Plays of critical cases that did not pass: a count, for which no rate makes up."""
    plays = [case for case in results if case.critical]
    return _exactly(sum(case.outcome != "passed" for case in plays), len(plays))


def weighed_answers(results: Sequence[PlayedCase]) -> Answers:
    """By conversation, the answers that were sent, weighed and can be checked: confidence, and 1 where right."""
    return [
        [
            (turn.reply.confidence, float(not answer_wrong(turn)))
            for turn in turns
            if answer_sent(turn) and turn.reply is not None and turn.reply.features
        ]
        for turns in conversations(results)
    ]


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


def counts(case: PlayedCase) -> dict[str, tuple[float, float]]:
    """What a play adds to each rate, and to how many, for comparing runs case by case."""
    replies = [turn for turn in case.turns if turn.expect and turn.expect.decision == "reply"]
    answered = [turn for turn in case.turns if turn.reply and turn.ms is not None]
    return {
        "pass_rate": (float(case.outcome == "passed"), float(case.scored)),
        "wrong_answers": (float(sent_wrong(case)), float(any(answer_sent(turn) for turn in case.turns))),
        "needless_handoffs": (float(sum(_decided(turn) == "hand_off" for turn in replies)), float(len(replies))),
        "latency_ms": (sum(turn.ms or 0.0 for turn in answered), float(len(answered))),
        "cost_usd": (_cost_usd(case), float(len(answered) if _all_priced([case]) else 0)),
    }


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
    if expect is None or reply is None or not reply.text.strip():
        return False
    if reply.decision != "reply" and not _answers_in_part(reply):
        return False
    facts = any(expect.asks(name) for name in CONTENT)
    if not facts and (expect.decision is None or reply.decision == "clarify"):
        return False
    return facts or expect.decision != "reply" or _is_factual(reply)


def answer_wrong(turn: PlayedTurn) -> bool:
    """Whether an answer that was sent is wrong; see `wrong_answers`."""
    if turn.expect is None or turn.reply is None:
        return False
    told = any(turn.expect.asks(name) for name in CONTENT)
    if turn.expect.decision not in (None, "reply") and not (told and _answers_in_part(turn.reply)):
        return True
    return bool(unmet_content(turn.expect, turn.reply))


def _answers_in_part(reply: Reply) -> bool:
    """Whether questions are answered while a human takes over, or while a tool waits for the customer's yes."""
    return reply.decision in ("hand_off", "clarify") and bool(reply.citations)


def _is_factual(reply: Reply) -> bool:
    return bool(reply.citations) or any(call.state == "done" for call in reply.tool_calls)


def _decisions(results: Sequence[PlayedCase]) -> Measures:
    """Precision and recall of each decision, over turns that expect one; an unanswered turn is a miss."""
    measures: Measures = {}
    for decision in DECISIONS:

        def made(turn: PlayedTurn, decision: str = decision) -> bool:
            return _wanted(turn) is not None and _decided(turn) == decision

        def wanted(turn: PlayedTurn, decision: str = decision) -> bool:
            return _wanted(turn) == decision

        measures[f"decisions.{decision}.precision"] = _share_of_turns(results, made, wanted)
        measures[f"decisions.{decision}.recall"] = _share_of_turns(results, wanted, made)
    return measures


def _scorers(results: Sequence[PlayedCase]) -> Measures:
    """For each scorer: scores that were right, of all it gave."""
    given: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for turns in conversations(results):
        scores = [(name, score.passed) for turn in turns for name, score in turn.scores.items()]
        for name in {name for name, _ in scores}:
            passed = [was for other, was in scores if other == name]
            given[name].append((sum(passed), len(passed)))
    return {f"scorers.{name}": rate(counted) for name, counted in sorted(given.items())}


def _groups(prefix: str, results: Sequence[PlayedCase], of: Callable[[PlayedCase], str | None]) -> Measures:
    groups: dict[str, list[PlayedCase]] = defaultdict(list)
    for case in results:
        group = of(case)
        if group is not None:
            groups[group].append(case)
    measures: Measures = {}
    for group, cases in sorted(groups.items()):
        measures[f"{prefix}.{group}.pass_rate"] = pass_rate(cases)
        measures[f"{prefix}.{group}.wrong_answers"] = wrong_answers(cases)
    return measures


def _share(
    results: Iterable[PlayedCase], counts: Callable[[PlayedCase], bool], is_so: Callable[[PlayedCase], bool]
) -> Measure:
    """The plays of which something is so, of those that count; repeats of a case go together."""
    kept = [[case for case in plays if counts(case)] for plays in by_case(results)]
    return rate((sum(map(is_so, plays)), len(plays)) for plays in kept)


def _share_of_turns(
    results: Iterable[PlayedCase], counts: Callable[[PlayedTurn], bool], is_so: Callable[[PlayedTurn], bool]
) -> Measure:
    """The turns of which something is so, of those that count; turns of a conversation go together."""
    kept = [[turn for turn in turns if counts(turn)] for turns in conversations(results)]
    return rate((sum(map(is_so, turns)), len(turns)) for turns in kept)


def _turns(results: Iterable[PlayedCase]) -> list[PlayedTurn]:
    return [turn for case in results for turn in case.turns]


def _all_priced(results: Iterable[PlayedCase]) -> bool:
    return all(is_priced(turn.reply.usage) for turn in _turns(results) if turn.reply)


def _cost_usd(case: PlayedCase) -> float:
    return sum(turn.reply.usage.cost_usd for turn in case.turns if turn.reply and turn.ms is not None)


def _wanted(turn: PlayedTurn) -> str | None:
    return turn.expect.decision if turn.expect else None


def _decided(turn: PlayedTurn) -> str:
    return turn.reply.decision if turn.reply else NO_ANSWER


def _exactly(count: int, n: int) -> Measure:
    """A count of what happened, which is no estimate."""
    return Measure(value=float(count), low=float(count), high=float(count), n=n)
