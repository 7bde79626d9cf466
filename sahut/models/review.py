"""What is reviewed of the knowledge: gaps and their questions, answers to be recalled, sites to be read again."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, UniqueConstraint

from sahut.ids import new_id
from sahut.models.columns import json_field, maybe_time, text_field, time_field
from sahut.models.row import Row


class GapState(StrEnum):
    """Where a gap stands. A published one is open again when the same is asked and not answered once more."""

    OPEN = "open"
    PUBLISHED = "published"
    DISMISSED = "dismissed"


class RecallState(StrEnum):
    """What became of a recall; `RESTORED`: the documents say again what was answered."""

    OPEN = "open"
    SENT = "sent"
    DISMISSED = "dismissed"
    RESTORED = "restored"


_OPEN_RECALL_SQL = sa.text("state = 'open'")
_LOOSE_SQL = sa.text("gap_id IS NULL")


class Gap(Row, table=True):
    """Questions that ask the same and that the documents did not answer.

    `title` is the first of them. `draft_title` and `draft_text` are what a supervisor has written so far; empty ones
    are drafted from the operators' answers when somebody looks. `path` is the document that closed it.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    title: str = text_field()
    language: str = "en"
    state: str = Field(default=GapState.OPEN, index=True)
    draft_title: str = text_field()
    draft_text: str = text_field()
    collection: str = "default"
    path: str = Field(default="", sa_type=sa.Text)
    closed_by: str = ""
    closed_at: datetime | None = maybe_time()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class GapQuestion(Row, table=True):
    """A question that went to a human because the documents did not answer it.

    `gap_id` is null until it is sorted in, `vector` (float32, little-endian) until it is embedded. After a gap was
    published it is asked again: `answer` is what the assistant says now, `answered_at` set where that is an answer.
    """

    __tablename__ = "gap_question"
    __table_args__ = (
        sa.Index("ix_gap_question_loose", "id", sqlite_where=_LOOSE_SQL, postgresql_where=_LOOSE_SQL),
        sa.Index("ix_gap_question_gap", "gap_id", "id"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    gap_id: str | None = Field(default=None, foreign_key="gap.id")
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    turn_id: str = Field(unique=True)
    text: str = text_field()
    language: str = "en"
    reason: str
    embedder: str = ""
    vector: bytes | None = Field(default=None, sa_type=sa.LargeBinary)
    answer: str = text_field()
    cited: list[str] = json_field(list)
    answered_at: datetime | None = maybe_time()
    created_at: datetime = time_field(index=True)


class Recall(Row, table=True):
    """An answer that a customer got and whose cited words stand in the documents no more. At most one is open for it.

    `lost` are the citations that do not hold (`document`, `version`, `start`, `end`, `quote`). `document_id` is the
    document whose change brought it up, `cause` is changed or removed.
    """

    __table_args__ = (
        sa.Index(
            "uq_recall_open",
            "message_id",
            unique=True,
            sqlite_where=_OPEN_RECALL_SQL,
            postgresql_where=_OPEN_RECALL_SQL,
        ),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    message_id: str = Field(foreign_key="message.id", index=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    document_id: str = Field(foreign_key="document.id", index=True)
    cause: str
    lost: list[dict[str, Any]] = json_field(list)
    state: str = Field(default=RecallState.OPEN, index=True)
    correction_id: str | None = None
    closed_by: str = ""
    closed_at: datetime | None = maybe_time()
    created_at: datetime = time_field()


class Site(Row, table=True):
    """A web site that was learned and is read again at `due_at`. `outcome` says how the last reading went."""

    __table_args__ = (UniqueConstraint("collection", "url"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    collection: str = "default"
    url: str
    prune: bool = False
    outcome: str = Field(default="", sa_type=sa.Text)
    read_at: datetime | None = maybe_time()
    due_at: datetime | None = maybe_time(index=True)
    created_at: datetime = time_field()
