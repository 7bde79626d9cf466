"""Telling a customer of what happened to their ticket, as a queued message. Knows no words and no page."""

from datetime import datetime, timedelta
from typing import Any

from sahut import rules
from sahut.errors import NotFound
from sahut.ids import ConversationId
from sahut.models import Author, Purpose, Ticket, TicketUpdate
from sahut.store import grants, outbox
from sahut.store.database import Tx
from sahut.store.rows import lock_conversation


async def tell(
    tx: Tx, ticket: Ticket, update: TicketUpdate, *, text: str, body: dict[str, Any], margin: timedelta, now: datetime
) -> bool:
    """Queue a message that tells the customer of a public update, where the window lets it; else note why not.

    `body` is Meta's message object for `text`. The conversation is locked already, by `add_update`.
    """
    conversation = await lock_conversation(tx, ConversationId(ticket.conversation_id))
    if conversation is None:
        raise NotFound(f"There is no conversation {ticket.conversation_id}.")
    message = outbox.draft(conversation, text=text, body=body, author=Author.SYSTEM, purpose=Purpose.OPERATOR, now=now)
    permission = rules.may_send(
        purpose=Purpose.OPERATOR,
        kind=message.kind,
        holder=conversation.holder,
        status=conversation.status,
        window=rules.Window(conversation.window_opened_at, conversation.window_closed_at),
        now=now,
        margin=margin,
    )
    if isinstance(permission, rules.Drop):
        update.untold = permission.reason
    else:
        # "Yes" to this must not be taken for a yes to what the assistant asked before.
        await grants.void(tx, conversation.id, whose="customer")
        tx.add(message)
        update.message_id = message.id
    await tx.flush()
    return update.message_id is not None
