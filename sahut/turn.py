"""The values of one turn: what the assistant is given (`Turn`) and what it gives back (`Reply`).

Everything here is frozen and serialisable, because each turn is kept for replay. Nothing here knows a database,
a model or WhatsApp.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sahut.ids import ContactId, ConversationId, MessageId, TurnId

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
Label = Literal["fine", "unsure", "spam"]


# How much of a conversation a turn looks back on.
HISTORY_LINES = 20


class Value(BaseModel):
    """A frozen value; unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Verdict(Value):
    """What the screen thinks of a message; `score` is the probability of spam."""

    label: Label = "fine"
    score: float = 0.0
    reasons: tuple[str, ...] = ()


class Screening(Value):
    """The whole result of screening; `injection` and `wants_human` are probabilities."""

    verdict: Verdict = Verdict()
    injection: float = 0.0
    wants_human: float = 0.0
    language: str = "en"


class Passage(Value):
    """A chunk found by retrieval; `start` and `end` are code points in the version's text, `text[start:end]`."""

    chunk: str
    document: str
    title: str
    version: str
    headings: tuple[str, ...] = ()
    text: str
    start: int
    end: int
    score: float
    language: str = "en"


class SearchResult(Value):
    """Passages, best first, and the probability that they hold the answer."""

    question: str
    answerable: float
    passages: tuple[Passage, ...] = ()
    features: dict[str, float] = Field(default_factory=dict)


class Citation(Value):
    """A span of one version of a document: `version_text[start:end] == quote`. `version` is the content hash."""

    document: str
    version: str
    start: int
    end: int
    quote: str
    title: str = ""


class Line(Value):
    """One line of the conversation as the assistant sees it."""

    role: Literal["user", "assistant"]
    content: str
    author: Literal["contact", "assistant", "operator", "system"] = "contact"


class Incoming(Value):
    """One message of the burst being answered. `text` is a caption or a button's title where there is one."""

    id: MessageId
    kind: str = "text"
    text: str = ""
    wamid: str | None = None


class Confirmation(Value):
    """A tool call that waits for the customer's yes. `id` keys the one effect that the yes may have."""

    id: str
    tool: str
    arguments: dict[str, Any]


class Guidance(Value):
    """The settings that shape an answer, frozen into the turn so that a replay sees the same."""

    organisation: str = "our office"
    persona: str = ""
    languages: tuple[str, ...] = ("id", "en", "pt", "es", "is")
    max_wrong: float = 0.05
    spam_threshold: float = 0.8
    business_hours: str = ""
    timezone: str = "UTC"
    prompt_version: str = ""


class Turn(Value):
    """All that the assistant may know when it answers one burst of messages."""

    id: TurnId
    conversation_id: ConversationId
    contact_id: ContactId
    contact_name: str = ""
    language: str | None = None
    history: tuple[Line, ...] = ()
    burst: tuple[Incoming, ...]
    confirmation: Confirmation | None = None
    now: datetime
    window_closes_at: datetime | None = None
    guidance: Guidance = Guidance()

    @property
    def text(self) -> str:
        """The burst's text as one message, lines in the order the customer wrote them."""
        return "\n".join(message.text for message in self.burst if message.text.strip())


class ToolCall(Value):
    """A tool the assistant wants to call, called, or was refused."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    state: Literal["proposed", "done", "refused", "failed"] = "proposed"
    key: str = ""
    result: str = ""


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


class Sentence(Value):
    """One sentence of a draft with the spans and tool calls (by key) that support it."""

    text: str
    citations: tuple[Citation, ...] = ()
    tools: tuple[str, ...] = ()


class Brief(Value):
    """What a chat model is given to think about: the turn, what was found, and what was done so far."""

    turn: Turn
    question: str
    language: str
    passages: tuple[Passage, ...] = ()
    answerable: float = 0.0
    tools: tuple["ToolCard", ...] = ()
    done: tuple[ToolCall, ...] = ()


class ToolCard(Value):
    """How a tool presents itself to a model: JSON Schema parameters and example phrases by language."""

    name: str
    description: str
    parameters: dict[str, Any]
    examples: tuple[str, ...] = ()
    effect: Literal["read", "write"] = "read"


class Draft(Value):
    """What a chat model thought of: an answer, a question back, tool calls, or that a human is needed."""

    decision: Decision
    sentences: tuple[Sentence, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    reason: Reason | None = None
    confidence: float | None = None
    small_talk: bool = False
    model: str = ""
    usage: Usage = Usage()
    exchange: dict[str, Any] = Field(default_factory=dict)


class Reply(Value):
    """The assistant's whole answer to a turn. It has sent nothing: the worker records and sends it."""

    decision: Decision
    text: str = ""
    language: str = "en"
    confidence: float = 0.0
    citations: tuple[Citation, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    verdict: Verdict = Verdict()
    reason: Reason | None = None
    lane: Lane = "support"
    summary: str = ""
    buttons: tuple[Button, ...] = ()
    confirmation: Confirmation | None = None
    model: str = ""
    prompt_version: str = ""
    calibration_version: str = ""
    features: dict[str, float] = Field(default_factory=dict)
    usage: Usage = Usage()
    exchanges: tuple[dict[str, Any], ...] = ()


Brief.model_rebuild()
