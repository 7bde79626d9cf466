"""JSON Schemas that somebody else wrote: made whole, bounded, and used to check arguments. Knows no source of them."""

import json
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match

from sahut.errors import ConfigurationError
from tools.tool import Arguments, BadArgumentsError

Schema = dict[str, Any]
MOST_CHARACTERS = 20_000
_DEEPEST = 20
# What of a schema a model is shown; all else (defaults of servers, examples, vendors' own keys) is left aside.
_KEPT = frozenset(
    (
        *("type", "enum", "const", "format", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "minItems", "maxItems", "items", "properties", "required"),
        *("additionalProperties", "description", "anyOf", "oneOf", "allOf", "default"),
    )
)
_LONGEST_DESCRIPTION = 300


def whole(schema: Any, document: Mapping[str, Any], *, where: str, depth: int = 0) -> Schema:
    """The schema without references, in the words of JSON Schema 2020-12. Raises `ConfigurationError`."""
    if depth > _DEEPEST:
        raise ConfigurationError(f"{where}: its schema is nested too deeply, or refers to itself: it cannot be a tool.")
    if not isinstance(schema, Mapping):
        raise ConfigurationError(f"{where}: a schema must be an object.")
    schema = resolved(schema, document, where=where)
    found = {key: _part(key, value, document, where, depth) for key, value in schema.items() if key in _KEPT}
    if schema.get("nullable") is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found


def resolved(part: Mapping[str, Any], document: Mapping[str, Any], *, where: str) -> Mapping[str, Any]:
    """What a reference within the document stands for; the part itself where it is none."""
    for _ in range(_DEEPEST):
        reference = part.get("$ref")
        if reference is None:
            return part
        part = _follow(str(reference), document, where)
    raise ConfigurationError(f"{where}: its references lead in a circle.")


def _follow(reference: str, document: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    at: Any = document
    steps = reference.removeprefix("#/").split("/") if reference.startswith("#/") else []
    for step in steps:
        name = step.replace("~1", "/").replace("~0", "~")
        at = at.get(name) if isinstance(at, Mapping) else None
    if not steps or not isinstance(at, Mapping):
        raise ConfigurationError(f"{where}: {reference!r} leads nowhere within the document.")
    return at


def _part(key: str, value: Any, document: Mapping[str, Any], where: str, depth: int) -> Any:
    if key == "properties" and isinstance(value, Mapping):
        return {name: whole(inner, document, where=where, depth=depth + 1) for name, inner in value.items()}
    if key in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
        return [whole(inner, document, where=where, depth=depth + 1) for inner in value]
    if key == "items" or (key == "additionalProperties" and isinstance(value, Mapping)):
        return whole(value, document, where=where, depth=depth + 1)
    return plain_words(value, _LONGEST_DESCRIPTION) if key == "description" else value


def plain_words(text: Any, most: int) -> str:
    """A stranger's text on one line, cut, without characters that do not print."""
    words = " ".join(str(text).split())
    return "".join(letter for letter in words if letter.isprintable())[:most]


def checked(schema: Schema, *, where: str) -> Schema:
    """The schema, where arguments can be checked by it. Raises `ConfigurationError`."""
    if schema.get("type") != "object":
        raise ConfigurationError(f"{where}: its arguments must be an object.")
    if len(json.dumps(schema)) > MOST_CHARACTERS:
        raise ConfigurationError(f"{where}: its schema has over {MOST_CHARACTERS} characters: choose a smaller one.")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise ConfigurationError(f"{where}: its schema is none ({plain_words(error.message, 200)}).") from None
    return {"properties": {}, **schema, "additionalProperties": False}


def read(schema: Schema, arguments: Mapping[str, Any]) -> Arguments:
    """The arguments, if they fit. Raises `BadArgumentsError`."""
    wrong = best_match(Draft202012Validator(schema).iter_errors(dict(arguments)))
    if wrong is None:
        return dict(arguments)
    place = ".".join(map(str, wrong.absolute_path))
    raise BadArgumentsError(f"{place}: {wrong.message}"[:500] if place else wrong.message[:500])
