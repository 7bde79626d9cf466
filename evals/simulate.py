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
from typing import Protocol

from pydantic import ValidationError

from agent.turn import Deps
from evals.cases import Case, CaseTurn
from evals.customers import ModelCustomer, Speak
from evals.environment import Customer, Environment, Task, World
from evals.played import PlayedCase, PlayedTurn, Run
from evals.run import Progress, Tally, go_on_cancelling
from evals.scoring import told
from evals.stage import EnvironmentBrokenError, Stage, broken, unrewarded
from evals.suite import Suite
from evals.thread import Thread, ThreadBrokenError
from evals.trials import Trial, trial_of
from sahut.errors import ConfigurationError
from sahut.turn import Guidance, Usage

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
    """The tasks as reports name them. Raises `ConfigurationError` where there is none, or one that cannot be named."""
    if not tasks:
        raise ConfigurationError(f"The environment {environment.name} has no task to play.")
    names = [task.id for task in tasks]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"The environment {environment.name} has two tasks with the id {twice!r}: rename one.")
    cases = tuple(_case(environment, task) for task in tasks)
    return Suite(name=environment.name, path=Path(environment.name), cases=cases, k=k)


def _case(environment: Environment, task: Task) -> Case:
    about = {name: getattr(task, name) for name in ("id", "language", "topic", "critical")}
    try:
        return Case(**about, turns=(CaseTurn(user=(task.wish.strip() or task.id,)),))
    except ValidationError as error:
        what = error.errors(include_url=False)[0]
        raise ConfigurationError(
            f"The environment {environment.name}: the task {task.id!r}: `{what['loc'][0]}`: {what['msg']}"
        ) from error


class Memory(Protocol):
    """What was played before of the same run."""

    def get(self, task: Task, run: int) -> Trial | None:
        """The trial of a task as it is now."""
        ...

    def keep(self, play: Trial, /) -> None:
        """Remember it."""
        ...


@dataclass
class Simulator:
    """Plays tasks with one assistant, `concurrency` at a time; each play in a world and a conversation of its own.

    `deps` are the assistant's parts, over a store that nobody else uses; `guidance` is that of `guidance_in`. `speak`
    is a chat model that plays the customers by their tasks' `wish` and is called `customers`; without it the worlds'
    own customers speak. A turn has `timeout_s`, and so has whatever the environment does; a play that goes on for
    `most_turns` has failed. A trial that came to its end is taken from `memory` and not played again.
    """

    environment: Environment
    deps: Deps
    guidance: Guidance
    speak: Speak | None = None
    customers: str = ""
    memory: Memory | None = None
    concurrency: int = 4
    timeout_s: float = 120.0
    most_turns: int = MOST_TURNS
    _phone: Iterator[int] = field(default_factory=_phones)

    async def play(self, tasks: Sequence[Task], *, k: int, progress: Callable[[Progress], None] | None = None) -> Run:
        """Every task `k` times, in the tasks' order. Raises `ConfigurationError` as `suite_of` does."""
        if k < 1 or self.concurrency < 1:
            raise ValueError("k and the concurrency are at least 1.")
        suite = suite_of(self.environment, tasks, k)
        started_at = self.deps.clock.now()
        jobs = [(task, run) for task in tasks for run in range(1, k + 1)]
        tally = Tally(len(jobs), progress)
        gate = asyncio.Semaphore(self.concurrency)

        async def one(task: Task, run: int) -> PlayedCase:
            async with gate:
                trial, is_new = await self._trial(task, run)
            played = trial.played(task)
            tally.count(played, is_new=is_new)
            return played

        async with asyncio.TaskGroup() as group:
            playing = [group.create_task(one(task, run)) for task, run in jobs]
        return Run(suite, k, started_at, tuple(play.result() for play in playing), self.customers)

    async def _trial(self, task: Task, run: int) -> tuple[Trial, bool]:
        """A trial of before or a new one, and whether it is new."""
        known = self.memory.get(task, run) if self.memory else None
        if known is not None and known.is_whole:
            return known, False
        played = await self._play(task, run)
        if self.memory is not None:
            self.memory.keep(played)
        return played, True

    async def _play(self, task: Task, run: int) -> Trial:
        """One play to its end; whatever breaks it is its error alone."""
        turns: list[PlayedTurn] = []
        customer: Customer | None = None
        try:
            with broken("the world"):
                world = self.environment.open(task)
            customer = self._customer(task, world)
            turns = list(await self._stage(world, customer, turns).play())
        except (EnvironmentBrokenError, ThreadBrokenError) as error:
            turns.append(PlayedTurn(user=(NOBODY,), error=str(error)))
        except Exception as error:  # the store, or what nobody foresaw: the other plays go on
            go_on_cancelling(error)
            turns.append(PlayedTurn(user=(NOBODY,), error=told(error)))
        usage = customer.usage if isinstance(customer, ModelCustomer) else Usage()
        return trial_of(task, run, unrewarded(turns), usage)

    def _stage(self, world: World, customer: Customer, turns: list[PlayedTurn]) -> Stage:
        thread = Thread(
            store=self.deps.store,
            clock=self.deps.clock,
            guidance=self.guidance,
            phone=str(next(self._phone)),
            lease=timedelta(seconds=2 * self.timeout_s),
        )
        return Stage(world, customer, thread, self.deps, self.timeout_s, self.most_turns, turns)

    def _customer(self, task: Task, world: World) -> Customer:
        if self.speak is None:
            return world.customer
        if not task.wish:
            raise EnvironmentBrokenError(
                f"environment: {task.id} has no `wish` by which a model could play its customer"
            )
        return ModelCustomer(self.environment.organisation, task.wish, self.speak)
