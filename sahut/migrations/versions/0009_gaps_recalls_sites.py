"""Gaps with their questions, recalls, sites; how long documents are valid and what in them is suspect."""

import sqlalchemy as sa
from alembic import op

from sahut.models.columns import Json, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("document", sa.Column("valid_until", UtcDateTime(), nullable=True))
    op.add_column("document", sa.Column("expired_at", UtcDateTime(), nullable=True))
    op.create_index(op.f("ix_document_valid_until"), "document", ["valid_until"], unique=False)
    op.add_column("document_version", sa.Column("suspect", Json, nullable=False, server_default="[]"))

    op.create_table(
        "gap",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("draft_title", sa.Text(), nullable=False),
        sa.Column("draft_text", sa.Text(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("closed_by", sa.String(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_gap_state"), "gap", ["state"], unique=False)

    op.create_table(
        "gap_question",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("gap_id", sa.String(), nullable=True),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("embedder", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("cited", Json, nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.ForeignKeyConstraint(["gap_id"], ["gap.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("turn_id"),
    )
    op.create_index(op.f("ix_gap_question_conversation_id"), "gap_question", ["conversation_id"], unique=False)
    op.create_index(op.f("ix_gap_question_created_at"), "gap_question", ["created_at"], unique=False)
    op.create_index("ix_gap_question_gap", "gap_question", ["gap_id", "id"], unique=False)
    loose = sa.text("gap_id IS NULL")
    op.create_index("ix_gap_question_loose", "gap_question", ["id"], sqlite_where=loose, postgresql_where=loose)

    op.create_table(
        "recall",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("lost", Json, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("correction_id", sa.String(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("message_id", "conversation_id", "document_id", "state"):
        op.create_index(op.f(f"ix_recall_{column}"), "recall", [column], unique=False)
    open_ = sa.text("state = 'open'")
    op.create_index("uq_recall_open", "recall", ["message_id"], unique=True, sqlite_where=open_, postgresql_where=open_)

    op.create_table(
        "site",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("prune", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("collection", "url"),
    )
    op.create_index(op.f("ix_site_due_at"), "site", ["due_at"], unique=False)


def downgrade() -> None:
    for table in ("site", "recall", "gap_question", "gap"):
        op.drop_table(table)
    op.drop_column("document_version", "suspect")
    op.drop_index(op.f("ix_document_valid_until"), table_name="document")
    op.drop_column("document", "expired_at")
    op.drop_column("document", "valid_until")
