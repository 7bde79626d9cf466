"""Tickets: opened once, found by their own contact, moved on by operators and customers. Knows no tool and no page.

Each change writes a row of the ticket's history and tells outgoing webhooks, in the same transaction. A conversation is
locked before its tickets.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.errors import NotFound
from sahut.ids import ContactId, ConversationId
from sahut.models import Author, Contact, ContactIdentity, IdentityKind, Ticket, TicketStatus, TicketUpdate
from sahut.models.tickets import digest_of
from sahut.rules import Actor
from sahut.store import hooks, promises
from sahut.store.audit import audit
from sahut.store.database import Tx, insert_once
from sahut.store.rows import lock_conversation

# A customer's words bring these back to the team.
_BACK_TO_TEAM = (TicketStatus.WAITING, TicketStatus.DONE)


async def open_ticket(tx: Tx, ticket: Ticket) -> Ticket | None:
    """Insert a ticket once for its `call_key`; the one that stands, or `None` where the reference is taken."""
    ticket.token_digest, ticket.updated_at = digest_of(ticket.token), ticket.created_at
    if await insert_once(tx, ticket):
        await hooks.note(tx, "ticket.created", {"ticket": await data_of(tx, ticket)}, now=ticket.created_at)
    query = select(Ticket).where(Ticket.call_key == ticket.call_key)
    return (await tx.execute(query)).scalar_one_or_none()


async def of_contact(tx: Tx, contact_id: ContactId, *, limit: int, reference: str | None = None) -> Sequence[Ticket]:
    """A contact's own tickets, the one that moved last first."""
    query = select(Ticket).where(Ticket.contact_id == contact_id)
    if reference is not None:
        query = query.where(Ticket.reference == reference)
    query = query.order_by(col(Ticket.updated_at).desc(), col(Ticket.id).desc()).limit(limit)
    return (await tx.execute(query)).scalars().all()


async def newest(tx: Tx, conversation_id: str) -> Ticket | None:
    """The conversation's newest ticket that is not closed."""
    query = select(Ticket).where(Ticket.conversation_id == conversation_id, Ticket.status != TicketStatus.CLOSED)
    query = query.order_by(col(Ticket.created_at).desc(), col(Ticket.id).desc()).limit(1)
    return (await tx.execute(query)).scalar_one_or_none()


async def by_token(tx: Tx, token: str) -> Ticket | None:
    """The ticket whose page this token opens."""
    query = select(Ticket).where(Ticket.token_digest == digest_of(token))
    ticket = (await tx.execute(query)).scalar_one_or_none()
    same = ticket is not None and hmac.compare_digest(ticket.token.encode(), token.encode("utf-8", "replace"))
    return ticket if same else None


async def public_updates(tx: Tx, ticket_id: str, *, limit: int) -> Sequence[TicketUpdate]:
    """What the customer may see of a ticket's history, newest first."""
    query = select(TicketUpdate).where(TicketUpdate.ticket_id == ticket_id, col(TicketUpdate.public))
    return (await tx.execute(query.order_by(col(TicketUpdate.id).desc()).limit(limit))).scalars().all()


async def last_word(tx: Tx, ticket_id: str) -> str:
    """The last public words of the team; empty where there are none."""
    query = select(TicketUpdate.text).where(
        TicketUpdate.ticket_id == ticket_id,
        col(TicketUpdate.public),
        TicketUpdate.author != Author.CONTACT,
        TicketUpdate.text != "",
    )
    found = (await tx.execute(query.order_by(col(TicketUpdate.id).desc()).limit(1))).scalar_one_or_none()
    return found or ""


async def phone_of(tx: Tx, contact_id: str) -> str | None:
    """The contact's phone number, digits only; `None` where WhatsApp tells us none."""
    query = select(ContactIdentity.value).where(
        ContactIdentity.contact_id == contact_id, ContactIdentity.kind == IdentityKind.PHONE
    )
    return (await tx.execute(query.order_by(col(ContactIdentity.id).desc()).limit(1))).scalar_one_or_none()


