"""The values of a run: what was answered in each turn of each case, and how it scored.

Frozen data only. Nothing here runs a turn, scores one or touches a file.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import Field

from evals.cases import Case, Expectation
from evals.scorers import Score
from evals.suite import Suite
from sahut.turn import Reply, Screening, Usage
from sahut.values import Value

Outcome = Literal["passed", "failed", "error", "unscored"]


class Take(Value):
    """What came of one turn, before anything is expected of it.

    `found` are the documents that retrieval gave, best first, and `screening` what the screen thought; `None` where
    the turn did not ask them. `ms` is the time until the reply; `error` says why there is none.
    """

    reply: Reply | None = None
    error: str | None = None
    ms: float | None = None
    found: tuple[str, ...] | None = None
    screening: Screening | None = None


class PlayedTurn(Take):
    """One turn of a case as it went: what was said and expected, what came of it, and how that scored."""

    user: tuple[str, ...]
    expect: Expectation | None = None
    reference: str | None = None
    scores: dict[str, Score] = Field(default_factory=dict)

    @property
    def take(self) -> Take:
        """The turn without what is expected of it."""
        return Take(**{name: getattr(self, name) for name in Take.model_fields})


class PlayedCase(Value):
    """One case played once; `run` counts the repeats from 1.

    `customer` is what the model took that played the customer, where one did.
    """

    id: str
    run: int
    language: str | None = None
    topic: str | None = None
    critical: bool = False
    turns: tuple[PlayedTurn, ...]
    customer: Usage = Usage()

    @property
    def outcome(self) -> Outcome:
        """An error is no failure, and neither is it a pass; a case in which nothing is expected is unscored."""
        if any(turn.error for turn in self.turns):
            return "error"
        scores = [score for turn in self.turns for score in turn.scores.values()]
        if not scores:
            return "unscored"
        return "passed" if all(score.passed for score in scores) else "failed"

    @property
    def scored(self) -> bool:
        """Whether the case counts in rates: something was expected, even where an error left it unanswered."""
        return any(turn.scores for turn in self.turns)


@dataclass(frozen=True)
class Run:
    """All that was played: cases in the suite's order, the repeats of each beside one another.

    `customers` names the chat model that played the customers, where one did.
    """

    suite: Suite
    k: int
    started_at: datetime
    results: tuple[PlayedCase, ...]
    customers: str = ""


def dressed(case: Case, run: int, takes: tuple[Take, ...]) -> PlayedCase:
    """What came of a case's turns beside what the case expects of them now. As many takes as the case has turns."""
    turns = tuple(
        PlayedTurn(**dict(take), user=step.user, expect=step.expect, reference=step.reference)
        for step, take in zip(case.turns, takes, strict=True)
    )
    return PlayedCase(
        id=case.id, run=run, language=case.language, topic=case.topic, critical=case.critical, turns=turns
    )


def by_case(results: Iterable[PlayedCase]) -> tuple[tuple[PlayedCase, ...], ...]:
    """The plays of each case together: they share its luck, so intervals draw them together."""
    plays: dict[str, list[PlayedCase]] = {}
    for case in results:
        plays.setdefault(case.id, []).append(case)
    return tuple(map(tuple, plays.values()))


def conversations(results: Iterable[PlayedCase]) -> tuple[tuple[PlayedTurn, ...], ...]:
    """The turns of each case, those of its repeats among them."""
    return tuple(tuple(turn for case in plays for turn in case.turns) for plays in by_case(results))
