"""Plays the tasks of an environment again and again: customers who are simulated, and the real assistant.

What broke in an environment or in a customer is an error, apart from what the assistant failed at. Must not know how
the assistant is built or where the report goes.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path

from agent.turn import Deps
from evals.cases import Case, CaseTurn
from evals.customers import ModelCustomer, Speak
from evals.environment import Customer, Environment, Task, World
from evals.played import PlayedCase, PlayedTurn, Run
from evals.run import Progress, Tally
from evals.stage import EnvironmentBrokenError, Stage, broken
from evals.suite import Suite
from evals.thread import Thread, ThreadBrokenError
from sahut.turn import Guidance

MOST_TURNS = 30
NOBODY = "(nobody spoke)"
# Made up, as no number of any country begins so.
_FIRST_PHONE = 999_000_000_001


def _phones() -> Iterator[int]:
    return count(_FIRST_PHONE)


def guidance_in(environment: Environment, guidance: Guidance) -> Guidance:
    """An installation's settings, but for whom the assistant speaks and the policy that it is told."""
    return guidance.model_copy(update={"organisation": environment.organisation, "persona": environment.policy})


def suite_of(environment: Environment, tasks: Sequence[Task], k: int) -> Suite:
    """The tasks as reports name them."""
    cases = tuple(
        Case(
            id=task.id,
            language=task.language,
            topic=task.topic,
            critical=task.critical,
            turns=(CaseTurn(user=(task.wish or task.id,)),),
        )
        for task in tasks
    )
    return Suite(name=environment.name, path=Path(environment.name), cases=cases, k=k)


@dataclass
class Simulator:
    """Plays tasks with one assistant, `concurrency` at a time; each play in a world and a conversation of its own.

    `deps` are the assistant's parts, over a store that nobody else uses; `guidance` is that of `guidance_in`. `speak`
    is a chat model that plays the customers by their tasks' `wish`; without it the worlds' own customers speak. A turn
    has `timeout_s`; a play that goes on for `most_turns` has failed.
    """

    environment: Environment
    deps: Deps
    guidance: Guidance
    speak: Speak | None = None
    concurrency: int = 4
    timeout_s: float = 120.0
    most_turns: int = MOST_TURNS
    _phone: Iterator[int] = field(default_factory=_phones)

    async def play(self, tasks: Sequence[Task], *, k: int, progress: Callable[[Progress], None] | None = None) -> Run:
        """Every task `k` times, in the tasks' order."""
        started_at = self.deps.clock.now()
        jobs = [(task, run) for task in tasks for run in range(1, k + 1)]
        tally = Tally(len(jobs), progress)
        gate = asyncio.Semaphore(self.concurrency)

        async def one(task: Task, run: int) -> PlayedCase:
            async with gate:
                played = await self._play(task, run)
            tally.count(played, is_new=True)
            return played

        async with asyncio.TaskGroup() as group:
            playing = [group.create_task(one(task, run)) for task, run in jobs]
        return Run(suite_of(self.environment, tasks, k), k, started_at, tuple(play.result() for play in playing))

    async def _play(self, task: Task, run: int) -> PlayedCase:
        turns: list[PlayedTurn] = []
        try:
            turns = list(await self._stage(task, turns).play())
        except (EnvironmentBrokenError, ThreadBrokenError) as error:
            turns.append(PlayedTurn(user=(NOBODY,), error=str(error)))
        return PlayedCase(
            id=task.id, run=run, language=task.language, topic=task.topic, critical=task.critical, turns=tuple(turns)
        )

    def _stage(self, task: Task, turns: list[PlayedTurn]) -> Stage:
        with broken("the world"):
            world = self.environment.open(task)
        thread = Thread(
            store=self.deps.store,
            clock=self.deps.clock,
            guidance=self.guidance,
            phone=str(next(self._phone)),
            lease=timedelta(seconds=2 * self.timeout_s),
        )
        customer = self._customer(task, world)
        return Stage(world, customer, thread, self.deps, self.timeout_s, self.most_turns, turns)

    def _customer(self, task: Task, world: World) -> Customer:
        if self.speak is None:
            return world.customer
        if not task.wish:
            raise EnvironmentBrokenError(
                f"environment: {task.id} has no `wish` by which a model could play its customer"
            )
        return ModelCustomer(self.environment.organisation, task.wish, self.speak)
