"""Tickets over REST: what customers asked for, how it stands, and its history."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from api.desk.tickets import Cases
from api.house import House
from api.rest.auth import Acting, Reader, TheHouse
from api.rest.pages import Cursor, Limit, Page, page
from sahut.models import Ticket, TicketKind, TicketStatus, TicketUpdate
from sahut.store import lists

router = APIRouter(prefix="/tickets", tags=["tickets"])


class TicketView(BaseModel):
    """A case in the back office. `phone` is whom to call for a `callback`, `tracking_url` the customer's page."""

    id: str
    reference: str
    kind: str
    conversation_id: str
    contact_id: str
    topic: str
    description: str
    status: str
    language: str
    phone: str | None
    due_at: datetime | None
    tracking_url: str | None
    created_at: datetime
    updated_at: datetime


class UpdateView(BaseModel):
    """One thing that happened to a ticket: words, a status it moved to, or both.

    `message_id` is the message that told the customer; `untold` says why none did.
    """

    id: str
    author: str
    author_name: str
    public: bool
    text: str
    status: str | None
    message_id: str | None
    untold: str
    created_at: datetime


class Change(BaseModel):
    """What is to change."""

    status: TicketStatus


class NewUpdate(BaseModel):
    """Words to be added. The customer reads public ones: on the ticket's page, and here while the window is open."""

    text: str
    public: bool


@router.get("")
async def list_tickets(
    house: TheHouse,
    key: Reader,
    status: TicketStatus | None = None,
    kind: TicketKind | None = None,
    contact_id: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[TicketView]:
    """Tickets, oldest first."""
    wanted = {"status": status, "kind": kind, "contact_id": contact_id}
    async with house.store.reading() as tx:
        rows = await lists.tickets(tx, **wanted, after=cursor, limit=limit + 1)
    return page(rows, limit, lambda row: _view(house, row), lambda row: row.id)


@router.get("/{ticket_id}")
async def get_ticket(house: TheHouse, key: Reader, ticket_id: str) -> TicketView:
    """One ticket."""
    async with house.store.reading() as tx:
        return _view(house, await lists.get(tx, Ticket, ticket_id))


@router.patch("/{ticket_id}")
async def change_ticket(house: TheHouse, actor: Acting, ticket_id: str, body: Change) -> TicketView:
    """Move a ticket to another status. The page shows it; no message is sent."""
    return _view(house, await Cases(house).move(actor, ticket_id, body.status))


@router.get("/{ticket_id}/updates")
async def list_updates(
    house: TheHouse, key: Reader, ticket_id: str, limit: Limit = 50, cursor: Cursor = None
) -> Page[UpdateView]:
    """A ticket's history, oldest first."""
    async with house.store.reading() as tx:
        await lists.get(tx, Ticket, ticket_id)
        rows = await lists.ticket_updates(tx, ticket_id, after=cursor, limit=limit + 1)
    return page(rows, limit, _update_view, lambda row: row.id)


@router.post("/{ticket_id}/updates", status_code=201)
async def add_update(house: TheHouse, actor: Acting, ticket_id: str, body: NewUpdate) -> UpdateView:
    """Add words to a ticket. The customer is told of public ones, unless the 24-hour window is closed."""
    return _update_view(await Cases(house).add(actor, ticket_id, body.text, public=body.public))


def _view(house: House, row: Ticket) -> TicketView:
    link = Cases(house).link(row) or None
    return TicketView(**row.model_dump(include=set(TicketView.model_fields)), tracking_url=link)


def _update_view(row: TicketUpdate) -> UpdateView:
    return UpdateView.model_validate(row, from_attributes=True)
