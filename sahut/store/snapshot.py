"""Freezing what the assistant may know of a conversation into a `Turn`. Changes nothing."""

from datetime import datetime

import sqlalchemy as sa

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
from sahut.store.database import Tx, table_of
from sahut.turn import HISTORY_LINES, Confirmation, Guidance, Incoming, Line, Turn

# Built once.
_MESSAGE, _CONTACT_TABLE, _CONFIRMATION = table_of(Message), table_of(Contact), table_of(ConfirmationRow)
_OF: sa.BindParameter[str] = sa.bindparam("conversation")
_LINES = sa.select(_MESSAGE.c.id, _MESSAGE.c.kind, _MESSAGE.c.text, _MESSAGE.c.wamid, _MESSAGE.c.author).where(
    _MESSAGE.c.conversation_id == _OF
)
_BURST = _LINES.where(_MESSAGE.c.state == State.RECEIVED, _MESSAGE.c.done_at.is_(None)).order_by(
    _MESSAGE.c.sent_at, _MESSAGE.c.id
)
_HISTORY = (
    _LINES.where(_MESSAGE.c.state.not_in([State.DROPPED, State.FAILED]), _MESSAGE.c.text != "")
    .order_by(_MESSAGE.c.id.desc())
    .limit(sa.bindparam("most"))
)
_WAITING = sa.and_(
    _CONFIRMATION.c.conversation_id == _OF,
    _CONFIRMATION.c.state == ConfirmationState.WAITING,
    _CONFIRMATION.c.expires_at > sa.bindparam("now"),
)
_CONTACT = (
    sa.select(_CONTACT_TABLE.c.name, _CONFIRMATION.c.id, _CONFIRMATION.c.tool, _CONFIRMATION.c.arguments)
    .select_from(_CONTACT_TABLE)
    .outerjoin(_CONFIRMATION, _WAITING)
    .where(_CONTACT_TABLE.c.id == sa.bindparam("contact"))
)


async def freeze(tx: Tx, conversation: Conversation, *, now: datetime, guidance: Guidance) -> Turn:
    """The turn over every message that waits for an answer, with what was said before and a question left open."""
    burst = (await tx.execute(_BURST, {"conversation": conversation.id})).all()
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


async def _history(tx: Tx, conversation_id: str, burst: set[str]) -> tuple[Line, ...]:
    wanted = {"conversation": conversation_id, "most": HISTORY_LINES + len(burst)}
    rows = [row for row in await tx.execute(_HISTORY, wanted) if row.id not in burst]
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
    name, key, tool, arguments = (await tx.execute(_CONTACT, wanted)).one()
    return name, None if key is None else Confirmation(id=key, tool=tool, arguments=arguments)
