"""Who must agree to a tool's call and to which one, which button was pressed, and how sure it is who a contact is."""

import sqlalchemy as sa
from alembic import op

from sahut.models.columns import UtcDateTime

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("confirmation", sa.Column("digest", sa.String(), nullable=False, server_default=""))
    op.add_column("confirmation", sa.Column("confirms", sa.String(), nullable=False, server_default="customer"))
    op.add_column("confirmation", sa.Column("decided_by", sa.String(), nullable=True))
    op.add_column("confirmation", sa.Column("decided_at", UtcDateTime(), nullable=True))
    op.add_column("confirmation", sa.Column("outcome", sa.Text(), nullable=False, server_default=""))
    # What waits was asked without a digest: no yes can be bound to it any more.
    op.execute("UPDATE confirmation SET state = 'closed' WHERE state = 'waiting'")
    op.add_column("message", sa.Column("choice", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "identity_proof",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("proved_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_identity_proof_contact_id", "identity_proof", ["contact_id"])


def downgrade() -> None:
    op.drop_index("ix_identity_proof_contact_id", table_name="identity_proof")
    op.drop_table("identity_proof")
    op.drop_column("message", "choice")
    for name in ("outcome", "decided_at", "decided_by", "confirms", "digest"):
        op.drop_column("confirmation", name)
