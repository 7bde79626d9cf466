"""Typed functions as tools: their cards for a model, and calls that are checked and happen once.

Authority comes from the caller's keywords alone, never from arguments, models or documents. Knows no conversation.
"""

import asyncio
import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import entry_points
from typing import Any, Literal, Self, get_type_hints

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from sahut.errors import ConfigurationError, StoreUnavailable
from sahut.ids import ConversationId, MessageId
from sahut.store import Store
from sahut.store import tools as journal
from sahut.tool import ToolContext, ToolFunction, ToolSpec, spec_of
from sahut.turn import ToolCall, ToolCard

ENTRY_POINTS = "sahut.tools"
TOOL_TIMEOUT_S = 15.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Tool:
    """A tool as the toolbox keeps it: what it declares, how it presents itself, and the shape of its arguments."""

    spec: ToolSpec
    card: ToolCard
    shape: type[BaseModel]


class Toolbox:
    """The tools of one house, by name."""

    def __init__(self, functions: Iterable[ToolFunction]) -> None:
        """Raises `ConfigurationError` for a function that cannot be a tool, or two of one name."""
        self._tools: dict[str, Tool] = {}
        for function in functions:
            tool = _read(function)
            if tool.card.name in self._tools:
                raise ConfigurationError(f"Two tools are named {tool.card.name}: rename one.")
            self._tools[tool.card.name] = tool

    @classmethod
    def from_entry_points(cls) -> Self:
        """The tools that installed packages register, and `hand_off`, which every house has."""
        from tools.handoff import hand_off

        functions: list[ToolFunction] = [hand_off]
        for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
            try:
                functions.append(entry.load())
            except (ImportError, AttributeError) as error:
                raise ConfigurationError(f"The tool {entry.name} ({entry.value}) cannot be loaded: {error}") from error
        return cls(functions)

    @property
    def cards(self) -> tuple[ToolCard, ...]:
        """How the tools present themselves to a model."""
        return tuple(tool.card for tool in self._tools.values())

    def spec(self, name: str) -> ToolSpec | None:
        """What a tool declares of itself; `None` where there is no such tool."""
        tool = self._tools.get(name)
        return tool.spec if tool else None

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        context: ToolContext,
        *,
        perform: bool = True,
        may_write: bool = True,
        confirmed: bool = False,
    ) -> ToolCall:
        """Call a tool; what became of it is in the state.

        `refused`: no such tool, bad arguments, or a write that is not allowed (`result` says why). `proposed`:
        the customer must agree first. `done`: the result, from the journal where the call was done before.
        `failed`: the tool raised or took too long. With `perform=False` a write is recorded as done without
        effect and the journal is left alone. Raises `StoreUnavailable`.
        """
        call = ToolCall(name=name, arguments=dict(arguments), key=context.key)
        tool = self._tools.get(name)
        if tool is None:
            return _refused(call, f"There is no tool {name}.")
        try:
            values = tool.shape.model_validate(call.arguments)
        except ValidationError as error:
            return _refused(call, _reasons(error))
        call = call.model_copy(update={"arguments": values.model_dump(mode="json")})
        if tool.spec.effect == "write" and not may_write:
            return _refused(call, "Writing is not allowed in this turn.")
        if tool.spec.confirm and not confirmed:
            return call
        if tool.spec.effect == "read":
            return await _run(tool, call, values, context)
        return await _once(tool, call, values, context) if perform else _update(call, "done")

    async def finished(self, key: str, store: Store) -> ToolCall | None:
        """The call that the journal has under `key`."""
        async with store.reading() as tx:
            return await journal.finished_call(tx, key)


def call_key(conversation: ConversationId, first_message: MessageId, name: str, arguments: Mapping[str, Any]) -> str:
    """The key of a call that nobody confirmed: the same whenever the same burst leads to the same call."""
    words = json.dumps([conversation, first_message, name, arguments], sort_keys=True, ensure_ascii=False, default=str)
    return sha256(words.encode()).hexdigest()


