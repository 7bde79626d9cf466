"""Tools as the assistant sees them, the calls that it makes of them, and what a call made true.

Frozen and serialisable, as the turn that they go into. Knows no tool and no database.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from sahut.authority import Denial, Effect, Party
from sahut.values import Value

# How the ids of a question's two buttons begin; the confirmation's own id follows.
YES, NO = "yes:", "no:"
PromiseKind = Literal["call", "contact", "send", "other"]


class ToolCard(Value):
    """How a tool presents itself to a model: JSON Schema parameters and example phrases by language.

    `implied`: the arguments that an example phrase settles, where it settles any.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    examples: tuple[str, ...] = ()
    implied: dict[str, dict[str, Any]] = Field(default_factory=dict)
    effect: Effect = "read"


class SentFile(Value):
    """A file of the organisation's that goes with a message: `hash` names its bytes, `kind` how WhatsApp sends it."""

    name: str
    kind: Literal["document", "image"]
    hash: str
    filename: str


class Promised(Value):
    """What somebody will do for a customer and when at the latest; `owner` is who, empty: the team."""

    kind: PromiseKind
    what: str
    due_at: datetime
    owner: str = ""


class ToolCall(Value):
    """A tool the assistant wants to call, called, or was refused.

    `answer` is what the customer is told where the tool itself refuses, `denied` which rule refused it, `by` who must
    agree to a proposed one. `promise` is what the tool made true.
    """

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    state: Literal["proposed", "done", "refused", "failed"] = "proposed"
    key: str = ""
    result: str = ""
    answer: str = ""
    denied: Denial | None = None
    by: Party | None = None
    file: SentFile | None = None
    promise: Promised | None = None


class Confirmation(Value):
    """A tool call that waits for somebody's yes. `id` keys the one effect that the yes may have.

    `digest` (`sahut.authority.digest_of`) binds the yes to the arguments as they were shown.
    """

    id: str
    tool: str
    arguments: dict[str, Any]
    digest: str = ""
    by: Party = "customer"
