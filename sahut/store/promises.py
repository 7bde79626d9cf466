"""The ledger of promises: made by a tool or by an operator's words, kept, broken or found to be none.

Knows no tool, and no words that make a promise.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.errors import Conflict, NotFound
from sahut.ids import ConversationId
from sahut.models import Author, Message, Promise, PromiseState, Ticket, TicketStatus
from sahut.rules import Actor
from sahut.store.audit import audit
from sahut.store.database import Tx, changed, insert_once, table_of
from sahut.toolcall import Promised, ToolCall

MOST_TEXT = 1000
_MOST_SHOWN = 20
# The team has done what a ticket is about.
_THROUGH = (TicketStatus.DONE, TicketStatus.CLOSED)

# Built once: every turn asks.
_PROMISE = table_of(Promise)
_OPEN = (
    sa.select(_PROMISE.c.kind, _PROMISE.c.text, _PROMISE.c.due_at, _PROMISE.c.owner_name)
    .where(_PROMISE.c.conversation_id == sa.bindparam("conversation"), _PROMISE.c.state == PromiseState.OPEN)
    .order_by(_PROMISE.c.due_at)
    .limit(_MOST_SHOWN)
)


async def by_tool(tx: Tx, call: ToolCall, *, conversation_id: str, now: datetime) -> None:
    """What a tool made true, once for its call. The team must keep it."""
    if call.promise is None:
        return
    ticket = (await tx.execute(select(Ticket.id).where(Ticket.call_key == call.key))).scalar_one_or_none()
    row = Promise(
        conversation_id=conversation_id,
        author=Author.ASSISTANT,
        kind=call.promise.kind,
        text=call.promise.what[:MOST_TEXT],
        due_at=call.promise.due_at,
        call_key=call.key,
        ticket_id=ticket,
        created_at=now,
    )
    if await insert_once(tx, row):
        changed(tx, conversation_id)


async def of_call(tx: Tx, key: str) -> Promised | None:
    """What the call under this key promised."""
    row = (await tx.execute(select(Promise).where(Promise.call_key == key))).scalar_one_or_none()
    return None if row is None else _promised(row)


async def by_operator(tx: Tx, message: Message, found: Iterable[Promised], *, actor: Actor, now: datetime) -> None:
    """What an operator's message promises. The operator must keep it."""
    for one in found:
        tx.add(
            Promise(
                conversation_id=message.conversation_id,
                author=Author.OPERATOR,
                owner=actor.id,
                owner_name=actor.name,
                kind=one.kind,
                text=one.what[:MOST_TEXT],
                due_at=one.due_at,
                message_id=message.id,
                created_at=now,
            )
        )


async def open_in(tx: Tx, conversation_id: str) -> tuple[Promised, ...]:
    """What stands open in a conversation, the first due first."""
    rows = await tx.execute(_OPEN, {"conversation": conversation_id})
    return tuple(Promised(kind=row.kind, what=row.text, due_at=row.due_at, owner=row.owner_name) for row in rows)


async def listed(
    tx: Tx,
    *,
    state: str | None = None,
    conversation_id: str | None = None,
    due_before: datetime | None = None,
    after: str | None = None,
    limit: int,
) -> Sequence[Promise]:
    """Promises, oldest first; with `due_before` those that were due by then."""
    query = select(Promise).order_by(col(Promise.id)).limit(limit)
    if state is not None:
        query = query.where(Promise.state == state)
    if conversation_id is not None:
        query = query.where(Promise.conversation_id == conversation_id)
    if due_before is not None:
        query = query.where(Promise.due_at <= due_before)
    if after is not None:
        query = query.where(Promise.id > after)
    return (await tx.execute(query)).scalars().all()


async def newest(tx: Tx, conversation_id: str, *, limit: int) -> Sequence[Promise]:
    """The promises of a conversation as operators read them: the open ones first, by when they are due."""
    query = (
        select(Promise)
        .where(Promise.conversation_id == conversation_id)
        .order_by(col(Promise.state) != PromiseState.OPEN, col(Promise.due_at), col(Promise.id))
        .limit(limit)
    )
    return (await tx.execute(query)).scalars().all()


async def settle(tx: Tx, promise_id: str, state: PromiseState, *, actor: Actor, now: datetime) -> Promise:
    """Say what became of a promise. Raises `NotFound`, and `Conflict` where somebody has said so already."""
    row = await tx.get(Promise, promise_id, with_for_update=True)
    if row is None:
        raise NotFound(f"There is no promise {promise_id}.")
    if row.state != PromiseState.OPEN:
        raise Conflict(f"This promise is {row.state} already, said by {row.settled_by or 'the system'}.")
    row.state, row.settled_by, row.settled_at = state, actor.name, now
    audit(tx, actor, f"promise_{state}", row.conversation_id, now, promise=row.id)
    changed(tx, ConversationId(row.conversation_id))
    await tx.flush()
    return row


async def of_ticket(tx: Tx, ticket: Ticket, *, told: bool, by: str, now: datetime) -> None:
    """A ticket moved: once the team is through, what it promised is kept, and news for the customer once they are told.

    `told`: the customer was written to.
    """
    done = ticket.status in _THROUGH
    kinds = [] if not told else ["contact"]
    kept = sa.true() if done else col(Promise.kind).in_(kinds)
    await tx.execute(
        sa.update(Promise)
        .where(col(Promise.ticket_id) == ticket.id, col(Promise.state) == PromiseState.OPEN, kept)
        .values(state=PromiseState.KEPT, settled_by=by, settled_at=now)
    )


def _promised(row: Promise) -> Promised:
    return Promised(kind=row.kind, what=row.text, due_at=row.due_at, owner=row.owner_name)
