"""Templates over REST: what may be sent when the window is closed. Knows no rule."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from api.rest.auth import Acting, Reader, TheHouse
from api.rest.description import problem_of
from api.rest.pages import Cursor, Limit, Page, page
from sahut import templates as rules
from sahut.errors import SendError
from sahut.models import Conversation, Template
from sahut.store import lists, templates

router = APIRouter(tags=["templates"])

# Meta's words for where a template stands; what is deleted is not listed.
TemplateStatus = Literal[
    "APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "LIMIT_EXCEEDED", "LOCKED", "ARCHIVED"
]


class SlotView(BaseModel):
    """A place to fill in: `key` names it in the template, `media` is set where a file belongs there."""

    key: str
    part: str
    name: str
    media: str


class TemplateView(BaseModel):
    """A template as Meta has it, and what must be filled in. Only `APPROVED` ones can be sent."""

    id: str
    name: str
    language: str
    status: str
    category: str
    quality: str
    parameter_format: str
    text: str
    slots: list[SlotView]
    reason: str
    updated_at: datetime


class Synced(BaseModel):
    """How many templates the account has."""

    templates: int


@router.get("/templates")
async def list_templates(
    house: TheHouse, key: Reader, status: TemplateStatus | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[TemplateView]:
    """The account's templates, as they were last asked for or reported."""
    async with house.store.reading() as tx:
        rows = await templates.listed(tx, status=status, after=cursor or "", limit=limit + 1)
    return page(rows, limit, template_view, lambda row: row.id)


@router.post("/templates/sync", responses=problem_of(502))
async def sync(house: TheHouse, actor: Acting) -> Synced:
    """Ask Meta for the list now."""
    if house.templates is None or not await house.switchboard.accounts():
        raise HTTPException(409, "Set SAHUT_WHATSAPP_BUSINESS_ACCOUNT_ID first: templates belong to the account.")
    try:
        return Synced(templates=await house.templates.sync())
    except SendError as error:
        raise HTTPException(502, f"Meta could not be asked: {error}") from error


@router.get("/conversations/{conversation_id}/templates")
async def offered(house: TheHouse, key: Reader, conversation_id: str) -> Page[TemplateView]:
    """What may be sent here while the window is closed, the likeliest first."""
    ours = await house.switchboard.look()
    async with house.store.reading() as tx:
        conversation = await lists.get(tx, Conversation, conversation_id)
        account = ours.of(conversation.number).account
        rows = await templates.listed(tx, status=rules.APPROVED, account=account)
    in_order = rules.in_order(rows, conversation.language or house.settings.language_codes[0])
    return Page(items=[template_view(row) for row in in_order], next_cursor=None)


def template_view(row: Template) -> TemplateView:
    """A template as REST shows it."""
    return TemplateView(
        **row.model_dump(include=set(TemplateView.model_fields) - {"text", "slots"}),
        text=rules.preview(row),
        slots=[SlotView(key=slot.key, part=slot.part, name=slot.name, media=slot.media) for slot in rules.slots(row)],
    )
