"""Outgoing webhooks: who wants to hear, what happened, and each delivery of it. Knows no HTTP."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, UniqueConstraint

from sahut.ids import new_id
from sahut.models.columns import json_field, maybe_time, text_field, time_field
from sahut.models.row import Row

_PENDING_SQL = sa.text("state = 'pending'")


class DeliveryState(StrEnum):
    """Where a delivery stands. `dead`: given up; it may be replayed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class HookEndpoint(Row, table=True):
    """Another system that wants to hear of events. `failing_since` is set from the first failure to the next success.

    The secret signs, so it is kept as it is; REST shows it once.
    """

    __tablename__ = "hook_endpoint"

    id: str = Field(default_factory=new_id, primary_key=True)
    url: str = text_field()
    events: list[str] = json_field(list)
    secret: str
    created_at: datetime = time_field()
    failing_since: datetime | None = maybe_time()
    disabled_at: datetime | None = maybe_time()
    disabled_why: str = ""


class HookEvent(Row, table=True):
    """Something that happened. `body` is what is posted, byte for byte, however often."""

    __tablename__ = "hook_event"

    id: str = Field(default_factory=new_id, primary_key=True)
    type: str
    body: str = text_field()
    created_at: datetime = time_field(index=True)


class HookDelivery(Row, table=True):
    """One event on its way to one endpoint. `attempts` counts posts and names the last; `due_at` is the next."""

    __tablename__ = "hook_delivery"
    __table_args__ = (
        UniqueConstraint("event_id", "endpoint_id", name="uq_hook_delivery_event_endpoint"),
        sa.Index(
            "ix_hook_delivery_due",
            "endpoint_id",
            "due_at",
            sqlite_where=_PENDING_SQL,
            postgresql_where=_PENDING_SQL,
        ),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    event_id: str = Field(foreign_key="hook_event.id")
    endpoint_id: str = Field(foreign_key="hook_endpoint.id", index=True)
    state: str = DeliveryState.PENDING
    attempts: int = 0
    due_at: datetime | None = maybe_time()
    status_code: int | None = None
    error: str = ""
    created_at: datetime = time_field()
    ended_at: datetime | None = maybe_time()
