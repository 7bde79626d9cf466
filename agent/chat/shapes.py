"""The shapes in which a chat model is asked to answer, for servers that hold it to one. Knows no prompt, no client."""

from typing import Any

from sahut.turn import Opinion

DECISIONS = ("reply", "clarify", "hand_off")
REASONS = ("asked_for_human", "no_answer", "sensitive")
OPINIONS: tuple[Opinion, ...] = ("genuine", "spam", "unsure")

_NUMBERS: dict[str, Any] = {"type": "array", "items": {"type": "integer"}}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def response_format(name: str, **properties: Any) -> dict[str, Any]:
    """An object with these properties, each a JSON Schema, as OpenAI's `response_format` asks for it."""
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": _object(**properties)}}


RESPONSE_FORMAT = response_format(
    "answer",
    decision={"type": "string", "enum": list(DECISIONS)},
    sentences={"type": "array", "items": _object(text={"type": "string"}, sources=_NUMBERS)},
    small_talk={"type": "boolean"},
    reason={"type": ["string", "null"], "enum": [*REASONS, None]},
)
LOOK_FORMAT = response_format("verdict", verdict={"type": "string", "enum": list(OPINIONS)})
RANK_FORMAT = response_format("ranking", order=_NUMBERS)
