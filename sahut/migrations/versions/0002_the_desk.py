"""Operators, their sessions, notes and what they have read; who holds a conversation; the desk's indexes."""

import sqlalchemy as sa
from alembic import op

from sahut.models.columns import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('queued', 'claimed')")
_HELD = sa.text("held_by IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "operator",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )
    op.create_table(
        "operator_session",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("operator_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"]),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index(op.f("ix_operator_session_operator_id"), "operator_session", ["operator_id"], unique=False)
    op.create_index(op.f("ix_operator_session_expires_at"), "operator_session", ["expires_at"], unique=False)
    op.create_table(
        "sign_in_attempts",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_index(op.f("ix_sign_in_attempts_last_at"), "sign_in_attempts", ["last_at"], unique=False)
    op.create_table(
        "note",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_note_conversation", "note", ["conversation_id", "id"], unique=False)
    op.create_table(
        "reading",
        sa.Column("operator_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"]),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.PrimaryKeyConstraint("operator_id", "conversation_id"),
    )
    op.add_column("conversation", sa.Column("held_by", sa.String(), nullable=True))
    op.add_column("conversation", sa.Column("held_by_name", sa.String(), nullable=True))
    op.create_index(
        "ix_conversation_held", "conversation", ["held_by"], unique=False, sqlite_where=_HELD, postgresql_where=_HELD
    )
    op.create_index("ix_handoff_lane", "handoff", ["lane"], unique=False, sqlite_where=_OPEN, postgresql_where=_OPEN)
