"""What the graph carries from node to node (`State`), and the parts of the house its nodes use (`Deps`).

Knows no node and decides nothing.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, Protocol, TypedDict

from agent.calibration import SHIPPED, Calibration
from agent.filling.machine import Step
from agent.screening.signals import Signal
from sahut.brief import Draft, Sentence
from sahut.clock import SystemClock
from sahut.errors import Trouble
from sahut.forms import Edition
from sahut.found import Asked, SearchResult
from sahut.models import Attachment
from sahut.ports import ChatModel, Clock, Embedder, Judge, Ranker, Retriever
from sahut.store import Store
from sahut.toolcall import Confirmation, ToolCall
from sahut.turn import Aside, Button, Decision, Menu, Reason, Reply, Screening, Turn, Usage
from tools.toolbox import Toolbox


class Screener(Protocol):
    """Looks at a message before anything else does."""

    async def screen(
        self,
        text: str,
        *,
        hint: str | None = None,
        spam_threshold: float | None = None,
        around: tuple[Signal, ...] = (),
    ) -> Screening:
        """Spam, injection, wish for a human, language; `hint` is the conversation's language so far.

        `around` is what stands around the message and weighs for or against spam.
        """
        ...


@dataclass(frozen=True)
class Deps:
    """What a turn needs of the house. `perform=False`: write tools are recorded, never performed.

    `coming` is called once it is clear that the customer will be answered, before anything slow happens.
    `judge` is asked where the screen is unsure, `ranker` for the order of what was found.
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
    calibration: Calibration = SHIPPED
    judge: Judge | None = None
    ranker: Ranker | None = None


@dataclass(frozen=True)
class Ending:
    """How the turn ends, once that is decided; the last nodes make the Reply of it. `step`: how a form goes on.

    `suggestion` is a supported draft that was not sure enough, for the human who answers instead. `open_parts` are the
    questions that the text leaves to that human.
    """

    decision: Decision
    text: str = ""
    reason: Reason | None = None
    sentences: tuple[Sentence, ...] = ()
    confirmation: Confirmation | None = None
    buttons: tuple[Button, ...] = ()
    menu: Menu | None = None
    step: Step | None = None
    aside: Aside | None = None
    suggestion: str = ""
    open_parts: tuple[str, ...] = ()


class Offers(NamedTuple):
    """What the organisation offers now: the forms that may be begun, the files that may be sent."""

    editions: tuple[Edition, ...]
    files: tuple[Attachment, ...]


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
    parts: tuple[Asked, ...]  # its questions, where it asks several
    beside: tuple[Asked, ...]  # the questions that it asks beside a request
    asking: Ending  # a tool's question to the customer, while the questions beside it are answered
    draft: Draft
    calls: tuple[ToolCall, ...]
    rounds: int  # how often the model has thought
    note: str  # what the model, calling a human, wants told
    trouble: Trouble  # why the model gave no answer, so that the fallback thinks
    offers: Offers
    begun: Edition  # the form that was called for
    step: Step  # where a form stands, while the documents are asked something else
    otherwise: Step  # where it stands if they have no answer
    preface: str  # a tool's result that the reply must begin with
    features: dict[str, float]
    confidence: float
    calibration: str  # the version that made the confidence of the features
    usage: Usage
    ending: Ending
    answer: Reply
