"""Plays a suite: the real turn over every case, bounded at a time, and what came of it, in the suite's order.

Must not know how the assistant is built, what the statistics are, or where the report goes.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agent.chat.trouble import TROUBLES
from agent.dialogue import next_turn, turn_from_messages
from evals.cases import Case, CaseTurn
from evals.played import Outcome, PlayedCase, Run, Take, dressed
from evals.plays import Play, play_of
from evals.scorers import Scorer, builtin_scorers
from evals.scoring import chosen, score_case, told
from evals.suite import Suite
from evals.watching import watching
from sahut.clock import SystemClock
from sahut.errors import Trouble
from sahut.ports import Clock
from sahut.turn import Guidance, Reply, Turn

NOT_REACHED = "not reached: an earlier turn of the case had an error"


class Answer(Protocol):
    """The assistant as evals see it: one turn in, one reply out, nothing sent."""

    async def __call__(self, turn: Turn, /) -> Reply:
        """The reply to one turn. Whatever it raises is counted as an error, apart from failures."""
        ...


class Memory(Protocol):
    """What was played before, by content."""

    def get(self, case: Case, run: int) -> Play | None:
        """What came of the case as it is said now."""
        ...

    def keep(self, play: Play, /) -> None:
        """Remember it."""
        ...


@dataclass(frozen=True)
class Progress:
    """How far a run is; `latest` has just been played, or was `remembered` and cost nothing."""

    done: int
    total: int
    failures: int
    errors: int
    latest: PlayedCase
    remembered: int = 0


@dataclass
class Player:
    """Plays cases with one assistant. `concurrency` cases at a time; a turn has `timeout_s` to be answered.

    `memories` are asked in their order before a case is played, and all keep what was played. `warm_up` is awaited
    before the first case that really is: a run without a change loads no model.
    """

    answer: Answer
    guidance: Guidance = field(default_factory=Guidance)
    clock: Clock = field(default_factory=SystemClock)
    scorers: Mapping[str, Scorer] = field(default_factory=builtin_scorers)
    concurrency: int = 4
    timeout_s: float = 120.0
    memories: tuple[Memory, ...] = ()
    warm_up: Callable[[], Awaitable[None]] | None = None
    _warming: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def play(
        self, suite: Suite, *, k: int | None = None, progress: Callable[[Progress], None] | None = None
    ) -> Run:
        """Every case of `suite`, `k` times each (the suite's own `k` where not given)."""
        repeats = suite.k if k is None else k
        if repeats < 1 or self.concurrency < 1:
            raise ValueError("k and the concurrency are at least 1.")
        started_at = self.clock.now()
        scorers = chosen(suite, self.scorers)
        jobs = [(case, run) for case in suite.cases for run in range(1, repeats + 1)]
        gate = asyncio.Semaphore(self.concurrency)
        tally = Tally(len(jobs), progress)

        async def one(case: Case, run: int) -> PlayedCase:
            async with gate:
                takes, is_new = await self._takes(case, run)
                played = await score_case(dressed(case, run, takes), scorers)
            tally.count(played, is_new=is_new)
            return played

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(case, run)) for case, run in jobs]
        return Run(suite, repeats, started_at, tuple(task.result() for task in tasks))

    async def _takes(self, case: Case, run: int) -> tuple[tuple[Take, ...], bool]:
        """What came of a case, remembered or just played, and whether it was just played."""
        known = next((play for memory in self.memories if (play := memory.get(case, run)) and play.is_whole), None)
        play = known
        if play is None:
            await self._warm()
            play = play_of(case, run, await self._play_case(case))
        for memory in self.memories:
            kept = memory.get(case, run)
            if kept is None or kept.takes != play.takes:
                memory.keep(play)
        return play.takes, known is None

    async def _warm(self) -> None:
        async with self._warming:
            if self.warm_up is not None:
                await self.warm_up()
                self.warm_up = None

    async def _play_case(self, case: Case) -> tuple[Take, ...]:
        takes: list[Take] = []
        turn: Turn | None = None
        for step in case.turns:
            if takes and takes[-1].error:
                takes.append(Take(error=NOT_REACHED))
                continue
            turn = self._turn(case, step, turn, takes)
            takes.append(await take_of(self.answer, turn, timeout_s=self.timeout_s))
        return tuple(takes)

    def _turn(self, case: Case, step: CaseTurn, before: Turn | None, takes: list[Take]) -> Turn:
        if before is not None and (reply := takes[-1].reply) is not None:
            return next_turn(before, reply, *step.user, now=self.clock.now())
        said = [{"role": line.role, "content": line.content} for line in case.opening]
        said += [{"role": "user", "content": text} for text in step.user]
        return turn_from_messages(said, now=self.clock.now(), guidance=self.guidance)


async def take_of(answer: Answer, turn: Turn, *, timeout_s: float) -> Take:
    """What comes of one turn. Whatever goes wrong is the take's error; a cancellation is passed on."""
    reply, error = None, None
    began = time.perf_counter()
    with watching() as seen:
        try:
            async with asyncio.timeout(timeout_s) as limit:
                reply = await answer(turn)
        except TimeoutError as late:
            error = f"no answer within {timeout_s:g} s" if limit.expired() else told(late)
        except Exception as wrong:
            go_on_cancelling(wrong)
            error = told(wrong)
    if reply is not None and (flaw := _flaw(reply)):
        reply, error = None, flaw
    ms = round((time.perf_counter() - began) * 1000, 3)
    return Take(reply=reply, error=error, ms=ms, found=seen.found, screening=seen.screening)


def go_on_cancelling(wrong: Exception) -> None:
    """What is raised by work that was cancelled is no error of its case: the case is played again."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from wrong


def _flaw(reply: Reply) -> str:
    """What makes a reply no value to measure: the fallback's word measures another assistant; a number in it is none.

    Either is an error, and so is played again and never kept as what the assistant answers.
    """
    trouble = reply.trouble or _unsaid(reply)
    if trouble is not None:
        return TROUBLES[trouble]
    numbers = {"confidence": reply.confidence, **reply.features, "cost_usd": reply.usage.cost_usd}
    wrong = [name for name, number in numbers.items() if not math.isfinite(number)]
    return f"the reply's {wrong[0]} is {numbers[wrong[0]]}, which is no number" if wrong else ""


def _unsaid(reply: Reply) -> Trouble | None:
    """Why the chat model gave no opinion of a message, or no order of passages, where it was asked for one."""
    asked = (one for one in reply.exchanges if one.get("kind") in ("second_look", "ranking") and "error" in one)
    return next((one.get("trouble", "failed") for one in asked), None)


class Tally:
    """Counts what was played and tells it on."""

    def __init__(self, total: int, tell: Callable[[Progress], None] | None) -> None:
        self._total = total
        self._tell = tell
        self._outcomes: list[Outcome] = []
        self._remembered = 0

    def count(self, played: PlayedCase, *, is_new: bool) -> None:
        self._outcomes.append(played.outcome)
        self._remembered += not is_new
        if self._tell is not None:
            failures, errors = self._outcomes.count("failed"), self._outcomes.count("error")
            done = len(self._outcomes)
            self._tell(Progress(done, self._total, failures, errors, played, self._remembered))
