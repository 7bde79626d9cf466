"""Freezing what the assistant may know of a conversation into a `Turn`. Changes nothing."""

from datetime import datetime

from sqlmodel import col, select

from sahut import rules
from sahut.ids import ContactId, ConversationId, MessageId, TurnId, new_id
from sahut.models import (
    Author,
    ConfirmationRow,
    ConfirmationState,
    Contact,
    Conversation,
    Message,
    State,
)
from sahut.store.database import Tx
from sahut.turn import HISTORY_LINES, Confirmation, Guidance, Incoming, Line, Turn


async def freeze(tx: Tx, conversation: Conversation, contact: Contact, *, now: datetime, guidance: Guidance) -> Turn:
    """The turn over every message that waits for an answer, with what was said before and a question left open."""
    burst = await _burst(tx, conversation.id)
    history = await _history(tx, conversation.id, {row.id for row in burst})
    confirmation = await _waiting_confirmation(tx, conversation.id, now)
    window = rules.Window(conversation.window_opened_at, conversation.window_closed_at)
    return Turn(
        id=TurnId(new_id()),
        conversation_id=ConversationId(conversation.id),
        contact_id=ContactId(contact.id),
        contact_name=contact.name,
        language=conversation.language,
        history=history,
        burst=tuple(Incoming(id=MessageId(row.id), kind=row.kind, text=row.text, wamid=row.wamid) for row in burst),
        confirmation=confirmation,
        now=now,
        window_closes_at=window.closes_at,
        guidance=guidance,
    )


async def _burst(tx: Tx, conversation_id: str) -> list[Message]:
    query = (
        select(Message)
        .where(
            Message.conversation_id == conversation_id,
            Message.state == State.RECEIVED,
            col(Message.done_at).is_(None),
        )
        .order_by(col(Message.sent_at), col(Message.id))
    )
    return list((await tx.execute(query)).scalars())


async def _history(tx: Tx, conversation_id: str, burst: set[str]) -> tuple[Line, ...]:
    query = (
        select(Message)
        .where(
            Message.conversation_id == conversation_id,
            col(Message.state).not_in([State.DROPPED, State.FAILED]),
            col(Message.text) != "",
        )
        .order_by(col(Message.id).desc())
        .limit(HISTORY_LINES + len(burst))
    )
    rows = [row for row in (await tx.execute(query)).scalars() if row.id not in burst]
    return tuple(
        Line(
            role="user" if row.author == Author.CONTACT else "assistant",
            content=row.text,
            author=row.author,
        )
        for row in reversed(rows[:HISTORY_LINES])
    )


async def _waiting_confirmation(tx: Tx, conversation_id: str, now: datetime) -> Confirmation | None:
    query = select(ConfirmationRow).where(
        ConfirmationRow.conversation_id == conversation_id,
        ConfirmationRow.state == ConfirmationState.WAITING,
        ConfirmationRow.expires_at > now,
    )
    row = (await tx.execute(query)).scalar_one_or_none()
    return None if row is None else Confirmation(id=row.id, tool=row.tool, arguments=row.arguments)
