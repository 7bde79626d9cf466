"""What is done for a customer: turns and their receipts, tool calls, confirmations, handoffs, the audit."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from sahut.ids import new_id
from sahut.models.columns import json_field, maybe_time, text_field, time_field
from sahut.models.row import Row


class HandoffState(StrEnum):
    """Where a request for a human stands."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    RETURNED = "returned"
    RESOLVED = "resolved"


class ConfirmationState(StrEnum):
    """Where a question "shall I?" stands. Only one may wait in a conversation.

    `granted`: an operator has agreed, and the act is under way. `closed`: it is void, nobody's yes counts any more.
    """

    WAITING = "waiting"
    GRANTED = "granted"
    USED = "used"
    FAILED = "failed"
    REFUSED = "refused"
    CLOSED = "closed"


OPEN_HANDOFF = (HandoffState.QUEUED, HandoffState.CLAIMED)
_OPEN_HANDOFF_SQL = sa.text("state IN ('queued', 'claimed')")
_WAITING_SQL = sa.text("state = 'waiting'")


class TurnRecord(Row, table=True):
    """Everything a replay needs: the frozen turn, each exchange with model, retrieval and tools, and the reply."""

    __tablename__ = "turn"

    id: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    fence: int
    outcome: str
    cost_usd: float = 0.0
    turn: dict[str, Any] = json_field(dict)
    reply: dict[str, Any] = json_field(dict)
    started_at: datetime = time_field()
    ended_at: datetime = time_field(index=True)


class Receipt(Row, table=True):
    """What a reply stands on; one for each message the assistant sends.

    `guidance_edition` is which edition of its number's guidance shaped it, empty where the number has none of its own.
    """

    message_id: str = Field(foreign_key="message.id", primary_key=True)
    turn_id: str = Field(index=True)
    decision: str
    confidence: float
    features: dict[str, Any] = json_field(dict)
    verdict: dict[str, Any] = json_field(dict)
    tools: list[dict[str, Any]] = json_field(list)
    model: str = ""
    prompt_version: str = ""
    guidance_edition: str = ""
    calibration_version: str = ""
    window_closes_at: datetime | None = maybe_time()
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    created_at: datetime = time_field()


class CitationRow(Row, table=True):
    """A cited span as a row, so that a changed document can name the answers it made wrong."""

    __tablename__ = "citation"

    id: str = Field(default_factory=new_id, primary_key=True)
    message_id: str = Field(foreign_key="message.id", index=True)
    document: str = Field(index=True)
    version: str = Field(index=True)
    start: int
    end: int
    quote: str = text_field()


class ToolCallRow(Row, table=True):
    """The journal of tool calls: `key` is unique, so a call happens once however often its turn runs.

    `state` is `begun` before the act and `done` or `failed` after it: one that stays `begun` died on the way.
    """

    __tablename__ = "tool_call"

    key: str = Field(primary_key=True)
    conversation_id: str = Field(index=True)
    name: str
    arguments: dict[str, Any] = json_field(dict)
    state: str
    result: str = text_field()
    created_at: datetime = time_field()


class ConfirmationRow(Row, table=True):
    """A tool call as it was shown to who must agree (`confirms`: `customer` or `operator`), waiting for the yes.

    `digest` binds the yes to these very arguments. `outcome` is what came of an operator's yes.
    """

    __tablename__ = "confirmation"
    __table_args__ = (
        sa.Index(
            "uq_confirmation_waiting",
            "conversation_id",
            unique=True,
            sqlite_where=_WAITING_SQL,
            postgresql_where=_WAITING_SQL,
        ),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    tool: str
    arguments: dict[str, Any] = json_field(dict)
    digest: str = ""
    confirms: str = "customer"
    state: str = ConfirmationState.WAITING
    decided_by: str | None = None
    decided_at: datetime | None = maybe_time()
    outcome: str = text_field()
    created_at: datetime = time_field()
    expires_at: datetime = time_field()


class Handoff(Row, table=True):
    """A request for a human. At most one is open in a conversation.

    `suggestion` is a draft of the assistant's that documents support and that it was not sure enough to send.
    """

    __table_args__ = (
        sa.Index(
            "uq_handoff_open",
            "conversation_id",
            unique=True,
            sqlite_where=_OPEN_HANDOFF_SQL,
            postgresql_where=_OPEN_HANDOFF_SQL,
        ),
        sa.Index("ix_handoff_due", "state", "due_at"),
        sa.Index("ix_handoff_lane", "lane", sqlite_where=_OPEN_HANDOFF_SQL, postgresql_where=_OPEN_HANDOFF_SQL),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    state: str = HandoffState.QUEUED
    lane: str
    reason: str
    summary: str = text_field()
    suggestion: str = text_field()
    language: str = "en"
    priority: int = 0
    due_at: datetime = time_field()
    noticed_at: datetime | None = maybe_time()
    claimed_by: str | None = None
    claimed_at: datetime | None = maybe_time()
    closed_at: datetime | None = maybe_time()
    note: str = text_field()
    created_at: datetime = time_field()


class Closing(Row, table=True):
    """The closing message of a session and what the customer thought of it: `score` 3 is good, 1 is bad.

    `inbox_version` is the conversation's when it was made: if that has moved on, the customer's message wins.
    `scored_at` is by the customer's clock. The id stands in the buttons, so an old button counts for its own session.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    message_id: str = Field(foreign_key="message.id", unique=True)
    why: str
    inbox_version: int
    score: int | None = None
    scored_at: datetime | None = maybe_time()
    comment: str = text_field()
    created_at: datetime = time_field(index=True)


class AuditEntry(Row, table=True):
    """Who did what, when. Never the text of a message."""

    __tablename__ = "audit"

    id: str = Field(default_factory=new_id, primary_key=True)
    at: datetime = time_field()
    actor: str
    action: str = Field(index=True)
    conversation_id: str | None = Field(default=None, index=True)
    detail: dict[str, Any] = json_field(dict)


class ApiKey(Row, table=True):
    """A key for the REST interface. Only the SHA-256 digest of the key is kept."""

    __tablename__ = "api_key"

    id: str = Field(default_factory=new_id, primary_key=True)
    name: str
    digest: str = Field(unique=True)
    scopes: list[str] = json_field(list)
    created_at: datetime = time_field()
    revoked_at: datetime | None = maybe_time()
