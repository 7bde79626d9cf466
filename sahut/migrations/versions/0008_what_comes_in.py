"""What comes in: former names, changes of messages, whose the thread is, files, templates, news of the account."""

import sqlalchemy as sa
from alembic import op

from sahut.models.columns import Json, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TIMES = {
    "contact": ("marketing_stopped_at", "marketing_resumed_at", "number_changed_at"),
    "conversation": ("owned_at", "standby_at", "free_until", "held_until"),
    "message": ("edited_at", "revoked_at", "reacted_at"),
}
_SAID = sa.text("about IS NOT NULL")
_DUE = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    for table, names in _TIMES.items():
        for name in names:
            op.add_column(table, sa.Column(name, UtcDateTime(), nullable=True))
    op.add_column("contact", sa.Column("review", sa.Text(), nullable=False, server_default=""))
    op.add_column("conversation", sa.Column("early_news", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("message", sa.Column("about", sa.String(), nullable=True))
    op.add_column("message", sa.Column("reaction", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_message_about", "message", ["number", "about"], sqlite_where=_SAID, postgresql_where=_SAID)
    _former_identities()
    _files()
    _account()


def _former_identities() -> None:
    op.create_table(
        "former_identity",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contact_id", "kind", "value"),
    )
    op.create_index(op.f("ix_former_identity_contact_id"), "former_identity", ["contact_id"])
    op.create_index("ix_former_identity_value", "former_identity", ["value"])


def _files() -> None:
    op.create_table(
        "inbound_file",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("media_id", sa.String(), nullable=True),
        sa.Column("told_type", sa.String(), nullable=False),
        sa.Column("told_sha256", sa.String(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("voice", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("hash", sa.String(), nullable=True),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"]),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index(op.f("ix_inbound_file_conversation_id"), "inbound_file", ["conversation_id"])
    op.create_index(op.f("ix_inbound_file_hash"), "inbound_file", ["hash"])
    op.create_index("ix_inbound_file_due", "inbound_file", ["due_at"], sqlite_where=_DUE, postgresql_where=_DUE)


def _account() -> None:
    op.create_table(
        "template",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("meta_id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("quality", sa.String(), nullable=False),
        sa.Column("parameter_format", sa.String(), nullable=False),
        sa.Column("components", Json, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account", "name", "language"),
    )
    op.create_index(op.f("ix_template_meta_id"), "template", ["meta_id"])
    op.create_table(
        "account_news",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index(op.f("ix_account_news_at"), "account_news", ["at"])


def downgrade() -> None:
    for table in ("account_news", "template", "inbound_file", "former_identity"):
        op.drop_table(table)
    op.drop_index("ix_message_about", table_name="message")
    for table, name in (("message", "reaction"), ("message", "about"), ("conversation", "early_news")):
        op.drop_column(table, name)
    op.drop_column("contact", "review")
    for table, names in _TIMES.items():
        for name in names:
            op.drop_column(table, name)
