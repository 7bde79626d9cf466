"""What the graph carries from node to node (`State`), and the parts of the house its nodes use (`Deps`).

Knows no node and decides nothing.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, TypedDict

from sahut.clock import SystemClock
from sahut.ports import ChatModel, Clock, Embedder, Retriever
from sahut.store import Store
from sahut.turn import (
    Button,
    Confirmation,
    Decision,
    Draft,
    Reason,
    Reply,
    Screening,
    SearchResult,
    Sentence,
    ToolCall,
    Turn,
    Usage,
)
from tools.toolbox import Toolbox


class Screener(Protocol):
    """Looks at a message before anything else does."""

    async def screen(self, text: str, *, hint: str | None = None, spam_threshold: float | None = None) -> Screening:
        """Spam, injection, wish for a human, language; `hint` is the conversation's language so far."""
        ...


@dataclass(frozen=True)
class Deps:
    """What a turn needs of the house. `perform=False`: write tools are recorded, never performed.

    `coming` is called once it is clear that the customer will be answered, before anything slow happens.
    `fallback` answers when `model` is down or slow, and when a message tries to subvert it: it needs no server.
    """

    model: ChatModel
    fallback: ChatModel
    retriever: Retriever
    screen: Screener
    toolbox: Toolbox
    embedder: Embedder
    store: Store
    clock: Clock = field(default_factory=SystemClock)
    turn_timeout_s: float = 30.0
    perform: bool = True
    coming: Callable[[], None] | None = None


@dataclass(frozen=True)
class Ending:
    """How the turn ends, once that is decided; the last nodes make the Reply of it."""

    decision: Decision
    text: str = ""
    reason: Reason | None = None
    sentences: tuple[Sentence, ...] = ()
    confirmation: Confirmation | None = None
    buttons: tuple[Button, ...] = ()


class State(TypedDict, total=False):
    """One turn on its way through the graph; all but `turn`, `deadline` and `exchanges` appear on the way."""

    turn: Turn
    deadline: float  # of the event loop's clock
    exchanges: Annotated[tuple[dict[str, Any], ...], operator.add]
    screening: Screening
    language: str
    message: str  # what of the burst is left to answer
    question: str  # what is searched for: the message, with its predecessor where it needs one
    found: SearchResult
    draft: Draft
    calls: tuple[ToolCall, ...]
    rounds: int  # how often the model has thought
    note: str  # what the model, calling a human, wants told
    degraded: bool  # the model failed, the fallback thinks
    preface: str  # a tool's result that the reply must begin with
    features: dict[str, float]
    confidence: float
    usage: Usage
    ending: Ending
    answer: Reply
