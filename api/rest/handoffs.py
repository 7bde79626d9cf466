"""Requests for a human over REST: the queue, and claiming."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from api.desk.conversations import Desk
from api.rest.auth import Acting, Reader, TheHouse
from api.rest.pages import Cursor, Limit, Page, page
from sahut.models import Handoff, HandoffState
from sahut.store import lists
from sahut.turn import Lane

router = APIRouter(prefix="/handoffs", tags=["handoffs"])


class HandoffView(BaseModel):
    """A request for a human."""

    id: str
    conversation_id: str
    state: str
    lane: str
    reason: str
    summary: str
    suggestion: str
    language: str
    due_at: datetime
    claimed_by: str | None
    claimed_at: datetime | None
    closed_at: datetime | None
    note: str
    created_at: datetime


@router.get("")
async def list_handoffs(
    house: TheHouse,
    key: Reader,
    state: HandoffState | None = None,
    lane: Lane | None = None,
    number: str | None = None,
    team: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[HandoffView]:
    """The queue, oldest first: all of it, of one of our numbers, or what a team sees (its numbers' and nobody's)."""
    async with house.store.reading() as tx:
        rows = await lists.handoffs(tx, state=state, lane=lane, number=number, team=team, after=cursor, limit=limit + 1)
    return page(rows, limit, _view, lambda row: row.id)


@router.get("/{handoff_id}")
async def get_handoff(house: TheHouse, key: Reader, handoff_id: str) -> HandoffView:
    """One request."""
    async with house.store.reading() as tx:
        return _view(await lists.get(tx, Handoff, handoff_id))


@router.post("/{handoff_id}/claim")
async def claim(house: TheHouse, actor: Acting, handoff_id: str) -> HandoffView:
    """Take it; the second who tries gets 409."""
    return _view(await Desk(house).claim(actor, handoff_id))


def _view(row: Handoff) -> HandoffView:
    return HandoffView.model_validate(row, from_attributes=True)
