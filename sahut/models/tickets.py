"""Cases in the back office: tickets, and what happened to each of them as rows. Knows no tool and no page."""

import secrets
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

import sqlalchemy as sa
from sqlmodel import Field

from sahut.ids import new_id
from sahut.models.columns import maybe_time, text_field, time_field
from sahut.models.row import Row

_TOKEN_BYTES = 24


class TicketStatus(StrEnum):
    """Where a ticket stands. `done`: the team is through and the customer may still answer; `closed` is the end."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting_for_customer"
    DONE = "done"
    CLOSED = "closed"


class TicketKind(StrEnum):
    """What is asked for: work on a case, or a call."""

    CASE = "case"
    CALLBACK = "callback"


def new_token() -> str:
    """192 random bits for the link to a ticket's page, 32 characters."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def digest_of(token: str) -> str:
    """What a token is looked up by, so that the time a look-up takes says nothing about the token."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()


class Ticket(Row, table=True):
    """A case in the back office. `call_key` binds it to the one tool call that opened it.

    `language` is the customer's. `token` opens the ticket's public page and is found by its digest. Of a callback
    `phone` is the number to call, digits with a leading plus, and `due_at` when somebody should have called.
    """

    __table_args__ = (
        sa.Index("uq_ticket_token", "token_digest", unique=True),
        sa.Index("ix_ticket_contact_updated", "contact_id", "updated_at"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    reference: str = Field(unique=True)
    call_key: str = Field(unique=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    contact_id: str = Field(foreign_key="contact.id", index=True)
    kind: str = TicketKind.CASE
    topic: str
    description: str = text_field()
    status: str = TicketStatus.OPEN
    language: str = "en"
    phone: str | None = None
    due_at: datetime | None = maybe_time()
    token: str = Field(default_factory=new_token)
    token_digest: str = ""
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class TicketUpdate(Row, table=True):
    """One thing that happened to a ticket: words, a status it moved to, or both.

    `author` is an `Author`. What is not `public` is for the team alone. `call_key` binds a customer's words to the one
    tool call that brought them. `message_id` is the message that told the customer, `untold` why none did.
    """

    __tablename__ = "ticket_update"

    id: str = Field(default_factory=new_id, primary_key=True)
    ticket_id: str = Field(foreign_key="ticket.id", index=True)
    call_key: str | None = Field(default=None, unique=True)
    author: str
    author_name: str = ""
    public: bool
    text: str = text_field()
    status: str | None = None
    message_id: str | None = None
    untold: str = ""
    created_at: datetime = time_field()
