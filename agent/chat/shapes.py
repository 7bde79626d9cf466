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


def _format(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}


RESPONSE_FORMAT = _format(
    "answer",
    _object(
        decision={"type": "string", "enum": list(DECISIONS)},
        sentences={"type": "array", "items": _object(text={"type": "string"}, sources=_NUMBERS)},
        small_talk={"type": "boolean"},
        reason={"type": ["string", "null"], "enum": [*REASONS, None]},
    ),
)
LOOK_FORMAT = _format("verdict", _object(verdict={"type": "string", "enum": list(OPINIONS)}))
RANK_FORMAT = _format("ranking", _object(order=_NUMBERS))
