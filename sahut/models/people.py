"""Who talks to us and where: contacts, their identities, and one conversation per number and contact."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel, UniqueConstraint

from sahut.ids import new_id
from sahut.models.columns import maybe_time, time_field


class IdentityKind(StrEnum):
    """How WhatsApp names a person. A phone number may be absent or change; the business-scoped id is stabler."""

    PHONE = "phone"
    BSUID = "bsuid"
    PARENT_BSUID = "parent_bsuid"


class Status(StrEnum):
    """Where a conversation stands. `waiting`: a handoff is queued or claimed."""

    OPEN = "open"
    WAITING = "waiting"
    RESOLVED = "resolved"
    SPAM = "spam"


class Holder(StrEnum):
    """Who speaks for the organisation."""

    ASSISTANT = "assistant"
    OPERATOR = "operator"


class Contact(SQLModel, table=True):
    """A person who writes to us."""

    id: str = Field(default_factory=new_id, primary_key=True)
    name: str = Field(default="", sa_type=sa.Text)
    created_at: datetime = time_field()


class ContactIdentity(SQLModel, table=True):
    """One of a contact's names on WhatsApp."""

    __tablename__ = "contact_identity"
    __table_args__ = (UniqueConstraint("kind", "value"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    contact_id: str = Field(foreign_key="contact.id", index=True)
    kind: str
    value: str
    created_at: datetime = time_field()


class Conversation(SQLModel, table=True):
    """The thread between one of our numbers and one contact, with its window and its lease.

    `inbox_version` grows with every inbound message and every change of speaker: a draft made for an older version is
    dropped. `fence` grows with every lease: a worker that lost its lease can record nothing. `undone_since` is
    set while inbound messages wait for a turn, and `wake_at` is when that turn may begin. `held_by` is the id of the
    operator or key that holds it, `held_by_name` as others see them; both are null unless an operator holds it.
    """

    __table_args__ = (
        UniqueConstraint("number", "contact_id"),
        sa.Index(
            "ix_conversation_undone",
            "wake_at",
            sqlite_where=sa.text("undone_since IS NOT NULL"),
            postgresql_where=sa.text("undone_since IS NOT NULL"),
        ),
        sa.Index(
            "ix_conversation_held",
            "held_by",
            sqlite_where=sa.text("held_by IS NOT NULL"),
            postgresql_where=sa.text("held_by IS NOT NULL"),
        ),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    number: str = Field(index=True)
    contact_id: str = Field(foreign_key="contact.id", index=True)
    status: str = Field(default=Status.OPEN, index=True)
    holder: str = Field(default=Holder.ASSISTANT)
    held_by: str | None = None
    held_by_name: str | None = None
    language: str | None = None
    window_opened_at: datetime | None = maybe_time()
    window_closed_at: datetime | None = maybe_time()
    inbox_version: int = 0
    last_inbound_wamid: str | None = None
    undone_since: datetime | None = maybe_time()
    wake_at: datetime | None = maybe_time()
    attempts: int = 0
    leased_by: str | None = None
    leased_until: datetime | None = maybe_time()
    fence: int = 0
    created_at: datetime = time_field()
    updated_at: datetime = time_field(index=True)
