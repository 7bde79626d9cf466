"""How a tool is written: a typed async function with a docstring, marked with `@tool`.

    from sahut.tool import ToolContext, tool

    @tool(effect="read", identity="code", examples=("where is my order", "di mana pesanan saya"))
    async def find_order(context: ToolContext, order: str) -> str:
        \"\"\"Looks up an order by its number.\"\"\"

The parameters after the context become the model's JSON Schema; the returned text is what the assistant may say.
What a tool declares is what the rules of `sahut.authority` decide by; what it leaves out is taken in the strictest way.
Outsiders register theirs under the entry point group `sahut.tools`. This file must not know who calls a tool.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sahut.authority import BY_EFFECT, IRREVERSIBLE, Authority, Confirms, Effect, Identity
from sahut.ids import ContactId, ConversationId
from sahut.store import Store
from sahut.toolcall import Promised, SentFile
from sahut.turn import Guidance


@dataclass(frozen=True)
class Told:
    """What a tool says, the file that goes out with the message that says it, and what it has made true to promise."""

    text: str
    file: SentFile | None = None
    promise: Promised | None = None


ToolFunction = Callable[..., Awaitable[str | Told]]


@dataclass(frozen=True)
class Refusal:
    """A tool cannot do what is asked; `answer` tells the customer why and what to do, in their language."""

    answer: str


Prepare = Callable[..., Awaitable[dict[str, Any] | Refusal]]


@dataclass(frozen=True)
class ToolContext:
    """What a tool may know of the turn it serves.

    `key` is the same however often the turn runs: a tool with an effect must bind the effect to it. `guidance` has
    the organisation's settings: its hours, its zone, its public address.
    """

    key: str
    conversation_id: ConversationId
    contact_id: ContactId
    language: str
    now: datetime
    store: Store
    guidance: Guidance = field(default_factory=Guidance)


@dataclass(frozen=True)
class ToolSpec:
    """What a tool declares of itself.

    `prepare` completes the arguments of a call before anybody is asked, or refuses; it reads and changes nothing.
    """

    function: ToolFunction
    authority: Authority = IRREVERSIBLE
    examples: tuple[str, ...] = ()
    questions: dict[str, str] = field(default_factory=dict)
    prepare: Prepare | None = None


def tool(
    *,
    effect: Effect = "irreversible",
    identity: Identity | None = None,
    confirms: Confirms | None = None,
    per_turn: int | None = None,
    per_day: int | None = None,
    examples: tuple[str, ...] = (),
    questions: dict[str, str] | None = None,
    prepare: Prepare | None = None,
) -> Callable[[ToolFunction], ToolFunction]:
    """Mark an async function as a tool.

    `effect`, `identity` (how sure it must be who the customer is), `confirms` (who must agree to the shown arguments)
    and the limits are explained in docs/tools.md. What is left out follows from the effect: a `read` needs nobody's
    yes, a `write` the customer's, and what cannot be undone (so it is taken without an effect) an operator's.

    `examples` are phrases of customers that call for it. `questions` maps a language to the sentence that asks the
    customer to confirm, every argument in it as a `{placeholder}`. `prepare`, an async function of the tool's own
    parameters, gives them back completed for that question (the customer's own number, the ticket that "my ticket"
    means), or a `Refusal`.
    """
    given = {"identity": identity, "confirms": confirms, "per_turn": per_turn, "per_day": per_day}
    declared: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    authority = replace(BY_EFFECT[effect], **declared)

    def mark(function: ToolFunction) -> ToolFunction:
        spec = ToolSpec(
            function=function, authority=authority, examples=examples, questions=questions or {}, prepare=prepare
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
