"""The tool by which a chat model calls a human. It has no effect: the graph turns it into the decision."""

from typing import Literal, get_args

from sahut.tool import ToolContext, tool

NAME = "hand_off"
Why = Literal["asked_for_human", "no_answer", "sensitive"]
REASONS: tuple[Why, ...] = get_args(Why)


@tool(effect="read", identity="anyone", per_turn=1)
async def hand_off(context: ToolContext, reason: Why, summary: str = "") -> str:
    """Hands the conversation to a human colleague.

    Use it when the customer asks for a person, when the documents do not hold the answer, or when the matter is
    delicate. `summary` tells the colleague in one sentence what the customer needs.
    """
    return ""
