"""What an operator cleared of spam, so that the screen does not take it for spam again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversation", sa.Column("cleared_version", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("conversation", "cleared_version")
