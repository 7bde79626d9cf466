"""A stage on which one actor moves one step at a time, in an order drawn from a seed; knows nothing of Sahut.

Every actor is a task. Before each step it waits at a gate (`await stage.gate("...")`) or sleeps on the stage's clock.
The director lets one of the waiting actors go on, and nobody else moves until it waits again, sleeps or ends: so a
seed gives one interleaving, and a crash can be put between any two steps.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

_current: ContextVar["Actor"] = ContextVar("actor")
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@dataclass(eq=False)
class Actor:
    """One line of work. `process` names what dies with it; `committed` is the step of its last commit."""

    name: str
    process: str
    task: "asyncio.Task[None]"
    gate: "asyncio.Future[None] | None" = None
    where: str = "start"
    wakes_at: datetime | None = None
    committed: int = 0
    on_end: Callable[[bool], None] | None = None


@dataclass
class Stage:
    """The director: it owns time and decides who moves. It is a `sahut.ports.Clock`."""

    luck: random.Random
    _now: datetime = START
    actors: list[Actor] = field(default_factory=list)
    steps: int = 0
    log: list[str] = field(default_factory=list)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    # --- the clock

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Leave the stage until its clock has moved on."""
        await self._wait("sleep", self._now + timedelta(seconds=max(seconds, 0)))

    def advance(self, seconds: float) -> None:
        """Move the clock; sleepers that are due wait at their gate from now on."""
        self._now += timedelta(seconds=seconds)
        self.note(f"+{seconds:.0f}s")

    # --- the actors' side

    async def gate(self, where: str) -> None:
        """Wait until the director lets this actor go on."""
        await self._wait(where, None)

    def current(self) -> Actor | None:
        """The actor whose step this is, `None` outside the play."""
        return _current.get(None)

    def note(self, line: str) -> None:
        """Write into the log that a failure prints."""
        self.log.append(f"{self.steps:5} {line}")

    async def _wait(self, where: str, wakes_at: datetime | None) -> None:
        actor = _current.get(None)
        if actor is None:
            return
        actor.gate = asyncio.get_running_loop().create_future()
        actor.where, actor.wakes_at = where, wakes_at
        self._moved.set()
        await actor.gate

    # --- the director's side

    def enter(
        self,
        name: str,
        work: Callable[[], Coroutine[Any, Any, None]],
        *,
        process: str,
        on_end: Callable[[bool], None] | None = None,
    ) -> None:
        """Bring an actor on; it waits at its first gate. `on_end(True)` is called unless it was killed or failed."""

        async def play() -> None:
            _current.set(actor)
            await self._wait("start", None)
            await work()

        actor = Actor(name, process, task=None, on_end=on_end)  # type: ignore[arg-type]
        actor.task = asyncio.get_running_loop().create_task(play())
        actor.task.add_done_callback(lambda _: self._moved.set())
        self.actors.append(actor)

    def waiting(self) -> list[Actor]:
        """Who could move now."""
        return [
            actor
            for actor in self.actors
            if actor.gate is not None and (actor.wakes_at is None or actor.wakes_at <= self._now)
        ]

    def next_wake(self) -> datetime | None:
        """When the earliest sleeper is due."""
        times = [actor.wakes_at for actor in self.actors if actor.gate is not None and actor.wakes_at is not None]
        return min(times, default=None)

    async def settle(self) -> None:
        """Let new actors come to their first gate."""
        while any(actor.gate is None and not actor.task.done() for actor in self.actors):
            self._moved.clear()
            await self._moved.wait()

    async def move(self, actor: Actor) -> None:
        """Let one actor make one step, up to its next gate or its end. An exception of its comes out here."""
        self.steps += 1
        self.note(f"{actor.process}/{actor.name} from {actor.where}")
        assert actor.gate is not None
        gate, actor.gate, actor.wakes_at = actor.gate, None, None
        self._moved.clear()
        gate.set_result(None)
        while actor.gate is None and not actor.task.done():
            await self._moved.wait()
            self._moved.clear()
        await self.settle()
        if actor.task.done():
            self.actors.remove(actor)
            failed = actor.task.exception()
            if actor.on_end is not None:
                actor.on_end(failed is None)
            if failed is not None:
                raise failed

    async def kill(self, process: str) -> None:
        """The process dies: its actors stop where they wait, between two steps, and nothing of theirs goes on."""
        self.note(f"CRASH {process}")
        dead = [actor for actor in self.actors if actor.process == process]
        for actor in dead:
            self.actors.remove(actor)
            actor.task.cancel()
        await asyncio.gather(*(actor.task for actor in dead), return_exceptions=True)
        for actor in dead:
            if actor.on_end is not None:
                actor.on_end(False)
