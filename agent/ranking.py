"""Lets a chat model order what was found by how well it answers the question, and the rules for what comes of that.

It can add nothing to what retrieval found and says nothing of how sure that is. Without an order in time retrieval's
own stands. Must not know a prompt.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from agent.deciding import ANSWERABLE_FLOOR
from agent.screening.circumstances import is_flood
from agent.screening.second_look import MOST_INJECTION
from agent.several import PASSAGES as READ
from agent.state import Deps, State
from sahut.brief import Brief
from sahut.errors import ModelFailed
from sahut.found import Asked, Passage, SearchResult
from sahut.ports import Ranker
from sahut.turn import Usage

# So many passages a model may choose those from that are read.
ORDERED = 2 * READ
# So many of retrieval's best are read, wherever a model puts them.
KEPT = 4
LONGEST_S = 4.0
FEWEST = 2


class Ranking(NamedTuple):
    """What is read of what was found, and what it took to order it."""

    found: SearchResult
    usage: Usage = Usage()
    exchanges: tuple[dict[str, Any], ...] = ()


def depth(state: State, deps: Deps) -> int:
    """How many passages to search for: more than are read where a model may choose."""
    return READ if _ranker(state, deps) is None else ORDERED


async def ranked(state: State, deps: Deps, found: SearchResult, parts: Sequence[Asked] = ()) -> Ranking:
    """The passages to be read, in a model's order where it is worth asking for. Raises nothing of the model's.

    It has `LONGEST_S`, and no more than half of what is left of the turn's time. Of several `parts` the best passages
    of each come first already, so nothing is asked.
    """
    own, ranker = Ranking(_with(found, found.passages[:READ])), _ranker(state, deps)
    if ranker is None or parts or not is_worth_it(found):
        return own
    brief = Brief(turn=state["turn"], question=found.question, language=state["language"], passages=found.passages)
    now = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout_at(min(now + LONGEST_S, (now + state["deadline"]) / 2)):
            order, usage = await ranker.rank(brief)
    except (ModelFailed, TimeoutError) as error:
        trouble = error.trouble if isinstance(error, ModelFailed) else "slow"
        return own._replace(exchanges=({"kind": "ranking", "error": type(error).__name__, "trouble": trouble},))
    exchange = {"kind": "ranking", "order": list(order)}
    return Ranking(_with(found, in_order(found.passages, order)), usage, (exchange,))


def is_worth_it(found: SearchResult) -> bool:
    """Whether there is something to order, and an answer is possible at all."""
    return len(found.passages) >= FEWEST and found.answerable >= ANSWERABLE_FLOOR


def in_order(passages: Sequence[Passage], order: Sequence[int]) -> tuple[Passage, ...]:
    """The passages to be read in an order by number, from 1; what it does not name follows as it was found. Pure."""
    numbers = range(1, len(passages) + 1)
    whole = list(dict.fromkeys((*order, *numbers)))
    read = list(dict.fromkeys((*numbers[:KEPT], *whole)))[:READ]
    return tuple(passages[number - 1] for number in whole if number in read)


def _ranker(state: State, deps: Deps) -> Ranker | None:
    """Who may be asked: nobody where the words may be meant for the model itself, or in a flood."""
    may_be = state["screening"].injection < MOST_INJECTION and not is_flood(state["turn"])
    return deps.ranker if may_be else None


def _with(found: SearchResult, passages: tuple[Passage, ...]) -> SearchResult:
    return found.model_copy(update={"passages": passages})
