"""Closing messages with their ratings, files that may be sent, and Meta's record of our numbers."""

import sqlalchemy as sa
from alembic import op

from sahut.models.columns import Json, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("opted_out_at", UtcDateTime(), nullable=True))
    op.add_column("conversation", sa.Column("answered_at", UtcDateTime(), nullable=True))
    op.add_column("conversation", sa.Column("comment_until", UtcDateTime(), nullable=True))
    op.create_index(
        "ix_conversation_answered",
        "conversation",
        ["window_opened_at"],
        unique=False,
        sqlite_where=sa.text("answered_at IS NOT NULL"),
        postgresql_where=sa.text("answered_at IS NOT NULL"),
    )

    op.create_table(
        "closing",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("inbox_version", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("scored_at", UtcDateTime(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("message_id"),
    )
    op.create_index(op.f("ix_closing_conversation_id"), "closing", ["conversation_id"], unique=False)
    op.create_index(op.f("ix_closing_created_at"), "closing", ["created_at"], unique=False)

    op.create_table(
        "attachment",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("names", Json, nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("collection", "path"),
    )
    op.create_index(op.f("ix_attachment_collection"), "attachment", ["collection"], unique=False)
    op.create_index(op.f("ix_attachment_hash"), "attachment", ["hash"], unique=False)

    op.create_table(
        "media_upload",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("media_id", sa.String(), nullable=False),
        sa.Column("uploaded_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", "hash"),
    )

    op.create_table(
        "number_record",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("fetched_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
