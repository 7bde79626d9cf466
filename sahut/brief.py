"""What a chat model is given (`Brief`) and what it gives back (`Draft`). Frozen and serialisable; knows no model."""

from typing import Any

from pydantic import Field

from sahut.found import Asked, Citation, Passage
from sahut.toolcall import ToolCall, ToolCard
from sahut.turn import Decision, Reason, Turn, Usage
from sahut.values import Value


class Sentence(Value):
    """One sentence of a draft with the spans and tool calls (by key) that support it.

    `part`: which of several questions (`Brief.parts`) it answers, where the draft tells.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    tools: tuple[str, ...] = ()
    part: int | None = None


class Brief(Value):
    """What a chat model is given to think about: the turn, what was found, and what was done so far.

    `parts` are the questions of a message that asks several, `beside` those of one that requests something too.
    """

    turn: Turn
    question: str
    language: str
    passages: tuple[Passage, ...] = ()
    answerable: float = 0.0
    parts: tuple[Asked, ...] = ()
    beside: tuple[Asked, ...] = ()
    tools: tuple[ToolCard, ...] = ()
    done: tuple[ToolCall, ...] = ()


class Draft(Value):
    """What a chat model thought of: an answer, a question back, tool calls, or that a human is needed.

    `choices` are what a question back lets the customer choose from.
    """

    decision: Decision
    sentences: tuple[Sentence, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    choices: tuple[str, ...] = ()
    reason: Reason | None = None
    confidence: float | None = None
    small_talk: bool = False
    model: str = ""
    usage: Usage = Usage()
    exchange: dict[str, Any] = Field(default_factory=dict)
