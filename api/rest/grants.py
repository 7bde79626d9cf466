"""What tools want to do and an operator must agree to, over REST. Knows no rule."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.desk import approvals
from api.house import House
from api.rest.auth import Acting, Reader, TheHouse
from api.rest.pages import Page, Words
from sahut.models import ConfirmationRow, ConfirmationState, Conversation
from sahut.store import grants, lists

router = APIRouter(tags=["grants"])
_MOST = 50


class GrantView(BaseModel):
    """A tool's call that needs, or had, an operator's yes.

    `state`: waiting, granted (being done), used (done), failed, refused, closed (void) or expired. `digest` and `seen`
    are what a yes must repeat: the arguments as shown, and how far the conversation had come. `outcome` is the tool's
    word after a yes.
    """

    id: str
    conversation_id: str
    tool: str
    effect: str | None
    arguments: dict[str, Any]
    digest: str
    seen: int
    state: str
    decided_by: str | None
    decided_at: datetime | None
    outcome: str
    created_at: datetime
    expires_at: datetime


class Yes(BaseModel):
    """The yes to what was shown."""

    digest: Words = Field(min_length=64, max_length=64)
    seen: int = Field(ge=0, lt=2**31)


@router.get("/conversations/{conversation_id}/grants")
async def list_grants(house: TheHouse, key: Reader, conversation_id: str) -> Page[GrantView]:
    """What operators were asked to agree to in a conversation, newest first."""
    async with house.store.reading() as tx:
        conversation = await lists.get(tx, Conversation, conversation_id)
        rows = await grants.listed(tx, conversation_id, limit=_MOST)
    return Page(items=[_view(house, row, conversation.inbox_version) for row in rows], next_cursor=None)


@router.post("/grants/{grant_id}/confirm")
async def confirm(house: TheHouse, actor: Acting, grant_id: str, body: Yes) -> GrantView:
    """Agree, once, and have it done; 409 where it is not what was shown, or the conversation went on since."""
    row = await approvals.approve(house, actor, grant_id, digest=body.digest, seen_version=body.seen)
    return _view(house, row, body.seen)


@router.post("/grants/{grant_id}/refuse")
async def refuse(house: TheHouse, actor: Acting, grant_id: str) -> GrantView:
    """Do not agree; nothing happens."""
    row = await approvals.refuse(house, actor, grant_id)
    async with house.store.reading() as tx:
        conversation = await lists.get(tx, Conversation, row.conversation_id)
    return _view(house, row, conversation.inbox_version)


def _view(house: House, row: ConfirmationRow, seen: int) -> GrantView:
    expired = row.state == ConfirmationState.WAITING and row.expires_at <= house.clock.now()
    authority = house.toolbox.authority(row.tool) if house.toolbox else None
    return GrantView(
        id=row.id,
        conversation_id=row.conversation_id,
        tool=row.tool,
        effect=authority.effect if authority else None,
        arguments=row.arguments,
        digest=row.digest,
        seen=seen,
        state="expired" if expired else row.state,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        outcome=row.outcome,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
