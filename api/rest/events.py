"""Live events over REST, as server-sent events. What changed is read elsewhere: an event only says where to look."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.rest.auth import Reader, TheHouse

router = APIRouter(prefix="/events", tags=["events"])
RETRY_MS = 2000


@router.get("", response_class=EventSourceResponse)
async def stream(
    house: TheHouse, key: Reader, last_event_id: Annotated[str | None, Header(max_length=64)] = None
) -> AsyncIterator[ServerSentEvent]:
    """Changes as they happen: `conversation` with an id, or `everything` where changes may have been missed.

    Whoever comes back (`Last-Event-ID`) is told `everything` once. A comment comes every 15 seconds.
    """
    with house.events.subscribe() as changes:
        now = house.clock.now()
        first = "everything" if last_event_id is not None else "hello"
        yield ServerSentEvent(event=first, id=now.isoformat(), data={"at": now}, retry=RETRY_MS)
        async for change in changes:
            at = change.at.isoformat()
            if change.conversation_id is None:
                yield ServerSentEvent(event="everything", id=at, data={"at": at})
            else:
                data = {"conversation_id": change.conversation_id, "at": at}
                yield ServerSentEvent(event="conversation", id=at, data=data)
