"""Reading for the doors: lists with a cursor, and single rows. Changes nothing."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlmodel import SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from sahut.errors import NotFound
from sahut.models import (
    ApiKey,
    CitationRow,
    Contact,
    ContactIdentity,
    Conversation,
    Handoff,
    HookDelivery,
    HookEndpoint,
    HookEvent,
    Message,
    Note,
    Receipt,
    Ticket,
    TicketUpdate,
)
from sahut.store.database import Tx
from sahut.store.desk.shared import of_team

Row = TypeVar("Row", bound=SQLModel)


async def get(tx: Tx, kind: type[Row], row_id: str) -> Row:
    """One row by its key. Raises `NotFound`."""
    row = await tx.get(kind, row_id)
    if row is None:
        raise NotFound(f"There is no {kind.__name__.lower()} {row_id}.")
    return row


async def conversations(
    tx: Tx, *, status: str | None, holder: str | None, before: str | None, limit: int
) -> Sequence[tuple[Conversation, Contact]]:
    """Conversations with their contacts, newest first, strictly before the cursor."""
    query = select(Conversation, Contact).join(Contact, col(Contact.id) == col(Conversation.contact_id))
    if status is not None:
        query = query.where(Conversation.status == status)
    if holder is not None:
        query = query.where(Conversation.holder == holder)
    if before is not None:
        query = query.where(Conversation.id < before)
    rows = await tx.execute(query.order_by(col(Conversation.id).desc()).limit(limit))
    return [(conversation, contact) for conversation, contact in rows.all()]


async def identities(tx: Tx, contact_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """contact id -> kind -> value."""
    query = select(ContactIdentity).where(col(ContactIdentity.contact_id).in_(contact_ids))
    found: dict[str, dict[str, str]] = {}
    for row in (await tx.execute(query)).scalars():
        found.setdefault(row.contact_id, {})[row.kind] = row.value
    return found


async def messages(tx: Tx, conversation_id: str, *, after: str | None, limit: int) -> Sequence[Message]:
    """A conversation's messages, oldest first, strictly after the cursor."""
    query = select(Message).where(Message.conversation_id == conversation_id)
    return await _page(tx, query, Message, after=after, limit=limit)


async def has_wamid(tx: Tx, conversation_id: str, wamid: str) -> bool:
    """Whether a message of the conversation has this name at Meta."""
    query = select(Message.id).where(Message.conversation_id == conversation_id, Message.wamid == wamid)
    return (await tx.execute(query.limit(1))).first() is not None


async def notes(tx: Tx, conversation_id: str, *, after: str | None, limit: int) -> Sequence[Note]:
    """A conversation's notes, oldest first."""
    return await _page(tx, select(Note).where(Note.conversation_id == conversation_id), Note, after=after, limit=limit)


async def handoffs(
    tx: Tx,
    *,
    state: str | None,
    lane: str | None,
    number: str | None = None,
    team: str | None = None,
    after: str | None,
    limit: int,
) -> Sequence[Handoff]:
    """Requests for a human, oldest first; of one of our numbers, or those that a team sees, where that is asked."""
    query = select(Handoff)
    if number is not None or team is not None:
        query = query.join(Conversation, col(Conversation.id) == col(Handoff.conversation_id))
    if number is not None:
        query = query.where(Conversation.number == number)
    if team is not None:
        query = query.where(of_team(team))
    if state is not None:
        query = query.where(Handoff.state == state)
    if lane is not None:
        query = query.where(Handoff.lane == lane)
    return await _page(tx, query, Handoff, after=after, limit=limit)


async def tickets(
    tx: Tx,
    *,
    status: str | None = None,
    kind: str | None = None,
    contact_id: str | None = None,
    after: str | None,
    limit: int,
) -> Sequence[Ticket]:
    """Tickets, oldest first."""
    query = select(Ticket)
    if status is not None:
        query = query.where(Ticket.status == status)
    if kind is not None:
        query = query.where(Ticket.kind == kind)
    if contact_id is not None:
        query = query.where(Ticket.contact_id == contact_id)
    return await _page(tx, query, Ticket, after=after, limit=limit)


async def ticket_updates(tx: Tx, ticket_id: str, *, after: str | None, limit: int) -> Sequence[TicketUpdate]:
    """A ticket's history, oldest first."""
    query = select(TicketUpdate).where(TicketUpdate.ticket_id == ticket_id)
    return await _page(tx, query, TicketUpdate, after=after, limit=limit)


async def hook_endpoints(tx: Tx, *, after: str | None, limit: int) -> Sequence[HookEndpoint]:
    """Outgoing webhooks, disabled ones too."""
    return await _page(tx, select(HookEndpoint), HookEndpoint, after=after, limit=limit)


async def hook_deliveries(
    tx: Tx, endpoint_id: str, *, state: str | None, before: str | None, limit: int
) -> Sequence[tuple[HookDelivery, HookEvent]]:
    """What was told to one endpoint or waits for it, newest first, strictly before the cursor."""
    query = select(HookDelivery, HookEvent).join(HookEvent, col(HookEvent.id) == col(HookDelivery.event_id))
    query = query.where(HookDelivery.endpoint_id == endpoint_id)
    if state is not None:
        query = query.where(HookDelivery.state == state)
    if before is not None:
        query = query.where(HookDelivery.id < before)
    rows = await tx.execute(query.order_by(col(HookDelivery.id).desc()).limit(limit))
    return [(delivery, event) for delivery, event in rows.all()]


async def keys(tx: Tx, *, after: str | None, limit: int) -> Sequence[ApiKey]:
    """API keys, revoked ones too."""
    return await _page(tx, select(ApiKey), ApiKey, after=after, limit=limit)


async def citations(tx: Tx, message_id: str) -> Sequence[CitationRow]:
    """The spans a message cites, in the order of its sentences."""
    query = select(CitationRow).where(CitationRow.message_id == message_id).order_by(col(CitationRow.id))
    return (await tx.execute(query)).scalars().all()


async def receipt(tx: Tx, message_id: str) -> Receipt:
    """What a message stands on. Raises `NotFound` where the assistant did not write it."""
    return await get(tx, Receipt, message_id)


async def _page(tx: Tx, query: SelectOfScalar[Row], kind: Any, *, after: str | None, limit: int) -> Sequence[Row]:
    if after is not None:
        query = query.where(kind.id > after)
    return (await tx.execute(query.order_by(kind.id).limit(limit))).scalars().all()
