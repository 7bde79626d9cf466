"""Live events over REST, as server-sent events. What changed is read elsewhere: an event only says where to look."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.house import House
from api.rest.auth import Reader, TheHouse
from sahut.models import ApiKey
from sahut.store import lists

router = APIRouter(prefix="/events", tags=["events"])
RETRY_MS = 2000
# A stream may outlive its key: before something is told, the key has been looked at within this time.
KEY_CHECK = timedelta(seconds=30)


@router.get("", response_class=EventSourceResponse)
async def stream(
    house: TheHouse, key: Reader, last_event_id: Annotated[str | None, Header(max_length=64)] = None
) -> AsyncIterator[ServerSentEvent]:
    """Changes as they happen: `conversation` with an id, or `everything` where changes may have been missed.

    The first event is `hello`; for whoever comes back (`Last-Event-ID`) it is `everything`. A comment every 15 seconds
    shows that the stream stands.
    """
    with house.events.subscribe() as changes:
        now = house.clock.now()
        yield _event("hello" if last_event_id is None else "everything", now)
        good_until = now + KEY_CHECK
        async for change in changes:
            if (now := house.clock.now()) >= good_until:
                if not await _is_good(house, key):
                    return
                good_until = now + KEY_CHECK
            name = "everything" if change.conversation_id is None else "conversation"
            yield _event(name, change.at, conversation_id=change.conversation_id)


def _event(name: str, at: datetime, **more: str | None) -> ServerSentEvent:
    data = {"at": at.isoformat(), **{key: value for key, value in more.items() if value is not None}}
    return ServerSentEvent(event=name, id=at.isoformat(), data=data, retry=RETRY_MS)


async def _is_good(house: House, key: ApiKey) -> bool:
    async with house.store.reading() as tx:
        return (await lists.get(tx, ApiKey, key.id)).revoked_at is None
