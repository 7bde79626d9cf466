"""What the assistant would have answered, for the human who answers instead."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("handoff", sa.Column("suggestion", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("handoff", "suggestion")
