"""Which window operators were warned of, and an index over those that people answer in."""

import sqlalchemy as sa
from alembic import op

from sahut.models.columns import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_WITH_HUMANS = sa.text("(status = 'waiting' OR held_by IS NOT NULL)")


def upgrade() -> None:
    op.add_column("conversation", sa.Column("window_warned_of", UtcDateTime(), nullable=True))
    op.create_index(
        "ix_conversation_human",
        "conversation",
        ["window_opened_at"],
        sqlite_where=_WITH_HUMANS,
        postgresql_where=_WITH_HUMANS,
    )


def downgrade() -> None:
    op.drop_index("ix_conversation_human", table_name="conversation")
    op.drop_column("conversation", "window_warned_of")
