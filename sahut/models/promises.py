"""What customers were promised: who will do what, by when, and what became of it."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from sahut.ids import new_id
from sahut.models.columns import maybe_time, text_field, time_field
from sahut.models.row import Row


class PromiseState(StrEnum):
    """Where a promise stands. `dismissed`: somebody looked, and it was none. Overdue is an open one after its time."""

    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"
    DISMISSED = "dismissed"


_OPEN_SQL = sa.text("state = 'open'")


class Promise(Row, table=True):
    """A promise to a customer. `text` is as it was made.

    `author` is who made it, an `Author`. `owner` is the id of the operator or key that must keep it, `owner_name` as
    others see them; empty: the team. `call_key` binds the assistant's to the one tool call that made it true,
    `ticket_id` is what that call opened, `message_id` is the operator's message.
    """

    __table_args__ = (
        sa.Index("ix_promise_open", "due_at", sqlite_where=_OPEN_SQL, postgresql_where=_OPEN_SQL),
        sa.Index("ix_promise_conversation", "conversation_id", "state"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id")
    author: str
    owner: str = ""
    owner_name: str = Field(default="", sa_type=sa.Text)
    kind: str
    text: str = text_field()
    state: str = PromiseState.OPEN
    due_at: datetime = time_field()
    call_key: str | None = Field(default=None, unique=True)
    ticket_id: str | None = Field(default=None, foreign_key="ticket.id", index=True)
    message_id: str | None = Field(default=None, foreign_key="message.id", index=True)
    settled_by: str = Field(default="", sa_type=sa.Text)
    settled_at: datetime | None = maybe_time()
    created_at: datetime = time_field()
