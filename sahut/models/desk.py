"""The operators' side: who may sign in, their sessions, their notes, and what they have seen.

Knows nothing of how a password is checked or a page is drawn.
"""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from sahut.ids import new_id
from sahut.models.columns import maybe_time, text_field, time_field
from sahut.models.row import Row


class Role(StrEnum):
    """What an operator may do. A supervisor may act where a colleague holds; an admin may change people too."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class Operator(Row, table=True):
    """A human of the organisation. `email` is lower-cased; a disabled one stays, since the audit names them.

    With a `team` they see the requests of its numbers and of those that no team has; without one they see all.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    email: str = Field(unique=True)
    name: str = Field(default="", sa_type=sa.Text)
    role: str = Field(default=Role.OPERATOR)
    team: str = ""
    password_hash: str
    created_at: datetime = time_field()
    disabled_at: datetime | None = maybe_time()


class OperatorSession(Row, table=True):
    """A signed-in browser. Only a keyed digest of its token is kept."""

    __tablename__ = "operator_session"

    digest: str = Field(primary_key=True)
    operator_id: str = Field(foreign_key="operator.id", index=True)
    created_at: datetime = time_field()
    last_seen_at: datetime = time_field()
    expires_at: datetime = time_field(index=True)


class SignInAttempts(Row, table=True):
    """Failed sign-ins under one subject: an e-mail address, there or not, or a network address; kept as a digest.

    Known and unknown accounts are counted alike, so that a lockout tells nobody which ones exist.
    """

    __tablename__ = "sign_in_attempts"

    subject: str = Field(primary_key=True)
    failures: int = 0
    last_at: datetime = time_field(index=True)
    locked_until: datetime | None = maybe_time()


class Note(Row, table=True):
    """What operators tell each other in a conversation. The customer and the assistant never see it."""

    __table_args__ = (sa.Index("ix_note_conversation", "conversation_id", "id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id")
    author_name: str = Field(default="", sa_type=sa.Text)
    text: str = text_field()
    created_at: datetime = time_field()


class Reading(Row, table=True):
    """How far an operator has read a conversation."""

    operator_id: str = Field(foreign_key="operator.id", primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", primary_key=True)
    message_id: str
