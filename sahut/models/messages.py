"""What was said: messages in and out (inbox and outbox are these rows), and webhook material kept raw."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, UniqueConstraint

from sahut.ids import new_id
from sahut.models.columns import json_field, maybe_time, text_field, time_field
from sahut.models.row import Row


class Author(StrEnum):
    """Who wrote a message."""

    CONTACT = "contact"
    ASSISTANT = "assistant"
    OPERATOR = "operator"
    SYSTEM = "system"


class State(StrEnum):
    """Where a message stands. `dropped`: a rule stopped it before it left, so the customer never saw it."""

    RECEIVED = "received"
    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    DROPPED = "dropped"


class Purpose(StrEnum):
    """Why an outbound message exists; the rules of sending depend on it."""

    REPLY = "reply"
    ACKNOWLEDGEMENT = "acknowledgement"
    NOTICE = "notice"
    CLOSING = "closing"
    THANKS = "thanks"
    OPERATOR = "operator"


# What nobody waits for: it goes when nothing else wants to.
BULK = frozenset({Purpose.CLOSING})

UNSETTLED = (State.QUEUED, State.SENDING, State.UNKNOWN)
# Spelt out, not as parameters: an index over a part of the table serves only a query that is seen to need no more.
UNSETTLED_SQL = sa.text("state IN ('queued', 'sending', 'unknown')")
FAILED_SQL = sa.text("state = 'failed' AND dismissed_at IS NULL")


class Message(Row, table=True):
    """One line of a conversation.

    Inbound: `sent_at` is the customer's timestamp, `done_at` when a turn (or an operator's hold) took it up, `choice`
    the id behind a pressed button.
    Outbound: `body` is Meta's message object without the recipient, `callback_id` comes back in every status,
    `answers` is the wamid it replies to, `attempts` counts claims, `losses` lost answers and `tries` how often it was
    put off in a row under `error_code`; `sending_since` is when it was claimed last and `due_at` when the sender must
    look at the row again. `bulk`: nobody waits for it. A failed one is on the list of what failed until `dismissed_at`.

    A change of a message (a reaction, an edit, a withdrawal) is a row too, `about` the wamid of what it changes;
    `edited_at`, `revoked_at` and `reaction` (with `reacted_at`) say what the changed one looks like now.
    """

    __table_args__ = (
        UniqueConstraint("number", "wamid", name="uq_message_number_wamid"),
        sa.Index("ix_message_conversation", "conversation_id", "id"),
        sa.Index(
            "ix_message_undone",
            "conversation_id",
            sqlite_where=sa.text("state = 'received' AND done_at IS NULL"),
            postgresql_where=sa.text("state = 'received' AND done_at IS NULL"),
        ),
        sa.Index(
            "ix_message_about",
            "number",
            "about",
            sqlite_where=sa.text("about IS NOT NULL"),
            postgresql_where=sa.text("about IS NOT NULL"),
        ),
        sa.Index(
            "ix_message_outbox",
            "bulk",
            "due_at",
            sqlite_where=UNSETTLED_SQL,
            postgresql_where=UNSETTLED_SQL,
        ),
        sa.Index("ix_message_failed", "id", sqlite_where=FAILED_SQL, postgresql_where=FAILED_SQL),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id")
    number: str
    wamid: str | None = None
    author: str
    author_name: str = ""
    kind: str = "text"
    state: str
    text: str = text_field()
    body: dict[str, Any] = json_field(dict)
    sent_at: datetime = time_field()
    created_at: datetime = time_field()
    # inbound
    done_at: datetime | None = maybe_time()
    about: str | None = None
    choice: str = ""
    edited_at: datetime | None = maybe_time()
    revoked_at: datetime | None = maybe_time()
    reaction: str = text_field()
    reacted_at: datetime | None = maybe_time()
    # outbound
    turn_id: str | None = Field(default=None, index=True)
    purpose: str | None = None
    bulk: bool = False
    callback_id: str | None = Field(default=None, unique=True)
    answers: str | None = None
    attempts: int = 0
    losses: int = 0
    tries: int = 0
    due_at: datetime | None = maybe_time()
    sending_since: datetime | None = maybe_time()
    error_code: int | None = None
    error: str = text_field()
    dismissed_at: datetime | None = maybe_time()


class MediaUpload(Row, table=True):
    """A file that Meta has for one of our numbers: the SHA-256 of its bytes and Meta's name for it."""

    __tablename__ = "media_upload"

    number: str = Field(primary_key=True)
    hash: str = Field(primary_key=True)
    media_id: str
    uploaded_at: datetime = time_field()


class StrayDelivery(Row, table=True):
    """A status whose message is not known (yet): it may arrive before our own POST returned the wamid."""

    __tablename__ = "stray_delivery"
    __table_args__ = (UniqueConstraint("wamid", "state"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    wamid: str = Field(index=True)
    state: str
    at: datetime = time_field()
    window_closed: bool = False
    error_code: int | None = None
    error: str = text_field()
    created_at: datetime = time_field()


class RawEvent(Row, table=True):
    """Webhook material that was not understood or not for us, kept as it came, within a bound."""

    __tablename__ = "raw_event"

    id: str = Field(default_factory=new_id, primary_key=True)
    why: str = Field(index=True)
    body: str = text_field()
    created_at: datetime = time_field()
