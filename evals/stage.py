"""One play of a task: a customer and the real assistant take turns over a world, until one of them has done.

What the world or its customer raises is told apart from what the assistant does. Must not know repeats or reports.
"""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from agent.turn import Assistant, Deps
from evals.environment import Customer, End, Exchange, Heard, Reward, World, WorldTool
from evals.played import PlayedTurn, Take
from evals.run import take_of
from evals.scorers import Score
from evals.scoring import told
from evals.thread import Thread
from evals.watching import watched
from sahut.authority import LEVELS, Identity
from sahut.tool import ToolContext
from sahut.toolcall import ToolCall
from sahut.turn import Button, Reply
from tools.declared import declared_tool
from tools.handoff import hand_off
from tools.schemas import checked
from tools.tool import Arguments, Tool
from tools.toolbox import Toolbox

REWARD = "reward"
OUR_FAULT = "environment: "

T = TypeVar("T")


class EnvironmentBrokenError(Exception):
    """The world or its customer raised; the text says which and how."""


@dataclass
class Stage:
    """`deps` are the assistant's parts; the world's tools and `hand_off` are its toolbox.

    A turn has `timeout_s`, and so have the customer and the check.
    """

    world: World
    customer: Customer
    thread: Thread
    deps: Deps
    timeout_s: float
    most_turns: int
    turns: list[PlayedTurn] = field(default_factory=list)
    _faults: list[str] = field(default_factory=list)

    async def play(self) -> tuple[PlayedTurn, ...]:
        """Every turn of it; the last one has the reward, or what broke."""
        with broken("the tools"):
            toolbox = Toolbox([hand_off], [self._tool(one) for one in self.world.tools])
        assistant = watched(Assistant(replace(self.deps, toolbox=toolbox, perform=True)))
        heard: Heard | None = None
        while len(self.turns) < self.most_turns:
            said = await guarded("the customer", self.customer.says(heard), timeout_s=self.timeout_s)
            if said is None or not _a(str, said, "the customer said").strip():
                return await self._rewarded("customer")
            reply = await self._turn(assistant, said, heard)
            if reply is None:
                return tuple(self.turns)
            if reply.decision == "hand_off":
                return await self._rewarded("handed_off", reply)
            heard = Heard(text=reply.text, buttons=reply.buttons)
        return self._scored(Reward(value=0, why=f"it did not end within {self.most_turns} turns"))

    async def _turn(self, assistant: Assistant, said: str, heard: Heard | None) -> Reply | None:
        """One message and the reply to it; `None` where there is none that counts."""
        pressed = _pressed(said, heard)
        await self.thread.is_known_by(self._identity())
        turn = await self.thread.hears(said, pressed)
        take = await take_of(assistant.take_turn, turn, timeout_s=self.timeout_s)
        if self._faults:
            take = Take(error=OUR_FAULT + self._faults[0], ms=take.ms)
        self.turns.append(PlayedTurn(**dict(take), user=(said,)))
        if take.reply is not None:
            await self.thread.records(take.reply)
        return take.reply

    def _identity(self) -> Identity:
        with broken("the identity"):
            identity = self.world.identity
        if identity not in LEVELS:
            raise EnvironmentBrokenError(f"{OUR_FAULT}the identity {identity!r} is none of {', '.join(LEVELS)}")
        return identity

    async def _rewarded(self, why: str, last: Reply | None = None) -> tuple[PlayedTurn, ...]:
        if not self.turns:
            raise EnvironmentBrokenError(f"{OUR_FAULT}the customer said nothing")
        waiting = last.confirmation if last else None
        end = End.model_validate(
            {
                "why": why,
                "exchanges": tuple(_exchange(turn) for turn in self.turns),
                "waiting": ToolCall(name=waiting.tool, arguments=waiting.arguments) if waiting else None,
            }
        )
        reward = await guarded("the check", self.world.check(end), timeout_s=self.timeout_s)
        return self._scored(_a(Reward, reward, "the check gave back"))

    def _scored(self, reward: Reward) -> tuple[PlayedTurn, ...]:
        why = reward.why or ("as it should be" if reward.value == 1 else "")
        return _with_score(self.turns, Score(value=reward.value, explanation=why))

    def _tool(self, one: WorldTool) -> Tool:
        """The world's tool with what it declares. What it raises is the environment's fault, and is noted."""

        async def run(context: ToolContext, arguments: Arguments) -> str:
            del context
            try:
                return _a(str, await one.run(arguments), "it gave back")
            except BaseException as error:
                # A tool that is too slow is cancelled by the toolbox.
                self._faults.append(f"the tool {one.name}: {told_kindly(error)}")
                raise

        shown = checked(one.parameters, where=f"the tool {one.name}")
        return declared_tool(one.name, one.declared, shown, run, otherwise=one.name.replace("_", " "))


@contextmanager
def broken(what: str) -> Iterator[None]:
    """Whatever is raised inside is the environment's fault. Raises `EnvironmentBrokenError`."""
    try:
        yield
    except Exception as error:
        raise EnvironmentBrokenError(f"{OUR_FAULT}{what}: {told_kindly(error)}") from error


async def guarded(what: str, work: Awaitable[T], *, timeout_s: float) -> T:
    """The same for what is awaited, in its time."""
    with broken(what):
        async with asyncio.timeout(timeout_s):
            return await work


def unrewarded(turns: Sequence[PlayedTurn]) -> tuple[PlayedTurn, ...]:
    """The turns of a play; one that broke counts as no pass, as a case with an error does."""
    if not any(turn.error for turn in turns):
        return tuple(turns)
    return _with_score(turns, Score(value=0, explanation="it broke, so its end was not judged"))


def _with_score(turns: Sequence[PlayedTurn], score: Score) -> tuple[PlayedTurn, ...]:
    *before, last = turns
    return (*before, last.model_copy(update={"scores": {REWARD: score}}))


def _a(kind: type[T], value: object, what: str) -> T:
    """What an environment gave, as what it must be."""
    if not isinstance(value, kind):
        raise EnvironmentBrokenError(f"{OUR_FAULT}{what} {type(value).__name__}, and no {kind.__name__}")
    return value


def told_kindly(error: BaseException) -> str:
    """What was raised in one line; a cancellation is a want of time."""
    if isinstance(error, asyncio.CancelledError | TimeoutError):
        return "did not end in its time"
    if isinstance(error, EnvironmentBrokenError):
        return str(error).removeprefix(OUR_FAULT)
    return told(error) if isinstance(error, Exception) else type(error).__name__


def _pressed(said: str, heard: Heard | None) -> Button | None:
    """The button of the last reply that has what is said as its title."""
    return next((one for one in heard.buttons if one.title == said.strip()), None) if heard else None


def _exchange(turn: PlayedTurn) -> Exchange:
    assert turn.reply is not None  # noqa: S101 - a play ends with the first turn that has none
    reply = turn.reply
    said = "\n".join(turn.user)
    return Exchange(said=said, decision=reply.decision, reason=reply.reason, text=reply.text, calls=reply.tool_calls)
