"""The end of a session: which conversations are due for their one closing message, and queueing it.

A timer is no row of its own: it follows from `conversation.answered_at` and the window, found by an index. Knows no
words and no channel.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut import rules
from sahut.ids import ConversationId, new_id
from sahut.models import (
    UNSETTLED,
    Author,
    Closing,
    ConfirmationRow,
    ConfirmationState,
    Contact,
    Conversation,
    Holder,
    Message,
    Purpose,
    Status,
)
from sahut.store import forms, outbox, ratings
from sahut.store.database import Tx, insert
from sahut.store.rows import lock_conversation, update_conversation

# The words of a closing message and Meta's message object for them, for the closing's id.
Write = Callable[[Tx, Conversation, str], Awaitable[tuple[str, dict[str, Any]]]]


async def due(tx: Tx, *, now: datetime, margin: timedelta, before: timedelta, limit: int) -> list[ConversationId]:
    """Conversations that may be due: answered, quiet, and resolved or so near to the end of their window."""
    opened = col(Conversation.window_opened_at)
    closed = col(Conversation.window_closed_at)
    query = (
        select(Conversation.id)
        .where(
            col(Conversation.answered_at).is_not(None),
            opened > now - rules.WINDOW + margin,
            col(Conversation.undone_since).is_(None),
            Conversation.holder == Holder.ASSISTANT,
            sa.or_(
                col(Conversation.status) == Status.RESOLVED,
                sa.and_(col(Conversation.status) == Status.OPEN, opened <= now - rules.WINDOW + before),
            ),
            sa.or_(closed.is_(None), closed < opened),
        )
        .order_by(opened)
        .limit(limit)
    )
    return [ConversationId(row) for row in (await tx.execute(query)).scalars()]


async def close(
    tx: Tx, conversation_id: ConversationId, *, write: Write, now: datetime, margin: timedelta, before: timedelta
) -> bool:
    """Queue the closing message of a session unless a rule is against it; whether it was queued."""
    conversation = await lock_conversation(tx, conversation_id)
    if conversation is None:
        return False
    verdict = rules.may_close(
        status=conversation.status,
        holder=conversation.holder,
        answered=conversation.answered_at is not None and not await ratings.is_closed(tx, conversation),
        opted_out=(await tx.get_one(Contact, conversation.contact_id)).opted_out_at is not None,
        busy=conversation.undone_since is not None or await _unsettled(tx, conversation_id),
        asking=await _asking(tx, conversation_id, now),
        window=rules.Window(conversation.window_opened_at, conversation.window_closed_at),
        now=now,
        margin=margin,
        before=before,
        standby=rules.is_standby(owned_at=conversation.owned_at, standby_at=conversation.standby_at),
    )
    if verdict == "wait":
        return False
    await update_conversation(tx, conversation_id, answered_at=None)
    if verdict == "close":
        await _queue(tx, conversation, write, now)
    return verdict == "close"


async def _queue(tx: Tx, conversation: Conversation, write: Write, now: datetime) -> None:
    closing_id = new_id()
    text, body = await write(tx, conversation, closing_id)
    message = outbox.draft(
        conversation,
        text=text,
        body=body,
        author=Author.ASSISTANT,
        purpose=Purpose.CLOSING,
        answers=conversation.last_inbound_wamid,
        now=now,
    )
    await insert(tx, message)
    closing = Closing(
        id=closing_id,
        conversation_id=conversation.id,
        message_id=message.id,
        why=ratings.RESOLVED if conversation.status == Status.RESOLVED else ratings.WINDOW,
        inbox_version=conversation.inbox_version,
        created_at=now,
    )
    await insert(tx, closing)


async def _unsettled(tx: Tx, conversation_id: str) -> bool:
    query = select(Message.id).where(Message.conversation_id == conversation_id, col(Message.state).in_(UNSETTLED))
    return (await tx.execute(query.limit(1))).first() is not None


async def _asking(tx: Tx, conversation_id: str, now: datetime) -> bool:
    """Whether something that the customer was asked still waits: for their yes, or for an answer in a form."""
    query = select(ConfirmationRow.id).where(
        ConfirmationRow.conversation_id == conversation_id,
        ConfirmationRow.state == ConfirmationState.WAITING,
        ConfirmationRow.expires_at > now,
    )
    if (await tx.execute(query.limit(1))).first() is not None:
        return True
    return await forms.open_filling(tx, conversation_id, now=now) is not None
