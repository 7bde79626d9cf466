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
    Message,
    Note,
    Receipt,
    Ticket,
)
from sahut.store.database import Tx

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


async def notes(tx: Tx, conversation_id: str, *, after: str | None, limit: int) -> Sequence[Note]:
    """A conversation's notes, oldest first."""
    return await _page(tx, select(Note).where(Note.conversation_id == conversation_id), Note, after=after, limit=limit)


async def handoffs(tx: Tx, *, state: str | None, lane: str | None, after: str | None, limit: int) -> Sequence[Handoff]:
    """Requests for a human, oldest first."""
    query = select(Handoff)
    if state is not None:
        query = query.where(Handoff.state == state)
    if lane is not None:
        query = query.where(Handoff.lane == lane)
    return await _page(tx, query, Handoff, after=after, limit=limit)


async def tickets(tx: Tx, *, status: str | None, after: str | None, limit: int) -> Sequence[Ticket]:
    """Tickets, oldest first."""
    query = select(Ticket)
    if status is not None:
        query = query.where(Ticket.status == status)
    return await _page(tx, query, Ticket, after=after, limit=limit)


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
