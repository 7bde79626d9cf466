"""The tools of one house, and how they are called: checked, ruled upon, and done once.

Authority comes from the caller's keywords and the tools' declarations alone, never from arguments, models or
documents. Knows no conversation and no source of tools.
"""

import asyncio
import json
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.metadata import entry_points
from typing import Any, Literal, Self

import structlog

from sahut.authority import Act, Ask, Authority, Denial, Grant, Ground, digest_of, rule
from sahut.errors import ConfigurationError, StoreUnavailable
from sahut.ids import ConversationId, MessageId
from sahut.outside import Refused
from sahut.store import Store
from sahut.store import tools as journal
from sahut.tool import Refusal, Told, ToolContext, ToolFunction
from sahut.toolcall import ToolCall, ToolCard
from tools.tool import Arguments, BadArgumentsError, Tool, ToolFailed
from tools.typed import typed

ENTRY_POINTS = "sahut.tools"
UNKNOWN = "It began earlier, and it is not known whether it happened: a person must look."
_LONGEST_NAME = 64
# What a refused call says, to a model and to operators.
_WHY: dict[Denial, str] = {
    "subverted": "The message gives orders to the assistant, so no tool is used.",
    "doubtful": "Writing is not allowed in this turn.",
    "busy": "Writing is not allowed in the middle of a form.",
    "identity": "It is not sure enough who the customer is.",
    "per_turn": "It has been called as often as one turn allows.",
    "per_day": "It has been called as often as a day allows for this customer.",
    "altered": "These are not the arguments that were agreed to.",
}

_log = structlog.get_logger(__name__)


@cache
def _registered() -> tuple[ToolFunction, ...]:
    """`hand_off` and what installed packages register, found once: what is installed later, the next process sees."""
    from tools.handoff import hand_off

    functions: list[ToolFunction] = [hand_off]
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        try:
            functions.append(entry.load())
        except (ImportError, AttributeError) as error:
            raise ConfigurationError(f"The tool {entry.name} ({entry.value}) cannot be loaded: {error}") from error
    return tuple(functions)


class Toolbox:
    """The tools of one house, by name."""

    def __init__(self, functions: Iterable[ToolFunction], more: Iterable[Tool] = ()) -> None:
        """`more` are tools that are no functions. Raises `ConfigurationError` for what is no tool, or a name twice."""
        self._tools: dict[str, Tool] = {}
        for tool in (*map(typed, functions), *more):
            if tool.name in self._tools:
                raise ConfigurationError(f"Two tools are named {tool.name}: rename one.")
            self._tools[tool.name] = tool

    @classmethod
    def from_entry_points(cls, more: Iterable[Tool] = ()) -> Self:
        """The tools that installed packages register, `hand_off`, which every house has, and `more`."""
        return cls(_registered(), more)

    @property
    def cards(self) -> tuple[ToolCard, ...]:
        """How the tools present themselves to a model."""
        return tuple(tool.card for tool in self._tools.values())

    def authority(self, name: str) -> Authority | None:
        """What a tool declares of itself; `None` where there is no such tool."""
        tool = self._tools.get(name)
        return tool.authority if tool else None

    def questions(self, name: str) -> Mapping[str, str]:
        """By language, how a customer is asked whether they agree; empty where the tool has no words of its own."""
        tool = self._tools.get(name)
        return tool.questions if tool else {}

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        context: ToolContext,
        *,
        ground: Ground,
        grant: Grant | None = None,
        perform: bool = True,
    ) -> ToolCall:
        """Call a tool; what became of it is in the state.

        `refused`: no such tool, bad arguments, a rule says no (`denied` says which, `result` why), or the tool itself
        refuses (`answer` tells the customer). `proposed`: somebody must agree first (`by`). `done`: the result, from
        the journal where the call was done before. `failed`: the tool raised or took too long, or an act that cannot
        be undone began before and never ended. With `perform=False` an act is recorded as done without effect and the
        journal is left alone. Raises `StoreUnavailable`.
        """
        call = ToolCall(name=name[:_LONGEST_NAME], arguments=dict(arguments), key=context.key)
        tool = self._tools.get(name)
        if tool is None:
            return _update(call, "refused", f"There is no tool {call.name}.")
        try:
            call = call.model_copy(update={"arguments": tool.read(call.arguments)})
            digest = digest_of(name, call.arguments)
        except (BadArgumentsError, ValueError) as error:
            return _update(call, "refused", str(error))
        if perform and tool.authority.acts and grant is None:
            call = await _as_before(call, context, ground)
            context, digest = replace(context, key=call.key), digest_of(name, call.arguments)
        if perform and tool.authority.per_day is not None:
            ground = replace(ground, today=await _today(call, context))
        match rule(tool.authority, ground, digest=digest, grant=grant):
            case Act():
                return await _act(tool, call, context, perform=perform)
            case Ask(whom):
                return (await _prepared(tool, call, context)).model_copy(update={"by": whom})
            case denied:
                return _denied(call, denied.why)

    async def finished(self, key: str, store: Store) -> ToolCall | None:
        """The call that the journal has under `key`, if it came to an end."""
        async with store.reading() as tx:
            return await journal.finished_call(tx, key)


