"""The webhook's door: signature, parse, store, wake, 200. Nothing that takes time happens here.

200 only after the commit; 503 where it cannot be stored, so that Meta brings it again. It must not know how a
message is answered.
"""

import asyncio
import json
from collections import Counter as Tally
from collections.abc import Sequence
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response

from api.house import House, house_of
from api.whatsapp.payloads import parse
from api.whatsapp.policy import policy_for
from api.whatsapp.signature import same, verify
from sahut.errors import StoreUnavailable
from sahut.events import AccountEvent, Delivery, Inbound, Unsupported, WebhookEvent
from sahut.store import Tx, inbox, outcomes

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)

MAX_BODY_BYTES = 3_145_728
LARGE_BODY_BYTES = 100_000
RAW_CHARACTERS_KEPT = 20_000

Wake = tuple[str, str]


@router.get("/webhooks/whatsapp")
async def handshake(
    house: Annotated[House, Depends(house_of)],
    mode: Annotated[str, Query(alias="hub.mode")] = "",
    token: Annotated[str, Query(alias="hub.verify_token")] = "",
    challenge: Annotated[str, Query(alias="hub.challenge")] = "",
) -> Response:
    """Meta's handshake: the challenge back as plain text if the verify token is ours, else 403."""
    expected = house.settings.whatsapp_verify_token.get_secret_value()
    if mode == "subscribe" and expected and same(token, expected):
        return Response(challenge, media_type="text/plain")
    return Response("The verify token does not match SAHUT_WHATSAPP_VERIFY_TOKEN.", 403)


@router.post("/webhooks/whatsapp", max_body_size=MAX_BODY_BYTES)
async def events(request: Request, house: Annotated[House, Depends(house_of)]) -> Response:
    """One webhook of up to 3 MiB and 1,000 updates."""
    status, outcome = await _take(request, house)
    house.metrics.webhooks.labels(outcome).inc()
    return Response(status_code=status)


async def _take(request: Request, house: House) -> tuple[int, str]:
    body = await request.body()
    if not verify(body, request.headers.get("x-hub-signature-256"), house.settings.app_secrets):
        return 401, "bad_signature"
    try:
        parsed = await _parse(body, house)
    except (ValueError, RecursionError):
        return 400, "not_json"
    try:
        wakes = await _store(house, parsed)
    except StoreUnavailable as error:
        log.error("a webhook could not be stored, Meta will bring it again", error=str(error))
        return 503, "not_stored"
    for topic, key in wakes:
        await house.engine.wake(topic, key)
    for event in parsed:
        house.metrics.events.labels(type(event).__name__).inc()
    return 200, "stored"


async def _parse(body: bytes, house: House) -> list[WebhookEvent]:
    """The events; a large body is parsed in a thread, since it would hold the loop for up to 0.2 s."""

    def work() -> list[WebhookEvent]:
        return parse(json.loads(body), served=house.serves, now=house.clock.now())

    return work() if len(body) < LARGE_BODY_BYTES else await asyncio.to_thread(work)


async def _store(house: House, events: Sequence[WebhookEvent]) -> list[Wake]:
    """All events in one transaction; if one of them cannot be stored, one by one, that one kept raw."""
    try:
        async with house.store.transaction() as tx:
            wakes = [wake for event in _in_lock_order(events) for wake in await _store_one(tx, house, event)]
    except StoreUnavailable:
        raise
    except Exception:
        log.exception("a batch could not be stored as a whole, storing its events one by one")
        wakes = [wake for event in events for wake in await _store_alone(house, event)]
    return list(Tally(wakes))


async def _store_alone(house: House, event: WebhookEvent) -> list[Wake]:
    try:
        async with house.store.transaction() as tx:
            return await _store_one(tx, house, event)
    except StoreUnavailable:
        raise
    except Exception:
        log.exception("an event could not be stored, it is kept raw")
        house.metrics.failures.labels("event").inc()
        async with house.store.transaction() as tx:
            await inbox.keep_raw(tx, "not_storable", ascii(event)[:RAW_CHARACTERS_KEPT], now=house.clock.now())
        return []


def _in_lock_order(events: Sequence[WebhookEvent]) -> list[WebhookEvent]:
    """Messages by sender, then statuses: conversations are locked before messages, as everywhere, in one order."""

    def key(event: WebhookEvent) -> tuple[int, str, float]:
        if isinstance(event, Inbound):
            return 0, event.user_id or event.phone or "", event.sent_at.timestamp()
        return 1, event.wamid if isinstance(event, Delivery) else "", 0.0

    return sorted(events, key=key)


async def _store_one(tx: Tx, house: House, event: WebhookEvent) -> list[Wake]:
    now = house.clock.now()
    match event:
        case Inbound():
            received = await inbox.receive(tx, event, now=now, burst_wait=house.burst_wait)
            return [("turn", received.conversation_id)] if received.wake_at is not None else []
        case Delivery():
            closed = event.error_code is not None and policy_for(event.error_code).closes_window
            settled = await outcomes.settle(tx, event, now=now, window_closed=closed)
            return [("send", settled)] if settled is not None else []
        case AccountEvent(field=field, body=body):
            await _keep_raw(tx, f"account:{field}", body, house)
        case Unsupported(why=why, body=body):
            await _keep_raw(tx, why, body, house)
    return []


async def _keep_raw(tx: Tx, why: str, body: object, house: House) -> None:
    text = json.dumps(body, ensure_ascii=True, default=str)[:RAW_CHARACTERS_KEPT]
    await inbox.keep_raw(tx, why, text, now=house.clock.now())
