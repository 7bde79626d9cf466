"""What the screen learns from operators' marks."""

import sqlalchemy as sa
from alembic import op

from sahut.models.columns import UtcDateTime

revision = "0013"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "screen_mark",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("is_spam", sa.Boolean(), nullable=False),
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("marked_by", sa.String(), nullable=False),
        sa.Column("marked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.PrimaryKeyConstraint("conversation_id"),
    )
    op.create_index("ix_screen_mark_marked_at", "screen_mark", ["marked_at"])


def downgrade() -> None:
    op.drop_index("ix_screen_mark_marked_at", table_name="screen_mark")
    op.drop_table("screen_mark")
