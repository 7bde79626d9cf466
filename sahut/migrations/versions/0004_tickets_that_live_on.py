"""Tickets with a history, a page and a status; outgoing webhooks."""

import secrets
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

from sahut.models.columns import Json, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TICKET = sa.table("ticket", *map(sa.column, ("id", "token", "token_digest", "created_at", "updated_at")))


def upgrade() -> None:
    # Columns are added with a value for the rows that are there: SQLite takes no other way without a new table.
    op.add_column("ticket", sa.Column("kind", sa.String(), nullable=False, server_default="case"))
    op.add_column("ticket", sa.Column("language", sa.String(), nullable=False, server_default="en"))
    op.add_column("ticket", sa.Column("phone", sa.String(), nullable=True))
    op.add_column("ticket", sa.Column("due_at", UtcDateTime(), nullable=True))
    op.add_column("ticket", sa.Column("token", sa.String(), nullable=False, server_default=""))
    op.add_column("ticket", sa.Column("token_digest", sa.String(), nullable=False, server_default=""))
    beginning = "1970-01-01 00:00:00+00:00" if op.get_bind().dialect.name == "postgresql" else "1970-01-01 00:00:00"
    op.add_column("ticket", sa.Column("updated_at", UtcDateTime(), nullable=False, server_default=beginning))
    _fill_in()
    op.create_index("uq_ticket_token", "ticket", ["token_digest"], unique=True)
    op.create_index("ix_ticket_contact_updated", "ticket", ["contact_id", "updated_at"], unique=False)

    op.create_table(
        "ticket_update",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("ticket_id", sa.String(), nullable=False),
        sa.Column("call_key", sa.String(), nullable=True),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("author_name", sa.String(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("untold", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_key"),
    )
    op.create_index(op.f("ix_ticket_update_ticket_id"), "ticket_update", ["ticket_id"], unique=False)

    op.create_table(
        "hook_endpoint",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", Json, nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("failing_since", UtcDateTime(), nullable=True),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.Column("disabled_why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "hook_event",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_hook_event_created_at"), "hook_event", ["created_at"], unique=False)
    op.create_table(
        "hook_delivery",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("endpoint_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["hook_event.id"]),
        sa.ForeignKeyConstraint(["endpoint_id"], ["hook_endpoint.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event_id", "endpoint_id", name="uq_hook_delivery_event_endpoint"),
    )
    op.create_index(op.f("ix_hook_delivery_endpoint_id"), "hook_delivery", ["endpoint_id"], unique=False)
    op.create_index(
        "ix_hook_delivery_due",
        "hook_delivery",
        ["endpoint_id", "due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )


def _fill_in() -> None:
    """Each ticket that is there gets a link of its own."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(_TICKET.c.id)).all():
        token = secrets.token_urlsafe(24)
        values = {"token": token, "token_digest": sha256(token.encode()).hexdigest()}
        connection.execute(
            sa.update(_TICKET).where(_TICKET.c.id == row.id).values(**values, updated_at=_TICKET.c.created_at)
        )
