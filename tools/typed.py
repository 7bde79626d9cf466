"""A typed async function as a tool: its signature is the schema, its docstring the description. Knows no toolbox."""

import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from sahut.errors import ConfigurationError
from sahut.tool import Refusal, Told, ToolContext, ToolFunction, ToolSpec, spec_of
from sahut.toolcall import ToolCard
from tools.tool import Arguments, BadArgumentsError, Tool


def typed(function: ToolFunction) -> Tool:
    """The tool that a marked function is. Raises `ConfigurationError` for one that cannot be a tool."""
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
    card = ToolCard(
        name=name,
        description=description,
        parameters={"type": "object", "properties": {}, **_untitled(shape.model_json_schema())},
        examples=spec.examples,
        effect=spec.authority.effect,
    )
    return Tool(card=card, authority=spec.authority, questions=spec.questions, **_work(spec, shape))


def _work(spec: ToolSpec, shape: type[BaseModel]) -> dict[str, Any]:
    """How arguments are read, and what the function makes of them."""

    def read(arguments: Mapping[str, Any]) -> Arguments:
        try:
            return shape.model_validate(arguments).model_dump(mode="json")
        except ValidationError as error:
            raise BadArgumentsError(_reasons(error)) from None

    def values(arguments: Arguments) -> Arguments:
        found = shape.model_validate(arguments)
        return {name: getattr(found, name) for name in shape.model_fields}

    async def run(context: ToolContext, arguments: Arguments) -> str | Told:
        return await spec.function(context, **values(arguments))

    async def prepare(context: ToolContext, arguments: Arguments) -> Arguments | Refusal:
        assert spec.prepare is not None  # noqa: S101
        found = await spec.prepare(context, **values(arguments))
        return found if isinstance(found, Refusal) else read(found)

    return {"read": read, "run": run, "prepare": prepare if spec.prepare else None}


def _reasons(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())


def _check_questions(name: str, spec: ToolSpec, shape: type[BaseModel]) -> None:
    """No customer finds out first that a question cannot be asked, and nobody agrees to what is not shown."""
    if spec.authority.confirms == "customer" and "en" not in spec.questions:
        raise ConfigurationError(f'The tool {name} asks for confirmation: give it questions={{"en": ...}}.')
    for language, template in spec.questions.items():
        marks = {field: f"\0{field}\0" for field in shape.model_fields}
        try:
            asked = template.format_map(marks)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
            raise ConfigurationError(
                f"The tool {name}: its question in {language!r} may only hold its parameters as placeholders ({error})."
            ) from error
        hidden = [field for field, mark in marks.items() if mark not in asked]
        if hidden:
            raise ConfigurationError(
                f"The tool {name}: its question in {language!r} does not show {', '.join(hidden)}: "
                "who agrees must see every argument."
            )


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
