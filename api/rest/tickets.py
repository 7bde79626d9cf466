"""Tickets over REST."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from api.rest.auth import Reader, TheHouse
from api.rest.pages import Cursor, Limit, Page, page
from sahut.models import Ticket
from sahut.store import lists

router = APIRouter(prefix="/tickets", tags=["tickets"])


class TicketView(BaseModel):
    """A case in the back office."""

    id: str
    reference: str
    conversation_id: str
    contact_id: str
    topic: str
    description: str
    status: str
    created_at: datetime


@router.get("")
async def list_tickets(
    house: TheHouse, key: Reader, status: str | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[TicketView]:
    """Tickets, oldest first."""
    async with house.store.reading() as tx:
        rows = await lists.tickets(tx, status=status, after=cursor, limit=limit + 1)
    return page(rows, limit, _view, lambda row: row.id)


@router.get("/{ticket_id}")
async def get_ticket(house: TheHouse, key: Reader, ticket_id: str) -> TicketView:
    """One ticket."""
    async with house.store.reading() as tx:
        return _view(await lists.get(tx, Ticket, ticket_id))


def _view(row: Ticket) -> TicketView:
    return TicketView.model_validate(row, from_attributes=True)
