"""Which of their names a customer wrote by last, and an index over kept files by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_KEPT = sa.text("state = 'kept'")


def upgrade() -> None:
    op.add_column("conversation", sa.Column("heard_as", sa.String(), nullable=True))
    op.create_index("ix_inbound_file_kept", "inbound_file", ["created_at"], sqlite_where=_KEPT, postgresql_where=_KEPT)


def downgrade() -> None:
    op.drop_index("ix_inbound_file_kept", table_name="inbound_file")
    op.drop_column("conversation", "heard_as")
