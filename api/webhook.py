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
from api.intake import Wake, keep_raw, person_of, store_one
from api.signer import Signer
from api.whatsapp.payloads import parse
from api.whatsapp.policy import policy_for
from api.whatsapp.signature import same
from sahut.errors import StoreUnavailable
from sahut.events import Delivery, WebhookEvent
from sahut.store import numbers, outcomes

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)

MAX_BODY_BYTES = 3_145_728
LARGE_BODY_BYTES = 100_000
AT_ONCE = 20


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
    try:
        parsed = await _parse(body, request.headers.get("x-hub-signature-256"), house)
        if parsed is None:
            return 401, "bad_signature"
        wakes = await _store(house, parsed)
    except (ValueError, RecursionError):
        return 400, "not_json"
    except StoreUnavailable as error:
        log.error("a webhook could not be stored, Meta will bring it again", error=str(error))
        return 503, "not_stored"
    await _note_faults(house, parsed)
    for topic, key in wakes:
        await house.engine.wake(topic, key)
    for event in parsed:
        house.metrics.events.labels(type(event).__name__).inc()
    return 200, "stored"


async def _parse(body: bytes, signature: str | None, house: House) -> list[WebhookEvent] | None:
    """The events, `None` where nobody signed them who may; what the signer has no part in is kept raw.

    A large body is parsed in a thread, since it would hold the loop for up to 0.2 s.
    """
    signer = Signer.of(body, signature, await house.switchboard.look(), house.clock.now())
    if signer is None:
        return None

    def work() -> list[WebhookEvent]:
        return [signer.own(event) for event in parse(json.loads(body), served=signer.serves, now=signer.now)]

    found = work() if len(body) < LARGE_BODY_BYTES else await asyncio.to_thread(work)
    for number in sorted(signer.foreign):
        log.warning("a webhook about a number is signed by another app: is its app secret right?", number=number)
    return found


async def _store(house: House, events: Sequence[WebhookEvent]) -> list[Wake]:
    """All events in one transaction; if one of them cannot be stored, one by one, that one kept raw."""
    try:
        async with house.store.transaction() as tx:
            wakes = []
            for count, event in enumerate(_in_lock_order(events)):
                wakes += await store_one(tx, house, event)
                if count % AT_ONCE == AT_ONCE - 1:
                    # SQLite's writes hold the loop: whoever only reads need not wait for the whole batch.
                    await asyncio.sleep(0)
    except StoreUnavailable:
        raise
    except Exception:
        log.exception("a batch could not be stored as a whole, storing its events one by one")
        wakes = [wake for event in events for wake in await _store_alone(house, event)]
    return list(Tally(wakes))


async def _store_alone(house: House, event: WebhookEvent) -> list[Wake]:
    try:
        async with house.store.transaction() as tx:
            return await store_one(tx, house, event)
    except StoreUnavailable:
        raise
    except Exception:
        log.exception("an event could not be stored, it is kept raw")
        house.metrics.failures.labels("event").inc()
        async with house.store.transaction() as tx:
            await keep_raw(tx, house, "not_storable", ascii(event))
        return []


def _in_lock_order(events: Sequence[WebhookEvent]) -> list[WebhookEvent]:
    """What is about customers, by customer and time, then statuses and the rest.

    Conversations are locked before messages, as everywhere, in one order: so statuses that change one come first.
    """

    def key(event: WebhookEvent) -> tuple[int, str, float]:
        about = person_of(event)
        if about is not None:
            return 0, *about
        if isinstance(event, Delivery):
            return 1 if outcomes.changes_thread(event) else 2, event.wamid, 0.0
        return 2, "", 0.0

    return sorted(events, key=key)


async def _note_faults(house: House, events: Sequence[WebhookEvent]) -> None:
    """A failure that is the account's fault stops its number. Apart from the batch: a number's row is locked last."""
    failed = [event for event in events if isinstance(event, Delivery) and event.error_code is not None]
    for event in failed:
        policy, now = policy_for(event.error_code), house.clock.now()
        if not policy.pauses:
            continue
        house.metrics.alerts.labels(str(event.error_code)).inc()
        why = f"{policy.meaning}: {event.error}"
        async with house.store.transaction() as tx:
            posted_at = await outcomes.posted_at(tx, event) or event.at
            paused = await numbers.pause(
                tx, event.number, code=event.error_code, why=why, by="Meta", now=now, posted_at=posted_at
            )
        if paused:
            log.error(
                "a number is paused: nothing is sent from it", number=event.number, code=event.error_code, why=why
            )
