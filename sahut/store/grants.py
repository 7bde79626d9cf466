"""Who is asked to agree to a tool's call, and what became of it: rows that wait, are used once, or are void.

Every change is made under the lock of the conversation's row. Knows no tool: what a call means was decided before.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from sahut import rules
from sahut.authority import Party
from sahut.errors import Conflict, NotFound
from sahut.models import ConfirmationRow, ConfirmationState, Contact, Conversation
from sahut.rules import Actor
from sahut.store.audit import audit
from sahut.store.database import Tx, changed
from sahut.store.rows import lock_conversation
from sahut.toolcall import ToolCall
from sahut.turn import Reply, Turn


async def move(tx: Tx, turn: Turn, reply: Reply, *, now: datetime) -> None:
    """After a turn: the customer's old question is used up or void, and a new one starts to wait."""
    if turn.confirmation is not None:
        used = any(call.key == turn.confirmation.id and call.state == "done" for call in reply.tool_calls)
        await void(tx, turn.conversation_id, state=ConfirmationState.USED if used else ConfirmationState.CLOSED)
    asked = reply.confirmation
    if asked is None:
        return
    await void(tx, turn.conversation_id)
    row = ConfirmationRow(
        id=asked.id,
        conversation_id=turn.conversation_id,
        tool=asked.tool,
        arguments=asked.arguments,
        digest=asked.digest,
        confirms=asked.by,
        created_at=now,
        expires_at=now + rules.CONFIRMATION_LIFE,
    )
    tx.add(row)


async def void(
    tx: Tx,
    conversation_id: str,
    *,
    whose: Party | None = None,
    state: ConfirmationState = ConfirmationState.CLOSED,
) -> None:
    """Whatever waits in the conversation (for the customer's or the operator's yes) waits no more."""
    waiting = sa.and_(
        col(ConfirmationRow.conversation_id) == conversation_id,
        col(ConfirmationRow.state) == ConfirmationState.WAITING,
    )
    if whose is not None:
        waiting = sa.and_(waiting, col(ConfirmationRow.confirms) == whose)
    await tx.execute(sa.update(ConfirmationRow).where(waiting).values(state=state))


async def pending(tx: Tx, conversation_id: str, *, now: datetime) -> ConfirmationRow | None:
    """What waits for an operator's yes, or was agreed to and is under way."""
    query = _for_operators(conversation_id).where(
        col(ConfirmationRow.state).in_([ConfirmationState.WAITING, ConfirmationState.GRANTED]),
        col(ConfirmationRow.expires_at) > now,
    )
    return (await tx.execute(query.limit(1))).scalar_one_or_none()


async def listed(tx: Tx, conversation_id: str, *, limit: int) -> Sequence[ConfirmationRow]:
    """What operators were asked to agree to, newest first."""
    return (await tx.execute(_for_operators(conversation_id).limit(limit))).scalars().all()


async def grant(
    tx: Tx, grant_id: str, *, actor: Actor, digest: str, seen_version: int, now: datetime
) -> tuple[ConfirmationRow, Conversation, Contact]:
    """An operator agrees, once, to exactly what they saw; the act is theirs to begin after this commit.

    `seen_version` is the conversation's inbox version that they saw. Raises `Conflict` where it went on since, where
    nothing waits any more, or where other arguments were shown; `NotFound`.
    """
    row, conversation = await _locked(tx, grant_id, actor, now)
    if row.digest != digest:
        raise Conflict("What waits here is not what you were shown: reload and look again.")
    if conversation.inbox_version != seen_version:
        raise Conflict("The conversation has gone on since you looked: read it, then decide again.")
    contact = await tx.get(Contact, conversation.contact_id)
    if contact is None:
        raise NotFound(f"There is no contact {conversation.contact_id}.")
    row.state, row.decided_by, row.decided_at = ConfirmationState.GRANTED, actor.name, now
    audit(tx, actor, "grant", conversation.id, now, tool=row.tool, grant=row.id, digest=row.digest)
    await tx.flush()
    return row, conversation, contact


async def refuse(tx: Tx, grant_id: str, *, actor: Actor, now: datetime) -> ConfirmationRow:
    """An operator does not agree; nothing happens. Raises as `grant`."""
    row, conversation = await _locked(tx, grant_id, actor, now)
    row.state, row.decided_by, row.decided_at = ConfirmationState.REFUSED, actor.name, now
    audit(tx, actor, "refuse", conversation.id, now, tool=row.tool, grant=row.id)
    changed(tx, conversation.id)
    await tx.flush()
    return row


async def settle(tx: Tx, grant_id: str, call: ToolCall, *, actor: Actor, now: datetime) -> ConfirmationRow:
    """What came of the act that an operator agreed to."""
    row = await tx.get(ConfirmationRow, grant_id)
    if row is None:
        raise NotFound(f"There is no grant {grant_id}.")
    row.state = ConfirmationState.USED if call.state == "done" else ConfirmationState.FAILED
    row.outcome = call.answer or call.result or ("" if call.state == "done" else "It was not done.")
    audit(tx, actor, f"act_{call.state}", row.conversation_id, now, tool=row.tool, grant=row.id)
    changed(tx, row.conversation_id)
    await tx.flush()
    return row


def _for_operators(conversation_id: str) -> SelectOfScalar[ConfirmationRow]:
    mine = (ConfirmationRow.conversation_id == conversation_id, ConfirmationRow.confirms == "operator")
    return select(ConfirmationRow).where(*mine).order_by(col(ConfirmationRow.id).desc())


async def _locked(tx: Tx, grant_id: str, actor: Actor, now: datetime) -> tuple[ConfirmationRow, Conversation]:
    """What waits for an operator, with its conversation locked, where the actor may decide."""
    row = await tx.get(ConfirmationRow, grant_id)
    if row is None or row.confirms != "operator":
        raise NotFound(f"There is no grant {grant_id}.")
    conversation = await lock_conversation(tx, row.conversation_id)
    if conversation is None:
        raise NotFound(f"There is no conversation {row.conversation_id}.")
    if not rules.may_act(actor, held_by=conversation.held_by):
        raise Conflict(f"This conversation is held by {conversation.held_by_name or 'somebody else'}.")
    await tx.refresh(row)
    if row.state != ConfirmationState.WAITING:
        raise Conflict(f"Nothing waits here any more: it is {row.state}.")
    if row.expires_at <= now:
        raise Conflict("Nobody agreed in time, so this has expired. Let the customer ask again.")
    return row, conversation