def call_key(conversation: ConversationId, first_message: MessageId, name: str, arguments: Mapping[str, Any]) -> str:
    """The key of a call that nobody confirmed: the same whenever the same burst leads to the same call.

    All keys of a burst begin alike.
    """
    parts = ([conversation, first_message], [conversation, first_message, name, arguments])
    words = (json.dumps(part, sort_keys=True, ensure_ascii=True, default=str) for part in parts)
    burst, called = (sha256(word.encode()).hexdigest() for word in words)
    return f"{burst[:24]}{journal.BURST_END}{called[:40]}"


async def _as_before(call: ToolCall, context: ToolContext, ground: Ground) -> ToolCall:
    """The call as an earlier run of the turn made it: a model that is asked again may word its arguments otherwise."""
    async with context.store.reading() as tx:
        before = await journal.of_burst(tx, call, context.conversation_id)
    if any(one.key == call.key for one in before) or len(before) <= ground.in_turn:
        return call
    return call.model_copy(update={"arguments": before[ground.in_turn].arguments, "key": before[ground.in_turn].key})


async def _today(call: ToolCall, context: ToolContext) -> int:
    async with context.store.reading() as tx:
        return await journal.today(tx, context.contact_id, call, now=context.now)


async def _act(tool: Tool, call: ToolCall, context: ToolContext, *, perform: bool) -> ToolCall:
    if tool.authority.acts:
        return await _once(tool, call, context) if perform else _update(call, "done")
    if perform and tool.authority.per_day is not None:
        # A look is noted before it is taken, without what it found: it counts, and may be taken again.
        if await _begin(tool, call, context) == "over":
            return _denied(call, "per_day")
        await _end(_update(call, "done"), context)
    return await _run(tool, call, context)


async def _once(tool: Tool, call: ToolCall, context: ToolContext) -> ToolCall:
    """Act unless the journal has it.

    Between the effect and the journal a crash may come. A tool that writes binds its effect to the key as well, so it
    runs again; what cannot be undone never does. A failed write is not written down: the next run of the turn may try
    again under the same key.
    """
    async with context.store.reading() as tx:
        earlier = await journal.finished_call(tx, call.key)
    if earlier is not None:
        return earlier
    final = tool.authority.effect == "irreversible"
    beginning = await _begin(tool, call, context)
    if beginning == "over":
        return _denied(call, "per_day")
    if beginning == "again" and final:
        return _update(call, "failed", UNKNOWN)
    call = await _run(tool, call, context)
    if call.state == "done" or final:
        return await _end(call, context)
    async with context.store.transaction() as tx:
        await journal.undo_beginning(tx, call.key)
    return call


async def _begin(tool: Tool, call: ToolCall, context: ToolContext) -> journal.Beginning:
    async with context.store.transaction() as tx:
        return await journal.begin_call(
            tx,
            call,
            contact_id=context.contact_id,
            conversation_id=context.conversation_id,
            per_day=tool.authority.per_day,
            now=context.now,
        )


async def _end(call: ToolCall, context: ToolContext) -> ToolCall:
    async with context.store.transaction() as tx:
        return await journal.end_call(tx, call, conversation_id=context.conversation_id, now=context.now)


async def _prepared(tool: Tool, call: ToolCall, context: ToolContext) -> ToolCall:
    """The call as somebody is asked about it: its arguments complete, or refused by the tool itself."""
    if tool.prepare is None:
        return call
    found = await _try(tool, tool.prepare(context, call.arguments), call, context)
    if isinstance(found, ToolCall):
        return found
    if isinstance(found, Refusal):
        return call.model_copy(update={"state": "refused", "result": found.answer, "answer": found.answer})
    completed: Arguments = found
    return call.model_copy(update={"arguments": completed})


async def _run(tool: Tool, call: ToolCall, context: ToolContext) -> ToolCall:
    result = await _try(tool, tool.run(context, call.arguments), call, context)
    if isinstance(result, ToolCall):
        return result
    if isinstance(result, Told):
        return _update(call, "done", result.text).model_copy(update={"file": result.file, "promise": result.promise})
    return _update(call, "done", str(result))


async def _try(tool: Tool, work: Awaitable[Any], call: ToolCall, context: ToolContext) -> Any:
    """What the tool gives back, in its time; the call as failed where it raises."""
    try:
        async with asyncio.timeout(tool.timeout_s):
            return await work
    except StoreUnavailable:
        raise
    except Exception as error:  # a stranger's tool may raise anything, and the customer must still be answered
        # Only our own words are told: a stranger's may repeat what the customer said.
        why = {"why": str(error)} if isinstance(error, ToolFailed | Refused) else {}
        kind = type(error).__name__
        _log.warning("tool_failed", tool=call.name, conversation=context.conversation_id, error=kind, **why)
        return _update(call, "failed", type(error).__name__)


def _denied(call: ToolCall, why: Denial) -> ToolCall:
    return _update(call, "refused", _WHY[why]).model_copy(update={"denied": why})


def _update(call: ToolCall, state: Literal["done", "failed", "refused"], result: str = "") -> ToolCall:
    return call.model_copy(update={"state": state, "result": result})
