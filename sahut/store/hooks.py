"""Outgoing webhooks as rows: what is to be told to whom, and what became of it. Knows no HTTP.

An event is written in the transaction of what it tells, so neither is there without the other. Delivery is
at-least-once, under an id that stays the same.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut import hooks
from sahut.errors import Conflict, NotFound
from sahut.models import AuditEntry, DeliveryState, HookDelivery, HookEndpoint, HookEvent
from sahut.rules import Actor
from sahut.store.database import Tx, insert

# Longer than a post may take: one that is still on its way is not made a second time.
LEASE = timedelta(seconds=60)
KEPT = timedelta(days=30)
DISABLED = "the endpoint was disabled"
# Spelt out: SQLite's partial index serves no bound value.
_PENDING = sa.text("hook_delivery.state = 'pending'")


@dataclass(frozen=True)
class Post:
    """A delivery whose post may now be made. `attempt` names this post; a late outcome cannot touch the next."""

    delivery_id: str
    endpoint_id: str
    attempt: int
    event_id: str
    url: str
    body: bytes
    secret: str = field(repr=False)


async def note(tx: Tx, event: hooks.Event, data: dict[str, Any], *, now: datetime) -> None:
    """Write down that something happened, for every endpoint that wants to hear of it.

    `data` is what JSON can hold. Where nobody listens nothing is written.
    """
    # Shared with everybody but whoever removes an endpoint, who waits.
    query = select(HookEndpoint).where(col(HookEndpoint.disabled_at).is_(None))
    query = query.order_by(col(HookEndpoint.id)).with_for_update(read=True, key_share=True)
    listening = [row.id for row in (await tx.execute(query)).scalars() if event in row.events]
    if listening:
        await _write(tx, event, data, listening, now=now)


async def note_test(tx: Tx, endpoint_id: str, *, now: datetime) -> HookDelivery:
    """A test for one endpoint. Raises `NotFound`, or `Conflict` where it is disabled."""
    endpoint = await _endpoint(tx, endpoint_id)
    if endpoint.disabled_at is not None:
        raise Conflict("This endpoint is disabled: enable it first.")
    data = {"message": "This is a test."}
    [delivery] = await _write(tx, hooks.TEST, data, [endpoint.id], now=now)
    return delivery


async def due(tx: Tx, *, now: datetime) -> list[str]:
    """The endpoints for which a post may be made now."""
    query = (
        select(HookDelivery.endpoint_id)
        .join(HookEndpoint, col(HookEndpoint.id) == col(HookDelivery.endpoint_id))
        .where(
            _PENDING,
            col(HookDelivery.due_at) <= now,
            col(HookEndpoint.disabled_at).is_(None),
        )
        .distinct()
    )
    return list((await tx.execute(query)).scalars())


async def claim(tx: Tx, endpoint_id: str, *, now: datetime) -> Post | None:
    """The endpoint's next delivery, leased until `LEASE` from now; `None` where none is due."""
    query = (
        select(HookDelivery, HookEndpoint, HookEvent)
        .join(HookEndpoint, col(HookEndpoint.id) == col(HookDelivery.endpoint_id))
        .join(HookEvent, col(HookEvent.id) == col(HookDelivery.event_id))
        .where(
            HookDelivery.endpoint_id == endpoint_id,
            _PENDING,
            col(HookDelivery.due_at) <= now,
            col(HookEndpoint.disabled_at).is_(None),
        )
        .order_by(col(HookDelivery.due_at), col(HookDelivery.id))
        .limit(1)
        .with_for_update(of=HookDelivery, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    found = (await tx.execute(query)).one_or_none()
    if found is None:
        return None
    delivery, endpoint, event = found
    delivery.attempts, delivery.due_at = delivery.attempts + 1, now + LEASE
    await tx.flush()
    return Post(
        delivery_id=delivery.id,
        endpoint_id=endpoint.id,
        attempt=delivery.attempts,
        event_id=event.id,
        url=endpoint.url,
        body=event.body.encode(),
        secret=endpoint.secret,
    )


async def delivered(tx: Tx, post: Post, *, status: int, now: datetime) -> None:
    """The receiver took it."""
    endpoint = await _lock(tx, post.endpoint_id)
    if endpoint is None or not await _is_open(tx, post):
        return
    await _settle(tx, post.delivery_id, state=DeliveryState.DELIVERED, status_code=status, error="", ended_at=now)
    if endpoint.failing_since is not None:
        endpoint.failing_since = None
        await tx.flush()


async def failed(
    tx: Tx, post: Post, *, why: str, status: int | None, wait: timedelta | None, gone: bool, now: datetime
) -> DeliveryState | None:
    """It was not taken: it is due again after `wait`, or dead where there is none; `None` where somebody else knows.

    `gone`: the receiver wants no more. An endpoint that wants no more, or has failed for too long, is disabled.
    """
    endpoint = await _lock(tx, post.endpoint_id)
    if endpoint is None or not await _is_open(tx, post):
        return None
    endpoint.failing_since = endpoint.failing_since or now
    await tx.flush()
    told: dict[str, Any] = {"status_code": status, "error": why}
    too_long = now - endpoint.failing_since >= hooks.DISABLED_AFTER
    if gone or too_long:
        await _settle(tx, post.delivery_id, state=DeliveryState.DEAD, ended_at=now, **told)
        reason = (
            "it answered 410: gone" if gone else f"nothing was taken since {endpoint.failing_since:%Y-%m-%d %H:%M}Z"
        )
        await _disable(tx, endpoint, reason, now=now)
        return DeliveryState.DEAD
    if wait is None:
        await _settle(tx, post.delivery_id, state=DeliveryState.DEAD, ended_at=now, **told)
        return DeliveryState.DEAD
    change = sa.update(HookDelivery).where(col(HookDelivery.id) == post.delivery_id)
    await tx.execute(change.values(due_at=now + wait, **told))
    return DeliveryState.PENDING


async def add_endpoint(tx: Tx, *, url: str, events: Sequence[str], actor: Actor, now: datetime) -> HookEndpoint:
    """Let another system hear of events, from now on."""
    endpoint = HookEndpoint(url=url, events=sorted(set(events)), secret=hooks.new_secret(), created_at=now)
    tx.add(endpoint)
    await tx.flush()
    _audit(tx, actor, "webhook_add", endpoint.id, now)
    return endpoint


async def remove_endpoint(tx: Tx, endpoint_id: str, *, actor: Actor, now: datetime) -> None:
    """Forget an endpoint with its deliveries. Raises `NotFound`."""
    # Locked whole: who is about to add a delivery waits, and finds nobody then.
    if await tx.get(HookEndpoint, endpoint_id, with_for_update=True) is None:
        raise NotFound(f"There is no webhook {endpoint_id}.")
    await tx.execute(sa.delete(HookDelivery).where(col(HookDelivery.endpoint_id) == endpoint_id))
    await tx.execute(sa.delete(HookEndpoint).where(col(HookEndpoint.id) == endpoint_id))
    _audit(tx, actor, "webhook_remove", endpoint_id, now)


async def enable(tx: Tx, endpoint_id: str, *, actor: Actor, now: datetime) -> HookEndpoint:
    """Let a disabled endpoint hear again, from the next event on. Raises `NotFound`."""
    endpoint = await _endpoint(tx, endpoint_id)
    endpoint.disabled_at, endpoint.disabled_why, endpoint.failing_since = None, "", None
    await tx.flush()
    _audit(tx, actor, "webhook_enable", endpoint_id, now)
    return endpoint


async def replay(tx: Tx, endpoint_id: str, delivery_id: str, *, now: datetime) -> HookDelivery:
    """Post a delivery again, under the same id. Raises `NotFound`, or `Conflict` where it cannot be."""
    endpoint = await _endpoint(tx, endpoint_id)
    query = select(HookDelivery).where(HookDelivery.id == delivery_id, HookDelivery.endpoint_id == endpoint_id)
    delivery = (await tx.execute(query.with_for_update())).scalar_one_or_none()
    if delivery is None:
        raise NotFound(f"There is no delivery {delivery_id} to this endpoint.")
    if delivery.state == DeliveryState.PENDING:
        raise Conflict("This delivery is still on its way.")
    if endpoint.disabled_at is not None:
        raise Conflict("This endpoint is disabled: enable it first.")
    delivery.state, delivery.attempts, delivery.due_at, delivery.ended_at = DeliveryState.PENDING, 0, now, None
    await tx.flush()
    return delivery


async def count_disabled(tx: Tx) -> int:
    """How many endpoints are switched off, whichever process did it."""
    query = select(sa.func.count()).select_from(HookEndpoint).where(col(HookEndpoint.disabled_at).is_not(None))
    return int((await tx.execute(query)).scalar_one())


async def forget(tx: Tx, *, before: datetime) -> None:
    """Let go of events from before then, and of their deliveries."""
    old = sa.select(col(HookEvent.id)).where(col(HookEvent.created_at) < before)
    await tx.execute(sa.delete(HookDelivery).where(col(HookDelivery.event_id).in_(old)))
    await tx.execute(sa.delete(HookEvent).where(col(HookEvent.created_at) < before))


async def _write(
    tx: Tx, event: str, data: dict[str, Any], endpoint_ids: Sequence[str], *, now: datetime
) -> list[HookDelivery]:
    told = {"type": event, "timestamp": now.isoformat(), "data": data}
    row = HookEvent(type=event, body=json.dumps(told, ensure_ascii=False, separators=(",", ":")), created_at=now)
    await insert(tx, row)
    deliveries = [HookDelivery(event_id=row.id, endpoint_id=key, due_at=now, created_at=now) for key in endpoint_ids]
    await insert(tx, *deliveries)
    return deliveries


def _audit(tx: Tx, actor: Actor, action: str, endpoint_id: str, now: datetime) -> None:
    who = {"id": actor.id, "role": actor.role, "webhook": endpoint_id}
    tx.add(AuditEntry(at=now, actor=actor.name, action=action, detail=who))


async def _lock(tx: Tx, endpoint_id: str) -> HookEndpoint | None:
    """An endpoint is locked before its deliveries; who only adds deliveries need not wait."""
    return await tx.get(HookEndpoint, endpoint_id, with_for_update={"key_share": True})


async def _endpoint(tx: Tx, endpoint_id: str) -> HookEndpoint:
    endpoint = await _lock(tx, endpoint_id)
    if endpoint is None:
        raise NotFound(f"There is no webhook {endpoint_id}.")
    return endpoint


async def _is_open(tx: Tx, post: Post) -> bool:
    """Whether this post's outcome is still asked for."""
    query = select(HookDelivery.id).where(
        HookDelivery.id == post.delivery_id,
        HookDelivery.state == DeliveryState.PENDING,
        HookDelivery.attempts == post.attempt,
    )
    return (await tx.execute(query.with_for_update())).scalar_one_or_none() is not None


async def _settle(tx: Tx, delivery_id: str, **values: Any) -> None:
    await tx.execute(sa.update(HookDelivery).where(col(HookDelivery.id) == delivery_id).values(due_at=None, **values))


async def _disable(tx: Tx, endpoint: HookEndpoint, why: str, *, now: datetime) -> None:
    """Nothing more is posted there; what waited is dead, and can be replayed once the endpoint is enabled again."""
    endpoint.disabled_at, endpoint.disabled_why = now, why
    await tx.flush()
    await tx.execute(
        sa.update(HookDelivery)
        .where(col(HookDelivery.endpoint_id) == endpoint.id, col(HookDelivery.state) == DeliveryState.PENDING)
        .values(state=DeliveryState.DEAD, due_at=None, error=DISABLED, ended_at=now)
    )
