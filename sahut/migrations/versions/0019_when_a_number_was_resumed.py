"""When a number was let go again: what was refused before that says nothing of it now."""

import sqlalchemy as sa
from alembic import op

from sahut.models.columns import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("phone_number", sa.Column("resumed_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("phone_number", "resumed_at")
