"""Forms: what is asked (each change an edition of its own), who is how far with one, and what was sent."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, UniqueConstraint

from sahut.ids import new_id
from sahut.models.columns import json_field, maybe_time, time_field
from sahut.models.row import Row


class FillingState(StrEnum):
    """Where a filling stands. Only one may be open in a conversation."""

    OPEN = "open"
    SUBMITTED = "submitted"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


_OPEN_SQL = sa.text("state = 'open'")


class FormRow(Row, table=True):
    """A form by its name. `edition_id` is the one that new customers get, `source` the file or key it came from."""

    __tablename__ = "form"

    id: str = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    edition_id: str
    source: str
    removed_at: datetime | None = maybe_time()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class FormEdition(Row, table=True):
    """A form as it was at one time. Never changed: fillings and submissions point here."""

    __tablename__ = "form_edition"
    __table_args__ = (UniqueConstraint("form_id", "number"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    form_id: str = Field(foreign_key="form.id")
    number: int
    definition: dict[str, Any] = json_field(dict)
    created_at: datetime = time_field()


class FillingRow(Row, table=True):
    """How far a customer has come. `progress` is the `Filling` without the form and what is a column here."""

    __tablename__ = "filling"
    __table_args__ = (
        sa.Index(
            "uq_filling_open",
            "conversation_id",
            unique=True,
            sqlite_where=_OPEN_SQL,
            postgresql_where=_OPEN_SQL,
        ),
    )

    id: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    edition_id: str = Field(foreign_key="form_edition.id", index=True)
    reference: str = Field(unique=True)
    state: str = FillingState.OPEN
    progress: dict[str, Any] = json_field(dict)
    created_at: datetime = time_field()
    updated_at: datetime = time_field()
    expires_at: datetime = time_field()


class Submission(Row, table=True):
    """A form as sent. `filling_id` binds it to the one filling that led to it.

    `answers` by field name, `None` for what was skipped; `flagged`: the screen doubted a message it came from.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    reference: str = Field(unique=True)
    filling_id: str = Field(foreign_key="filling.id", unique=True)
    form: str = Field(index=True)
    edition_id: str = Field(foreign_key="form_edition.id", index=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    contact_id: str = Field(foreign_key="contact.id", index=True)
    ticket_id: str | None = Field(default=None, foreign_key="ticket.id", index=True)
    answers: dict[str, Any] = json_field(dict)
    flagged: bool = False
    language: str = "en"
    created_at: datetime = time_field()
