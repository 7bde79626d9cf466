"""How a tool is written: a typed async function with a docstring, marked with `@tool`.

    from sahut.tool import ToolContext, tool

    @tool(effect="read", examples=("where is my order", "di mana pesanan saya"))
    async def find_order(context: ToolContext, order: str) -> str:
        \"\"\"Looks up an order by its number.\"\"\"

The parameters after the context become the model's JSON Schema; the returned text is what the assistant may say.
Outsiders register theirs under the entry point group `sahut.tools`. This file must not know who calls a tool.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sahut.ids import ContactId, ConversationId
from sahut.store import Store

Effect = Literal["read", "write"]
ToolFunction = Callable[..., Awaitable[str]]


@dataclass(frozen=True)
class ToolContext:
    """What a tool may know of the turn it serves.

    `key` is the same however often the turn runs: a tool with an effect must bind the effect to it.
    """

    key: str
    conversation_id: ConversationId
    contact_id: ContactId
    language: str
    now: datetime
    store: Store


@dataclass(frozen=True)
class ToolSpec:
    """What a tool declares of itself. `confirm`: the customer must agree to the shown arguments first."""

    function: ToolFunction
    effect: Effect
    confirm: bool
    examples: tuple[str, ...] = ()
    questions: dict[str, str] = field(default_factory=dict)


def tool(
    *,
    effect: Effect,
    confirm: bool | None = None,
    examples: tuple[str, ...] = (),
    questions: dict[str, str] | None = None,
) -> Callable[[ToolFunction], ToolFunction]:
    """Mark an async function as a tool.

    `examples` are phrases of customers that call for it. `questions` maps a language to the sentence that asks the
    customer to confirm, with the arguments as `{placeholders}`. A write asks for confirmation unless told otherwise.
    """

    def mark(function: ToolFunction) -> ToolFunction:
        spec = ToolSpec(
            function=function,
            effect=effect,
            confirm=(effect == "write") if confirm is None else confirm,
            examples=examples,
            questions=questions or {},
        )
        function.__sahut_tool__ = spec  # type: ignore[attr-defined]
        return function

    return mark


def spec_of(function: Any) -> ToolSpec:
    """The declaration of a marked function; `TypeError` where there is none."""
    spec = getattr(function, "__sahut_tool__", None)
    if not isinstance(spec, ToolSpec):
        raise TypeError(f"{function!r} is not a tool: mark it with @tool(effect=...).")
    return spec
