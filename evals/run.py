"""Plays a suite: the real turn over every case, bounded at a time, and what came of it, in the suite's order.

Must not know how the assistant is built, what the statistics are, or where the report goes.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from pydantic import Field

from agent.dialogue import next_turn, turn_from_messages
from evals.cases import Case, CaseTurn, Expectation
from evals.scorers import Answered, Score, Scorer, builtin_scorers
from evals.suite import Suite
from sahut.clock import SystemClock
from sahut.ports import Clock
from sahut.turn import Guidance, Reply, Turn, Value

Outcome = Literal["passed", "failed", "error", "unscored"]
NOT_REACHED = "not reached: an earlier turn of the case had an error"


class Answer(Protocol):
    """The assistant as evals see it: one turn in, one reply out, nothing sent."""

    async def __call__(self, turn: Turn, /) -> Reply:
        """The reply to one turn. Whatever it raises is counted as an error, apart from failures."""
        ...


class PlayedTurn(Value):
    """One turn of a case as it went. `ms` is the time until the reply; `error` says why there is none."""

    user: tuple[str, ...]
    expect: Expectation | None = None
    reference: str | None = None
    reply: Reply | None = None
    error: str | None = None
    ms: float | None = None
    scores: dict[str, Score] = Field(default_factory=dict)


class PlayedCase(Value):
    """One case played once; `run` counts the repeats from 1."""

    id: str
    run: int
    language: str | None = None
    topic: str | None = None
    turns: tuple[PlayedTurn, ...]

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
    """All that was played: cases in the suite's order, the repeats of each beside one another."""

    suite: Suite
    k: int
    started_at: datetime
    results: tuple[PlayedCase, ...]


@dataclass(frozen=True)
class Progress:
    """How far a run is; `latest` has just been played."""

    done: int
    total: int
    failures: int
    errors: int
    latest: PlayedCase


@dataclass
class Player:
    """Plays cases with one assistant. `concurrency` cases at a time; a turn has `timeout_s` to be answered."""

    answer: Answer
    guidance: Guidance = field(default_factory=Guidance)
    clock: Clock = field(default_factory=SystemClock)
    scorers: Mapping[str, Scorer] = field(default_factory=builtin_scorers)
    concurrency: int = 4
    timeout_s: float = 120.0

    async def play(
        self, suite: Suite, *, k: int | None = None, progress: Callable[[Progress], None] | None = None
    ) -> Run:
        """Every case of `suite`, `k` times each (the suite's own `k` where not given)."""
        repeats = suite.k if k is None else k
        if repeats < 1 or self.concurrency < 1:
            raise ValueError("k and the concurrency are at least 1.")
        started_at = self.clock.now()
        scorers = self._chosen(suite)
        jobs = [(case, run) for case in suite.cases for run in range(1, repeats + 1)]
        gate = asyncio.Semaphore(self.concurrency)
        tally = _Tally(len(jobs), progress)

        async def one(case: Case, run: int) -> PlayedCase:
            async with gate:
                played = await self._play_case(case, run, scorers)
            tally.count(played)
            return played

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(case, run)) for case, run in jobs]
        return Run(suite, repeats, started_at, tuple(task.result() for task in tasks))

    def _chosen(self, suite: Suite) -> dict[str, Scorer]:
        names = list(self.scorers) if suite.scorers is None else suite.scorers
        return {name: self.scorers[name] for name in names}

    async def _play_case(self, case: Case, run: int, scorers: Mapping[str, Scorer]) -> PlayedCase:
        played: list[PlayedTurn] = []
        turn: Turn | None = None
        for step in case.turns:
            if played and played[-1].error:
                error = PlayedTurn(user=step.user, expect=step.expect, reference=step.reference, error=NOT_REACHED)
                played.append(await _scored(error, None, scorers))
                continue
            turn = self._turn(case, step, turn, played)
            played.append(await _scored(await self._play_turn(step, turn), turn, scorers))
        return PlayedCase(id=case.id, run=run, language=case.language, topic=case.topic, turns=tuple(played))

    def _turn(self, case: Case, step: CaseTurn, before: Turn | None, played: list[PlayedTurn]) -> Turn:
        if before is not None and (reply := played[-1].reply) is not None:
            return next_turn(before, reply, *step.user, now=self.clock.now())
        said = [{"role": line.role, "content": line.content} for line in case.opening]
        said += [{"role": "user", "content": text} for text in step.user]
        return turn_from_messages(said, now=self.clock.now(), guidance=self.guidance)

    async def _play_turn(self, step: CaseTurn, turn: Turn) -> PlayedTurn:
        reply, error = None, None
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout_s) as limit:
                reply = await self.answer(turn)
        except TimeoutError as late:
            error = f"no answer within {self.timeout_s:g} s" if limit.expired() else _told(late)
        except Exception as wrong:
            error = _told(wrong)
        ms = round((time.perf_counter() - began) * 1000, 3)
        return PlayedTurn(user=step.user, expect=step.expect, reference=step.reference, reply=reply, error=error, ms=ms)


class _Tally:
    """Counts what was played and tells it on."""

    def __init__(self, total: int, tell: Callable[[Progress], None] | None) -> None:
        self._total = total
        self._tell = tell
        self._outcomes: list[Outcome] = []

    def count(self, played: PlayedCase) -> None:
        self._outcomes.append(played.outcome)
        if self._tell is not None:
            failures, errors = self._outcomes.count("failed"), self._outcomes.count("error")
            self._tell(Progress(len(self._outcomes), self._total, failures, errors, played))


async def _scored(played: PlayedTurn, turn: Turn | None, scorers: Mapping[str, Scorer]) -> PlayedTurn:
    """The turn with its scores. A scorer that breaks makes it an error: the reply may be right or wrong."""
    answered = Answered(turn=turn, expect=played.expect, reference=played.reference, reply=played.reply)
    scores: dict[str, Score] = {}
    error = played.error
    for name, scorer in scorers.items():
        try:
            score = await scorer.score(answered)
        except Exception as wrong:
            error, score = (error or f"scorer {name}: {_told(wrong)}"), None
        if score is not None:
            scores[name] = score
    return played.model_copy(update={"scores": scores, "error": error})


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
