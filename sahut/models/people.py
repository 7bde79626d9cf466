"""Who talks to us and where: contacts, their identities, and one conversation per number and contact."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, UniqueConstraint

from sahut.ids import new_id
from sahut.models.columns import maybe_time, text_field, time_field
from sahut.models.row import Row


class IdentityKind(StrEnum):
    """How WhatsApp names a person. A phone number may be absent or change; the business-scoped id is stabler."""

    PHONE = "phone"
    BSUID = "bsuid"
    PARENT_BSUID = "parent_bsuid"
    GROUP = "group"


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


# Spelt out, so that SQLite too sees that the index serves: a handoff is open, or an operator holds it.
WITH_HUMANS_SQL = sa.text("(status = 'waiting' OR held_by IS NOT NULL)")


class Contact(Row, table=True):
    """A person who writes to us (or a group). Once `opted_out_at` is set they hear only what answers them.

    `number_changed_at` is set when their phone number or user id became another one, until somebody has made sure
    that it is still them: the number may have passed to a stranger. `review` says what of their names a person must
    look at; empty: nothing.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    name: str = Field(default="", sa_type=sa.Text)
    opted_out_at: datetime | None = maybe_time()
    marketing_stopped_at: datetime | None = maybe_time()
    marketing_resumed_at: datetime | None = maybe_time()
    number_changed_at: datetime | None = maybe_time()
    review: str = text_field()
    created_at: datetime = time_field()


class ContactIdentity(Row, table=True):
    """One of a contact's names on WhatsApp."""

    __tablename__ = "contact_identity"
    __table_args__ = (UniqueConstraint("kind", "value"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    contact_id: str = Field(foreign_key="contact.id", index=True)
    kind: str
    value: str
    created_at: datetime = time_field()


class FormerIdentity(Row, table=True):
    """A name that was a contact's `until` then. Somebody else may have it by now: nothing is sent to it."""

    __tablename__ = "former_identity"
    __table_args__ = (UniqueConstraint("contact_id", "kind", "value"), sa.Index("ix_former_identity_value", "value"))

    id: str = Field(default_factory=new_id, primary_key=True)
    contact_id: str = Field(foreign_key="contact.id", index=True)
    kind: str
    value: str
    until: datetime = time_field()


class Conversation(Row, table=True):
    """The thread between one of our numbers and one contact, with its window and its lease.

    `inbox_version` grows with every inbound message and every change of speaker: a draft made for an older version is
    dropped. `fence` grows with every lease: a worker that lost its lease can record nothing. `undone_since` is
    set while inbound messages wait for a turn, and `wake_at` is when that turn may begin; `quiet_at` when it might if
    no file had to be read first. `held_by` is the id of the operator or key that holds it, `held_by_name` as others
    see them; both are null unless an operator holds it. `pair_began_at` and `pair_burst` are what the customer was
    sent on credit (`sahut.pacing.Pair`). `answered_at` is set while a session, in which something was really answered,
    has had no closing message; until `comment_until` the customer's next words may be the comment on their rating.
    `cleared_version` is the version at which a human said that what was written so far is no spam. `owned_at` is when
    the customer last wrote to us, `standby_at` when last to another owner of the thread (Meta's agent, another
    program): the later one says whose it is. `free_until` is the end of Meta's free entry point, where it told one.
    `held_until` ends the silence that a colleague's message from the phone app brings. `early_news`: a change of a
    message came before it. `window_warned_of` is the `window_opened_at` of the window that operators were warned of,
    so a new message of the customer arms the next warning by itself. `heard_as` is the phone number or user id that the
    customer last wrote here by: who has several is answered there.
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
        sa.Index(
            "ix_conversation_answered",
            "window_opened_at",
            sqlite_where=sa.text("answered_at IS NOT NULL"),
            postgresql_where=sa.text("answered_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_conversation_human", "window_opened_at", sqlite_where=WITH_HUMANS_SQL, postgresql_where=WITH_HUMANS_SQL
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
    window_warned_of: datetime | None = maybe_time()
    inbox_version: int = 0
    last_inbound_wamid: str | None = None
    heard_as: str | None = None
    undone_since: datetime | None = maybe_time()
    wake_at: datetime | None = maybe_time()
    quiet_at: datetime | None = maybe_time()
    attempts: int = 0
    cleared_version: int | None = None
    answered_at: datetime | None = maybe_time()
    comment_until: datetime | None = maybe_time()
    owned_at: datetime | None = maybe_time()
    standby_at: datetime | None = maybe_time()
    free_until: datetime | None = maybe_time()
    held_until: datetime | None = maybe_time()
    early_news: bool = False
    leased_by: str | None = None
    leased_until: datetime | None = maybe_time()
    fence: int = 0
    pair_began_at: datetime | None = maybe_time()
    pair_burst: int = 0
    created_at: datetime = time_field()
    updated_at: datetime = time_field(index=True)


class IdentityProof(Row, table=True):
    """That somebody made sure who a contact is: how well (`level` as in `sahut.authority`), who, and until when."""

    __tablename__ = "identity_proof"

    id: str = Field(default_factory=new_id, primary_key=True)
    contact_id: str = Field(foreign_key="contact.id", index=True)
    level: str
    proved_by: str
    created_at: datetime = time_field()
    expires_at: datetime = time_field()
