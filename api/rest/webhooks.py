"""Outgoing webhooks over REST, for administrators: who hears of what, and what became of it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import AfterValidator, BaseModel, Field

from api.rest.auth import Acting, Admin, TheHouse
from api.rest.pages import Cursor, Limit, Page, page
from sahut import hooks
from sahut.models import DeliveryState, HookDelivery, HookEndpoint, HookEvent
from sahut.outside import Refused, check_url
from sahut.store import hooks as queries
from sahut.store import lists

router = APIRouter(prefix="/webhooks", tags=["webhooks"])


class EndpointView(BaseModel):
    """A system that hears of events. `failing_since`: from the first failure to the next success."""

    id: str
    url: str
    events: list[str]
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_why: str


class EndpointWithSecret(EndpointView):
    """A fresh endpoint; `secret` is shown this once. It verifies signatures of Standard Webhooks."""

    secret: str


class NewEndpoint(BaseModel):
    """Who is to hear of what."""

    url: str = Field(min_length=1, max_length=2000)
    events: Annotated[list[hooks.Event], Field(min_length=1), AfterValidator(lambda events: sorted(set(events)))]


class DeliveryView(BaseModel):
    """One event on its way to one endpoint. `event_id` is what the receiver sees as `webhook-id`."""

    id: str
    event_id: str
    event: str
    state: str
    attempts: int
    due_at: datetime | None
    status_code: int | None
    error: str
    created_at: datetime
    ended_at: datetime | None


@router.get("")
async def list_webhooks(house: TheHouse, key: Admin, limit: Limit = 50, cursor: Cursor = None) -> Page[EndpointView]:
    """All endpoints, disabled ones too."""
    async with house.store.reading() as tx:
        rows = await lists.hook_endpoints(tx, after=cursor, limit=limit + 1)
    return page(rows, limit, _view, lambda row: row.id)


@router.post("", status_code=201)
async def create_webhook(house: TheHouse, key: Admin, actor: Acting, body: NewEndpoint) -> EndpointWithSecret:
    """Let another system hear of events, from now on. The secret in the answer is shown this once."""
    try:
        url = check_url(body.url, allow_private=house.settings.webhooks_allow_private)
    except Refused as error:
        raise HTTPException(422, str(error)) from error
    async with house.store.transaction() as tx:
        row = await queries.add_endpoint(tx, url=url, events=body.events, actor=actor, now=house.clock.now())
    return EndpointWithSecret(**_view(row).model_dump(), secret=row.secret)


@router.get("/{webhook_id}")
async def get_webhook(house: TheHouse, key: Admin, webhook_id: str) -> EndpointView:
    """One endpoint."""
    async with house.store.reading() as tx:
        return _view(await lists.get(tx, HookEndpoint, webhook_id))


@router.delete("/{webhook_id}", status_code=204)
async def delete_webhook(house: TheHouse, key: Admin, actor: Acting, webhook_id: str) -> None:
    """Forget an endpoint with its deliveries."""
    async with house.store.transaction() as tx:
        await queries.remove_endpoint(tx, webhook_id, actor=actor, now=house.clock.now())


@router.post("/{webhook_id}/enable")
async def enable_webhook(house: TheHouse, key: Admin, actor: Acting, webhook_id: str) -> EndpointView:
    """Let a disabled endpoint hear again, from the next event on; what it missed can be replayed."""
    async with house.store.transaction() as tx:
        return _view(await queries.enable(tx, webhook_id, actor=actor, now=house.clock.now()))


@router.post("/{webhook_id}/test", status_code=202)
async def test_webhook(house: TheHouse, key: Admin, webhook_id: str) -> DeliveryView:
    """Send the endpoint an event `webhook.test`; the list of deliveries says what became of it."""
    async with house.store.transaction() as tx:
        return _delivery_view(await queries.note_test(tx, webhook_id, now=house.clock.now()), hooks.TEST)


@router.get("/{webhook_id}/deliveries")
async def list_deliveries(
    house: TheHouse,
    key: Admin,
    webhook_id: str,
    state: DeliveryState | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeliveryView]:
    """What was told to this endpoint or waits for it, newest first; `state=dead` lists what was given up."""
    async with house.store.reading() as tx:
        await lists.get(tx, HookEndpoint, webhook_id)
        rows = await lists.hook_deliveries(tx, webhook_id, state=state, before=cursor, limit=limit + 1)
    return page(rows, limit, lambda row: _delivery_view(row[0], row[1].type), lambda row: row[0].id)


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", status_code=202)
async def replay_delivery(house: TheHouse, key: Admin, webhook_id: str, delivery_id: str) -> DeliveryView:
    """Post a delivery that has ended again, under the same id."""
    async with house.store.transaction() as tx:
        row = await queries.replay(tx, webhook_id, delivery_id, now=house.clock.now())
        event = await lists.get(tx, HookEvent, row.event_id)
        return _delivery_view(row, event.type)


def _view(row: HookEndpoint) -> EndpointView:
    return EndpointView.model_validate(row, from_attributes=True)


def _delivery_view(row: HookDelivery, event: str) -> DeliveryView:
    return DeliveryView(**row.model_dump(include=set(DeliveryView.model_fields) - {"event"}), event=event)
