"""Promises to customers over REST: what stands open, what is overdue, and what became of it. Knows no rule."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from api.desk.conversations import Desk
from api.house import House
from api.rest.auth import Acting, Reader, TheHouse
from api.rest.pages import Cursor, Limit, Page, page
from sahut.models import Promise, PromiseState
from sahut.store import lists, promises

router = APIRouter(prefix="/promises", tags=["promises"])


class PromiseView(BaseModel):
    """A promise to a customer. `author`: who made it; `owner`: who must keep it, empty: the team.

    `state`: open, kept, broken or dismissed (it was none); `overdue`: open, and its time has passed.
    """

    id: str
    conversation_id: str
    message_id: str | None
    ticket_id: str | None
    author: str
    owner: str
    kind: str
    text: str
    state: str
    due_at: datetime
    overdue: bool
    settled_by: str
    settled_at: datetime | None
    created_at: datetime


@router.get("")
async def list_promises(
    house: TheHouse,
    key: Reader,
    state: Literal["open", "kept", "broken", "dismissed"] | None = None,
    overdue: bool = False,
    conversation_id: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PromiseView]:
    """Promises, oldest first; with `overdue` the open ones whose time has passed."""
    now = house.clock.now()
    async with house.store.reading() as tx:
        rows = await promises.listed(
            tx,
            state=PromiseState.OPEN if overdue else state,
            conversation_id=conversation_id,
            due_before=now if overdue else None,
            after=cursor,
            limit=limit + 1,
        )
    return page(rows, limit, lambda row: _view(house, row), lambda row: row.id)


@router.get("/{promise_id}")
async def get_promise(house: TheHouse, key: Reader, promise_id: str) -> PromiseView:
    """One promise."""
    async with house.store.reading() as tx:
        return _view(house, await lists.get(tx, Promise, promise_id))


@router.post("/{promise_id}/{state}")
async def settle(
    house: TheHouse, actor: Acting, promise_id: str, state: Literal["kept", "broken", "dismissed"]
) -> PromiseView:
    """Say what became of it, once; 409 where somebody has said so already."""
    return _view(house, await Desk(house).settle_promise(actor, promise_id, PromiseState(state)))


def _view(house: House, row: Promise) -> PromiseView:
    return PromiseView(
        id=row.id,
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        ticket_id=row.ticket_id,
        author=row.author,
        owner=row.owner_name,
        kind=row.kind,
        text=row.text,
        state=row.state,
        due_at=row.due_at,
        overdue=row.state == PromiseState.OPEN and row.due_at <= house.clock.now(),
        settled_by=row.settled_by,
        settled_at=row.settled_at,
        created_at=row.created_at,
    )
