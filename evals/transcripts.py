"""Reads one transcript in OpenAI's chat format as a case: user turns to replay, human replies as the reference.

Knows nothing of files, suites or scores.
"""

from collections.abc import Mapping
from typing import Any

from evals.cases import Case, CaseTurn
from sahut.turn import Line

_SPEAKERS = ("user", "assistant")
_UNHEARD = ("system", "developer", "tool", "function")


def case_from_transcript(row: Mapping[str, Any], *, line: int) -> Case:
    """The case of `{"messages": [{"role", "content"}], "id"?, "language"?, "topic"?}`; other keys are ignored.

    User messages in a row are one turn; the assistant's messages after it are its reference. System and tool
    messages, and assistant messages that only call tools, say nothing to the customer and are left out. Without an
    id the case is called after its line. Raises `ValueError` (Pydantic's errors are such) with what is wrong.
    """
    messages = row.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ValueError("`messages` must be a list with at least one message")
    if "expect" in row:
        raise ValueError("`expect` has no place in a transcript: write a case with `turns`")
    said = [spoken for place, message in enumerate(messages, start=1) if (spoken := _spoken(message, place))]
    start = next((i for i, (role, _) in enumerate(said) if role == "user"), None)
    if start is None:
        raise ValueError("the transcript has no user message to replay")
    return Case.model_validate(
        {
            "id": row.get("id", f"line-{line}"),
            "language": row.get("language"),
            "topic": row.get("topic"),
            "opening": [Line(role="assistant", content=text, author="assistant") for _, text in said[:start]],
            "turns": _turns(said[start:]),
            "line": line,
        }
    )


def _turns(said: list[tuple[str, str]]) -> list[CaseTurn]:
    """The dialogue cut where a user begins to speak again. `said` begins with a user."""
    cuts = [i for i, (role, _) in enumerate(said) if role == "user" and (i == 0 or said[i - 1][0] != "user")]
    parts = [said[a:b] for a, b in zip(cuts, [*cuts[1:], len(said)], strict=True)]
    return [
        CaseTurn(
            user=tuple(text for role, text in part if role == "user"),
            reference="\n".join(text for role, text in part if role == "assistant") or None,
        )
        for part in parts
    ]


def _spoken(message: Any, place: int) -> tuple[str, str] | None:
    """The role and text of a message, or `None` where nothing was said to or by the customer."""
    if not isinstance(message, dict):
        raise ValueError(f"message {place} is not an object")
    role = message.get("role")
    if role in _UNHEARD:
        return None
    if role not in _SPEAKERS:
        raise ValueError(f"message {place} has the role {role!r}; known are {', '.join(_SPEAKERS + _UNHEARD)}")
    if role == "assistant" and message.get("content") is None and message.get("tool_calls"):
        return None
    text = _text(message.get("content"), place)
    if not text.strip():
        raise ValueError(f"message {place} has no text")
    return role, text


def _text(content: Any, place: int) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        texts = [part.get("text") for part in content if part.get("type") == "text"]
        if all(isinstance(text, str) for text in texts):
            return "\n".join(str(text) for text in texts)
    raise ValueError(f"message {place}: `content` must be a text")
