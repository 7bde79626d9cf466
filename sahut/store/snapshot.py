"""Freezing what the assistant may know of a conversation into a `Turn`. Changes nothing."""

from datetime import datetime

import sqlalchemy as sa
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

# Built once.
_OF: sa.BindParameter[str] = sa.bindparam("conversation")
_BURST = (
    select(Message)
    .where(Message.conversation_id == _OF, Message.state == State.RECEIVED, col(Message.done_at).is_(None))
    .order_by(col(Message.sent_at), col(Message.id))
)
_HISTORY = (
    select(Message)
    .where(
        Message.conversation_id == _OF,
        col(Message.state).not_in([State.DROPPED, State.FAILED]),
        col(Message.text) != "",
    )
    .order_by(col(Message.id).desc())
    .limit(sa.bindparam("most"))
)
_WAITING = sa.and_(
    col(ConfirmationRow.conversation_id) == _OF,
    col(ConfirmationRow.state) == ConfirmationState.WAITING,
    col(ConfirmationRow.expires_at) > sa.bindparam("now"),
)
_CONTACT = (
    select(Contact.name, ConfirmationRow)
    .outerjoin(ConfirmationRow, _WAITING)
    .where(Contact.id == sa.bindparam("contact"))
)


async def freeze(tx: Tx, conversation: Conversation, *, now: datetime, guidance: Guidance) -> Turn:
    """The turn over every message that waits for an answer, with what was said before and a question left open."""
    burst = await _burst(tx, conversation.id)
    history = await _history(tx, conversation.id, {row.id for row in burst})
    contact_name, confirmation = await _contact(tx, conversation, now)
    window = rules.Window(conversation.window_opened_at, conversation.window_closed_at)
    return Turn(
        id=TurnId(new_id()),
        conversation_id=ConversationId(conversation.id),
        contact_id=ContactId(conversation.contact_id),
        contact_name=contact_name,
        language=conversation.language,
        history=history,
        burst=tuple(Incoming(id=MessageId(row.id), kind=row.kind, text=row.text, wamid=row.wamid) for row in burst),
        confirmation=confirmation,
        now=now,
        window_closes_at=window.closes_at,
        guidance=guidance,
    )


async def _burst(tx: Tx, conversation_id: str) -> list[Message]:
    return list((await tx.execute(_BURST, {"conversation": conversation_id})).scalars())


async def _history(tx: Tx, conversation_id: str, burst: set[str]) -> tuple[Line, ...]:
    wanted = {"conversation": conversation_id, "most": HISTORY_LINES + len(burst)}
    rows = [row for row in (await tx.execute(_HISTORY, wanted)).scalars() if row.id not in burst]
    return tuple(
        Line(
            role="user" if row.author == Author.CONTACT else "assistant",
            content=row.text,
            author=row.author,
        )
        for row in reversed(rows[:HISTORY_LINES])
    )


async def _contact(tx: Tx, conversation: Conversation, now: datetime) -> tuple[str, Confirmation | None]:
    """The contact's name, and the question that waits for their yes."""
    wanted = {"contact": conversation.contact_id, "conversation": conversation.id, "now": now}
    name, row = (await tx.execute(_CONTACT, wanted)).one()
    return name, None if row is None else Confirmation(id=row.id, tool=row.tool, arguments=row.arguments)
