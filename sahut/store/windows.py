"""Windows that end while somebody waits for a human: which ones, and that operators are told of each once.

A timer is no row of its own: it follows from the window, found by an index. `conversation.window_warned_of` says which
window was told of, so whoever writes again is told of anew. Knows no words and no page.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut import rules
from sahut.ids import ConversationId
from sahut.models import WITH_HUMANS_SQL, Conversation, Role, Status
from sahut.store import handoffs, hooks, numbers, tickets
from sahut.store.audit import audit
from sahut.store.database import Tx
from sahut.store.inbox import APP
from sahut.store.rows import lock_conversation, update_conversation

# Who warns, for the audit.
SAHUT = rules.Actor("sahut", "Sahut", Role.OPERATOR)


async def ending(tx: Tx, *, now: datetime, margin: timedelta, before: timedelta, limit: int) -> list[ConversationId]:
    """Conversations whose operators may have to be told, the window that ends first at the front."""
    opened, closed = col(Conversation.window_opened_at), col(Conversation.window_closed_at)
    warned = col(Conversation.window_warned_of)
    query = (
        select(Conversation.id)
        .where(
            WITH_HUMANS_SQL,
            opened > now - rules.WINDOW + margin,
            opened <= now - rules.WINDOW + before,
            sa.or_(warned.is_(None), warned != opened),
            sa.or_(closed.is_(None), closed < opened),
            col(Conversation.status) != Status.SPAM,
            sa.or_(col(Conversation.status) == Status.WAITING, col(Conversation.held_by) != APP.id),
            col(Conversation.number).not_in(numbers.GONE),
        )
        .order_by(opened)
        .limit(limit)
    )
    return [ConversationId(row) for row in (await tx.execute(query)).scalars()]


async def warn(
    tx: Tx, conversation_id: ConversationId, *, now: datetime, margin: timedelta, before: timedelta
) -> Conversation | None:
    """Note that operators are told now that this window ends; `None` where they were, or need not be any more.

    The console and other systems hear of it with the commit.
    """
    row = await lock_conversation(tx, conversation_id)
    if (
        row is None
        or rules.is_warned(row.window_opened_at, row.window_warned_of)
        or (row.held_by == APP.id and row.status != Status.WAITING)
    ):
        return None
    window = rules.Window(row.window_opened_at, row.window_closed_at)
    if not rules.ends_soon(status=row.status, holder=row.holder, window=window, now=now, margin=margin, before=before):
        return None
    await update_conversation(tx, conversation_id, window_warned_of=row.window_opened_at)
    audit(tx, SAHUT, "window_ending", conversation_id, now, closes_at=_iso(window.closes_at))
    handoff = await handoffs.open_one(tx, conversation_id)
    told = {"conversation": await _data_of(tx, row), "handoff": handoffs.data_of(handoff) if handoff else None}
    await hooks.note(tx, "window.ending", told, now=now)
    return row


async def _data_of(tx: Tx, row: Conversation) -> dict[str, Any]:
    """A conversation as outgoing webhooks tell of it."""
    return {
        "id": row.id,
        "number": row.number,
        "contact": await tickets.contact_of(tx, row.contact_id),
        "status": row.status,
        "holder": row.holder,
        "held_by_name": row.held_by_name,
        "language": row.language,
        "window_closes_at": _iso(rules.Window(row.window_opened_at, row.window_closed_at).closes_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
