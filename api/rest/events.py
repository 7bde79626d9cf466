"""Live events over REST, as server-sent events. What changed is read elsewhere: an event only says where to look."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.events import Change, Subscription
from api.house import House
from api.rest.auth import Reader, TheHouse
from sahut.models import ApiKey
from sahut.store import lists

router = APIRouter(prefix="/events", tags=["events"])
RETRY_MS = 2000
# A stream may outlive its key: so often it is looked at again.
KEY_CHECK_S = 30.0


@router.get("", response_class=EventSourceResponse)
async def stream(
    house: TheHouse, key: Reader, last_event_id: Annotated[str | None, Header(max_length=64)] = None
) -> AsyncIterator[ServerSentEvent]:
    """Changes as they happen: `conversation` with an id, or `everything` where changes may have been missed.

    The first event is `hello`; for whoever comes back (`Last-Event-ID`) it is `everything`. A comment every 15 seconds
    shows that the stream stands.
    """
    with house.events.subscribe() as changes:
        yield _event("hello" if last_event_id is None else "everything", house.clock.now().isoformat())
        while await _is_good(house, key):
            async for change in _for_a_while(changes):
                name = "everything" if change.conversation_id is None else "conversation"
                yield _event(name, change.at.isoformat(), conversation_id=change.conversation_id)
            if changes.closed:
                return


async def _for_a_while(changes: Subscription) -> AsyncIterator[Change]:
    """What comes until the key must be looked at again."""
    loop = asyncio.get_running_loop()
    end = loop.time() + KEY_CHECK_S
    while loop.time() < end:
        try:
            async with asyncio.timeout_at(end):
                change = await anext(changes)
        except (TimeoutError, StopAsyncIteration):
            return
        yield change


def _event(name: str, at: str, **more: str | None) -> ServerSentEvent:
    data = {"at": at, **{key: value for key, value in more.items() if value is not None}}
    return ServerSentEvent(event=name, id=at, data=data, retry=RETRY_MS)


async def _is_good(house: House, key: ApiKey) -> bool:
    async with house.store.reading() as tx:
        return (await lists.get(tx, ApiKey, key.id)).revoked_at is None
