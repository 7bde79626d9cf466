"""What is set for each number, the editions of what shapes its answers, and the teams of operators."""

import sqlalchemy as sa
from alembic import op

from sahut.models.columns import Json, MaybeJson, UtcDateTime

revision = "0012"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "number_settings",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("access_token", sa.Text(), nullable=True),
        sa.Column("access_token_at", UtcDateTime(), nullable=True),
        sa.Column("app_secret", sa.Text(), nullable=True),
        sa.Column("app_secret_at", UtcDateTime(), nullable=True),
        sa.Column("old_app_secret", sa.Text(), nullable=True),
        sa.Column("old_app_secret_until", UtcDateTime(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("persona", sa.Text(), nullable=True),
        sa.Column("collections", MaybeJson, nullable=True),
        sa.Column("business_hours", sa.Text(), nullable=True),
        sa.Column("timezone", sa.String(), nullable=True),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_number_settings_team", "number_settings", ["team"])
    op.create_table(
        "number_edition",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("guidance", Json, nullable=False),
        sa.Column("changed", Json, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", "edition"),
    )
    op.add_column("receipt", sa.Column("guidance_edition", sa.String(), nullable=False, server_default=""))
    op.add_column("operator", sa.Column("team", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("operator", "team")
    op.drop_column("receipt", "guidance_edition")
    op.drop_table("number_edition")
    op.drop_index("ix_number_settings_team", table_name="number_settings")
    op.drop_table("number_settings")
