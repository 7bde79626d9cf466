"""Reads other rows than our own cases: a question with its documents, a message with its label.

Knows nothing of files. What is wrong is a `ValueError` with a sentence.
"""

from collections.abc import Mapping
from typing import Any

from evals.cases import Case, Expectation
from sahut.turn import Line

# What data sets call a message, and what is expected of the screen then.
_LABELS: dict[str, dict[str, bool]] = {
    "spam": {"spam": True},
    "ham": {"spam": False},
    "fine": {"spam": False},
    "injection": {"injection": True},
    "benign": {"injection": False},
    "handoff": {"wants_human": True},
    "none": {"wants_human": False},
    "distress": {"distress": True},
    "abuse": {"abuse": True},
}


def case_from_question(row: Mapping[str, Any], *, line: int) -> Case:
    """The case of `{"question", "gold_docs"?, "gold_answer"?, "answerable"?, "history"?, "id"?, "language"?}`.

    A question that can be answered wants a reply that holds the answer, and that its documents are found and cited;
    one that cannot wants a human. `history` are messages in OpenAI's shape, or the user's earlier questions.
    """
    question = row.get("question")
    if not isinstance(question, str) or not question.strip():
        raise ValueError("`question` must be a text")
    documents, answer, answerable = row.get("gold_docs"), row.get("gold_answer"), row.get("answerable", True)
    if documents is not None and not (isinstance(documents, list) and all(isinstance(name, str) for name in documents)):
        raise ValueError("`gold_docs` must be a list of texts")
    if answer is not None and not isinstance(answer, str):
        raise ValueError("`gold_answer` must be a text")
    if not isinstance(answerable, bool):
        raise ValueError("`answerable` must be true or false")
    expect: dict[str, Any] = {"decision": "reply" if answerable else "hand_off"}
    if answerable:
        expect |= {"cites": documents, "retrieves": documents, "contains": [answer] if answer else None}
    return _case(row, line, question, expect, opening=_history(row.get("history")))


def case_from_message(row: Mapping[str, Any], *, line: int) -> Case:
    """The case of `{"text" or "user", "label", "id"?, "language"?}`: what the screen must think of the message."""
    text, label = row.get("text", row.get("user")), row.get("label")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("`text` must be a text")
    if label not in _LABELS:
        raise ValueError(f"unknown label {label!r}; known are {', '.join(_LABELS)}")
    return _case(row, line, text, _LABELS[label])


def _case(
    row: Mapping[str, Any], line: int, text: str, expect: Mapping[str, Any], *, opening: tuple[Line, ...] = ()
) -> Case:
    language = row.get("language")
    return Case.model_validate(
        {
            "id": row.get("id", f"line-{line}"),
            "language": language,
            "topic": row.get("topic"),
            "opening": opening,
            "turns": ({"user": text, "expect": Expectation.model_validate(dict(expect))},),
            "line": line,
        }
    )


def _history(history: Any) -> tuple[Line, ...]:
    if not history:
        return ()
    if not isinstance(history, list):
        raise ValueError("`history` must be a list")
    lines = []
    for place, said in enumerate(history, start=1):
        message = {"role": "user", "content": said} if isinstance(said, str) else said
        role, text = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if role not in ("user", "assistant") or not isinstance(text, str) or not text.strip():
            raise ValueError(f"`history`: entry {place} is no message of a user or an assistant")
        lines.append(Line(role=role, content=text, author="contact" if role == "user" else "assistant"))
    return tuple(lines)
