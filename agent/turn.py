"""One turn of conversation: a Turn in, a Reply out. Sends nothing; writes nothing but the tools' journal."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from agent.dialogue import turn_from_text
from agent.graph import build
from agent.reading.remembering import recalled
from agent.state import Deps, State
from sahut.turn import Reply, Turn

__all__ = ["Assistant", "Deps", "take_turn"]

# think and act may go round a few times; the nodes' own bound is reached first.
_STEPS = 40


async def take_turn(turn: Turn, deps: Deps) -> Reply:
    """Answer one burst. The same turn may be taken again after a crash: what a tool did is found, not done twice.

    Raises `StoreUnavailable` where the journal cannot be used; every other failure becomes a handoff.
    """
    begin: State = {
        "turn": recalled(turn),
        "deadline": asyncio.get_running_loop().time() + deps.turn_timeout_s,
        "exchanges": (),
    }
    end = await build().ainvoke(begin, {"recursion_limit": _STEPS}, context=deps)
    answer: Reply = end["answer"]
    return answer


class Assistant:
    """The assistant of one house: the graph with its parts."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps

    async def take_turn(self, turn: Turn, coming: Callable[[], None] | None = None) -> Reply:
        """Answer one burst, as the function does; `coming` is called once it is clear that an answer will come."""
        return await take_turn(turn, replace(self.deps, coming=coming) if coming else self.deps)

    async def warm_up(self) -> None:
        """Take a turn that nobody sees, so that the first customer does not wait for models to load."""
        deps = replace(self.deps, model=self.deps.fallback, judge=None, ranker=None, perform=False)
        await take_turn(turn_from_text("When are you open?", now=deps.clock.now()), deps)
