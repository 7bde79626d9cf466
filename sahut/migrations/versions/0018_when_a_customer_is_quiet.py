"""When a customer has been silent for long enough, apart from the files that a turn waits for."""

import sqlalchemy as sa
from alembic import op

from sahut.models.columns import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversation", sa.Column("quiet_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("conversation", "quiet_at")
