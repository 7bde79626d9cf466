"""Our numbers with their pace and their pauses, the pace of each pair, and the list of what failed."""

import sqlalchemy as sa
from alembic import op

from sahut.models.columns import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UNSETTLED = sa.text("state IN ('queued', 'sending', 'unknown')")
FAILED = sa.text("state = 'failed' AND dismissed_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "phone_number",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("free_at_us", sa.BigInteger(), nullable=False),
        sa.Column("bulk_after", UtcDateTime(), nullable=True),
        sa.Column("paused_at", UtcDateTime(), nullable=True),
        sa.Column("paused_code", sa.Integer(), nullable=True),
        sa.Column("paused_why", sa.Text(), nullable=False),
        sa.Column("paused_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.add_column("conversation", sa.Column("pair_began_at", UtcDateTime(), nullable=True))
    op.add_column("conversation", sa.Column("pair_burst", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("message", sa.Column("bulk", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("message", sa.Column("dismissed_at", UtcDateTime(), nullable=True))
    op.drop_index("ix_message_outbox", table_name="message")
    op.create_index(
        "ix_message_outbox", "message", ["bulk", "due_at"], sqlite_where=UNSETTLED, postgresql_where=UNSETTLED
    )
    op.create_index("ix_message_failed", "message", ["id"], sqlite_where=FAILED, postgresql_where=FAILED)


def downgrade() -> None:
    op.drop_index("ix_message_failed", table_name="message")
    op.drop_index("ix_message_outbox", table_name="message")
    op.create_index("ix_message_outbox", "message", ["due_at"], sqlite_where=UNSETTLED, postgresql_where=UNSETTLED)
    op.drop_column("message", "dismissed_at")
    op.drop_column("message", "bulk")
    op.drop_column("conversation", "pair_burst")
    op.drop_column("conversation", "pair_began_at")
    op.drop_table("phone_number")