async def _once(tool: Tool, call: ToolCall, values: BaseModel, context: ToolContext) -> ToolCall:
    """Run a write unless the journal has it.

    Between the effect and the journal a crash may come, so the tool binds its effect to the key as well. A
    failure is not written down: the next run of the turn may try again under the same key.
    """
    async with context.store.reading() as tx:
        earlier = await journal.finished_call(tx, call.key)
    if earlier is not None:
        return earlier
    call = await _run(tool, call, values, context)
    if call.state != "done":
        return call
    async with context.store.transaction() as tx:
        return await journal.record_call(tx, call, conversation_id=context.conversation_id, now=context.now)


async def _run(tool: Tool, call: ToolCall, values: BaseModel, context: ToolContext) -> ToolCall:
    arguments = {name: getattr(values, name) for name in type(values).model_fields}
    try:
        async with asyncio.timeout(TOOL_TIMEOUT_S):
            result = await tool.spec.function(context, **arguments)
    except StoreUnavailable:
        raise
    except Exception as error:  # a stranger's tool may raise anything, and the customer must still be answered
        _log.warning("tool_failed", tool=call.name, conversation=context.conversation_id, error=type(error).__name__)
        return _update(call, "failed", type(error).__name__)
    return _update(call, "done", str(result))


def _refused(call: ToolCall, reason: str) -> ToolCall:
    return _update(call, "refused", reason)


def _update(call: ToolCall, state: Literal["done", "failed", "refused"], result: str = "") -> ToolCall:
    return call.model_copy(update={"state": state, "result": result})


def _reasons(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())


def _read(function: ToolFunction) -> Tool:
    try:
        spec = spec_of(function)
    except TypeError as error:
        raise ConfigurationError(str(error)) from error
    name = function.__name__
    description = inspect.getdoc(function) or ""
    if not description or not inspect.iscoroutinefunction(function):
        raise ConfigurationError(f"The tool {name} must be an async function with a docstring.")
    shape = _shape(function)
    _check_questions(name, spec, shape)
    schema = shape.model_json_schema()
    parameters = {"type": "object", "properties": {}, **_untitled(schema)}
    card = ToolCard(
        name=name, description=description, parameters=parameters, examples=spec.examples, effect=spec.effect
    )
    return Tool(spec=spec, card=card, shape=shape)


def _check_questions(name: str, spec: ToolSpec, shape: type[BaseModel]) -> None:
    """A customer must never be the first to find out that a question cannot be asked."""
    if spec.confirm and "en" not in spec.questions:
        raise ConfigurationError(f'The tool {name} asks for confirmation: give it questions={{"en": ...}}.')
    for language, template in spec.questions.items():
        try:
            template.format_map(dict.fromkeys(shape.model_fields, ""))
        except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
            raise ConfigurationError(
                f"The tool {name}: its question in {language!r} may only hold its parameters as placeholders ({error})."
            ) from error


def _shape(function: ToolFunction) -> type[BaseModel]:
    """The parameters after the context as a Pydantic model that forbids all others."""
    hints = get_type_hints(function, include_extras=True)
    first, *rest = inspect.signature(function).parameters.values()
    if hints.get(first.name) is not ToolContext:
        raise ConfigurationError(f"The first parameter of the tool {function.__name__} must be a ToolContext.")
    fields: dict[str, Any] = {}
    for parameter in rest:
        if parameter.name not in hints:
            raise ConfigurationError(f"The tool {function.__name__} gives no type for {parameter.name}.")
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    shape: type[BaseModel] = create_model(function.__name__, __config__=ConfigDict(extra="forbid"), **fields)
    return shape


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without Pydantic's titles, which only cost tokens."""
    plain = {key: value for key, value in schema.items() if key not in ("title", "description")}
    properties = schema.get("properties", {})
    plain["properties"] = {
        name: {key: value for key, value in field.items() if key != "title"} for name, field in properties.items()
    }
    return plain
