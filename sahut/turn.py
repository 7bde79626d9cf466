"""The values of one turn: what the assistant is given (`Turn`) and what it gives back (`Reply`).

Everything here is frozen and serialisable, because each turn is kept for replay. Nothing here knows a database,
a model or WhatsApp.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from sahut.authority import Identity
from sahut.errors import Trouble
from sahut.forms import Filling
from sahut.found import EVERYWHERE, Citation
from sahut.ids import ContactId, ConversationId, MessageId, TurnId
from sahut.toolcall import Confirmation, Promised, SentFile, ToolCall
from sahut.values import Value

Decision = Literal["reply", "clarify", "hand_off", "silent"]
Reason = Literal[
    "asked_for_human",
    "no_answer",
    "low_confidence",
    "spam",
    "sensitive",
    "tool_failed",
    "model_failed",
    "media",
    "rule",
]
Lane = Literal["support", "spam"]
# What a message was beside a question: a comment on a rating, the wish to hear no more.
Aside = Literal["comment", "opt_out"]
Label = Literal["fine", "unsure", "spam"]
# What a second look takes a message for.
Opinion = Literal["genuine", "spam", "unsure"]


# What is readable in these was not written by the customer: an address, somebody's name.
DESCRIBED = frozenset({"location", "contacts"})
# How much of a conversation a turn looks back on.
HISTORY_LINES = 20


class Verdict(Value):
    """What the screen thinks of a message; `score` is the probability of spam."""

    label: Label = "fine"
    score: float = 0.0
    reasons: tuple[str, ...] = ()


class Screening(Value):
    """The whole result of screening; all but the verdict and the language are probabilities."""

    verdict: Verdict = Verdict()
    injection: float = 0.0
    wants_human: float = 0.0
    distress: float = 0.0
    abuse: float = 0.0
    language: str = "en"


class Line(Value):
    """One line of the conversation as the assistant sees it."""

    role: Literal["user", "assistant"]
    content: str
    author: Literal["contact", "assistant", "operator", "system"] = "contact"


class Incoming(Value):
    """One message of the burst being answered. `text` is a caption or a button's title where there is one.

    `attached` is what could be read in a file that came with it: nobody's word to be followed. `choice` is the id
    behind a pressed button.
    `forwarded` is what WhatsApp tells of its way here, `filename` what the sender called the file.
    """

    id: MessageId
    kind: str = "text"
    text: str = ""
    wamid: str | None = None
    attached: str = ""
    forwarded: Literal["", "once", "often"] = ""
    filename: str = ""
    choice: str = ""


FactKind = Literal["name", "plate", "order", "email"]


class Remembered(Value):
    """What a customer said of themselves, and in which message: data, no proof and no instruction."""

    kind: FactKind
    value: str
    message_id: MessageId


class Guidance(Value):
    """The settings that shape an answer, frozen into the turn so that a replay sees the same.

    `collections` are the documents that are answered from beside those of no collection; `None`: all. `edition` is the
    number's own, empty where nothing is set for it.
    """

    organisation: str = "our office"
    persona: str = ""
    languages: tuple[str, ...] = ("id", "en", "pt", "es", "is")
    max_wrong: float = 0.05
    spam_threshold: float = 0.8
    business_hours: str = ""
    timezone: str = "UTC"
    public_url: str = ""
    prompt_version: str = ""
    collections: tuple[str, ...] | None = None
    edition: str = ""

    @property
    def answers_from(self) -> tuple[str, ...] | None:
        """The collections to look in; `None`: all there are."""
        return None if self.collections is None else (*self.collections, EVERYWHERE)


class Turn(Value):
    """All that the assistant may know when it answers one burst of messages.

    `cleared`: a human has said that these messages are no spam. `rated`: the customer has just rated the session, so
    what they write next may be their comment on it. `identity`: how sure it is who the customer is. `promises`: what
    was promised to them and stands open. `known`: what they said of themselves before, the newest last. `earlier`:
    what the history no longer holds, summed up. `overheard`: what they wrote to a person since the assistant's last
    reply.
    """

    id: TurnId
    conversation_id: ConversationId
    contact_id: ContactId
    contact_name: str = ""
    language: str | None = None
    history: tuple[Line, ...] = ()
    burst: tuple[Incoming, ...]
    confirmation: Confirmation | None = None
    filling: Filling | None = None
    now: datetime
    window_closes_at: datetime | None = None
    cleared: bool = False
    rated: bool = False
    identity: Identity = "number"
    promises: tuple[Promised, ...] = ()
    known: tuple[Remembered, ...] = ()
    earlier: str = ""
    overheard: tuple[Incoming, ...] = ()
    guidance: Guidance = Guidance()

    @property
    def text(self) -> str:
        """The burst's text as one message, lines in the order the customer wrote them."""
        return "\n".join(one.text for one in self.burst if one.text.strip() and one.kind not in DESCRIBED)

    @property
    def attached(self) -> str:
        """What could be read in the burst's files."""
        return "\n\n".join(message.attached for message in self.burst if message.attached)


class Usage(Value):
    """What a turn cost; tokens as the model's server counted them, money in US dollars."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
        )


class Button(Value):
    """A reply button; `title` at most 20 characters."""

    id: str
    title: str


class Row(Value):
    """A row of a list; `title` at most 24 characters."""

    id: str
    title: str


class Menu(Value):
    """A list to choose from, one to ten rows behind a button whose title has at most 20 characters."""

    button: str
    rows: tuple[Row, ...]


class Reply(Value):
    """The assistant's whole answer to a turn. It has sent nothing: the worker records and sends it.

    `menu` is a list to choose from, in place of buttons. `filling` is a form's new progress, `None`: as it was.
    `suggestion` is what a human may answer where the assistant was not sure enough. `remembered` is what the customer
    said of themselves.
    """

    decision: Decision
    text: str = ""
    language: str = "en"
    confidence: float = 0.0
    citations: tuple[Citation, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    verdict: Verdict = Verdict()
    reason: Reason | None = None
    lane: Lane = "support"
    aside: Aside | None = None
    summary: str = ""
    suggestion: str = ""
    buttons: tuple[Button, ...] = ()
    menu: Menu | None = None
    file: SentFile | None = None
    confirmation: Confirmation | None = None
    filling: Filling | None = None
    remembered: tuple[Remembered, ...] = ()
    model: str = ""
    prompt_version: str = ""
    calibration_version: str = ""
    features: dict[str, float] = Field(default_factory=dict)
    usage: Usage = Usage()
    exchanges: tuple[dict[str, Any], ...] = ()

    @property
    def answers(self) -> bool:
        """Whether something was really answered or done: a greeting back and a question back are not it."""
        done = any(call.state == "done" for call in self.tool_calls)
        return self.decision == "reply" and (bool(self.citations) or done)

    @property
    def trouble(self) -> Trouble | None:
        """Why a model that this turn needed did not answer, so that the fallback or nobody did."""
        for one in self.exchanges:
            if one.get("kind") == "model" and "error" in one:
                trouble: Trouble = one.get("trouble", "failed")
                return trouble
        return "embedding" if self.reason == "model_failed" else None