async def add_customers_words(
    tx: Tx, ticket_id: str, *, contact_id: ContactId, key: str, text: str, now: datetime
) -> bool:
    """Add what the customer wrote, once for `key`; false where the ticket is closed by now.

    A ticket that waited for the customer, or was done, is the team's again. Raises `NotFound` for another's ticket.
    """
    ticket = await _lock(tx, ticket_id)
    if ticket.contact_id != contact_id:
        raise NotFound(f"There is no ticket {ticket_id}.")
    earlier = select(TicketUpdate.id).where(TicketUpdate.call_key == key)
    if (await tx.execute(earlier)).scalar_one_or_none() is not None:
        return True
    if ticket.status == TicketStatus.CLOSED:
        return False
    moves = TicketStatus.OPEN if ticket.status in _BACK_TO_TEAM else None
    update = TicketUpdate(ticket_id=ticket.id, call_key=key, author=Author.CONTACT, public=True, text=text)
    await _add(tx, ticket, update, status=moves, now=now)
    return True


async def add_update(
    tx: Tx, ticket_id: str, *, actor: Actor, text: str, public: bool, now: datetime
) -> tuple[Ticket, TicketUpdate]:
    """Add an operator's words. Raises `NotFound`."""
    await _lock_its_conversation(tx, ticket_id)
    ticket = await _lock(tx, ticket_id)
    update = TicketUpdate(
        ticket_id=ticket.id, author=Author.OPERATOR, author_name=actor.name, public=public, text=text, created_at=now
    )
    await _add(tx, ticket, update, status=None, now=now)
    audit(tx, actor, "ticket_update", ticket.conversation_id, now, ticket=ticket.id, public=public)
    return ticket, update


async def change_status(tx: Tx, ticket_id: str, status: TicketStatus, *, actor: Actor, now: datetime) -> Ticket:
    """Move a ticket to a status; to the one it has changes nothing. Raises `NotFound`."""
    ticket = await _lock(tx, ticket_id)
    if ticket.status != status:
        update = TicketUpdate(ticket_id=ticket.id, author=Author.OPERATOR, author_name=actor.name, public=True)
        await _add(tx, ticket, update, status=status, now=now)
        audit(tx, actor, "ticket_status", ticket.conversation_id, now, ticket=ticket.id, status=status)
    return ticket


async def data_of(tx: Tx, ticket: Ticket) -> dict[str, Any]:
    """A ticket as outgoing webhooks tell of it."""
    return {
        "id": ticket.id,
        "reference": ticket.reference,
        "kind": ticket.kind,
        "status": ticket.status,
        "topic": ticket.topic,
        "description": ticket.description,
        "language": ticket.language,
        "call": ticket.phone,
        "due_at": ticket.due_at.isoformat() if ticket.due_at else None,
        "conversation_id": ticket.conversation_id,
        "contact": await contact_of(tx, ticket.contact_id),
        "created_at": ticket.created_at.isoformat(),
        "updated_at": ticket.updated_at.isoformat(),
    }


async def contact_of(tx: Tx, contact_id: str) -> dict[str, Any]:
    """Whom it is about, as outgoing webhooks tell it."""
    contact = await tx.get_one(Contact, contact_id)
    return {"id": contact.id, "name": contact.name, "phone": await phone_of(tx, contact.id)}


def tracking_link(ticket: Ticket, public_url: str) -> str:
    """The address of the ticket's page; empty where the organisation has no public address."""
    return f"{public_url}/t/{ticket.token}" if public_url else ""


async def _add(tx: Tx, ticket: Ticket, update: TicketUpdate, *, status: TicketStatus | None, now: datetime) -> None:
    update.status, update.created_at = status, now
    ticket.status, ticket.updated_at = status or ticket.status, now
    tx.add(update)
    await tx.flush()
    by_team = update.author != Author.CONTACT
    await promises.of_ticket(
        tx, ticket, told=by_team and update.public and update.text != "", by=update.author_name, now=now
    )
    told = update.model_dump(mode="json", include={"id", "author", "author_name", "public", "text", "status"})
    await hooks.note(tx, "ticket.updated", {"ticket": await data_of(tx, ticket), "update": told}, now=now)


async def _lock(tx: Tx, ticket_id: str) -> Ticket:
    ticket = await tx.get(Ticket, ticket_id, with_for_update=True)
    if ticket is None:
        raise NotFound(f"There is no ticket {ticket_id}.")
    return ticket


async def _lock_its_conversation(tx: Tx, ticket_id: str) -> None:
    query = sa.select(col(Ticket.conversation_id)).where(col(Ticket.id) == ticket_id)
    conversation_id = (await tx.execute(query)).scalar_one_or_none()
    if conversation_id is None:
        raise NotFound(f"There is no ticket {ticket_id}.")
    await lock_conversation(tx, ConversationId(conversation_id))
