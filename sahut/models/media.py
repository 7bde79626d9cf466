"""Files that came in with messages: what was told of them, what became of them, and what could be read."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from sahut.models.columns import maybe_time, text_field, time_field
from sahut.models.row import Row


class MediaState(StrEnum):
    """Where a file stands. `waiting` until somebody opens it; `refused`: what came is not what it must be.

    `forgotten`: it was kept for as long as files are.
    """

    WANTED = "wanted"
    WAITING = "waiting"
    KEPT = "kept"
    REFUSED = "refused"
    LOST = "lost"
    FORGOTTEN = "forgotten"


# Spelt out, so that SQLite too sees that the index serves.
KEPT_SQL = sa.text("state = 'kept'")


class InboundFile(Row, table=True):
    """The file of an inbound message. The bytes lie on a shelf under `hash`, never in the database.

    `told_type`, `told_sha256` and `filename` are the sender's word; `media_type` and `size_bytes` are what came. `text`
    is what could be read in it or heard; `error` says why there is no file or no text. `due_at` is when it must be
    looked at again.
    """

    __tablename__ = "inbound_file"
    __table_args__ = (
        sa.Index(
            "ix_inbound_file_due",
            "due_at",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        ),
        sa.Index("ix_inbound_file_kept", "created_at", sqlite_where=KEPT_SQL, postgresql_where=KEPT_SQL),
    )

    message_id: str = Field(foreign_key="message.id", primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    number: str
    media_id: str | None = None
    told_type: str = ""
    told_sha256: str = ""
    filename: str = text_field()
    voice: bool = False
    state: str = Field(default=MediaState.WANTED)
    tries: int = 0
    due_at: datetime | None = maybe_time()
    hash: str | None = Field(default=None, index=True)
    media_type: str = ""
    size_bytes: int = 0
    text: str = text_field()
    error: str = text_field()
    created_at: datetime = time_field()
