"""Handoffs: the queue of requests for a human, and who holds a conversation. Knows nothing of the assistant."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from sahut import rules
from sahut.errors import Conflict, NotFound
from sahut.hours import Hours
from sahut.ids import ConversationId, HandoffId
from sahut.models import (
    OPEN_HANDOFF,
    AuditEntry,
    Conversation,
    Handoff,
    HandoffState,
    Holder,
    Message,
    State,
    Status,
)
from sahut.store.database import Tx, insert_once
from sahut.store.rows import lock_conversation, update_conversation
from sahut.turn import Lane, Reason

ALWAYS = Hours()


async def open_handoff(
    tx: Tx,
    conversation_id: ConversationId,
    *,
    reason: Reason,
    lane: Lane,
    summary: str,
    language: str,
    now: datetime,
    hours: Hours = ALWAYS,
) -> bool:
    """Queue a request for a human; false where one is open already (it stands, nothing is asked twice).

    It is due after `rules.HANDOFF_DUE` of the organisation's business time.
    """
    handoff = Handoff(
        conversation_id=conversation_id,
        lane=lane,
        reason=reason,
        summary=summary,
        language=language,
        due_at=hours.after(now, rules.HANDOFF_DUE),
        created_at=now,
    )
    opened = await insert_once(tx, handoff)
    if opened:
        status = Status.SPAM if lane == "spam" else Status.WAITING
        await update_conversation(tx, conversation_id, status=status, updated_at=now)
    return opened


async def claim(tx: Tx, handoff_id: HandoffId, *, operator: str, now: datetime) -> Handoff:
    """Make `operator` the one who answers. Raises `Conflict` for the second who tries, `NotFound`."""
    handoff = await tx.get(Handoff, handoff_id)
    if handoff is None:
        raise NotFound(f"There is no handoff {handoff_id}.")
    await _locked(tx, handoff.conversation_id)
    await tx.refresh(handoff)
    if handoff.state != HandoffState.QUEUED:
        by = f" by {handoff.claimed_by}" if handoff.claimed_by else ""
        raise Conflict(f"This handoff is already {handoff.state}{by}.")
    await take_over(tx, ConversationId(handoff.conversation_id), operator=operator, now=now)
    await tx.refresh(handoff)
    return handoff


async def take_over(tx: Tx, conversation_id: ConversationId, *, operator: str, now: datetime) -> None:
    """An operator holds the conversation: the assistant is silent from this commit on.

    Messages not answered yet are the operator's; a draft that is being made becomes stale.
    """
    conversation = await _locked(tx, conversation_id)
    await tx.execute(
        sa.update(Handoff)
        .where(col(Handoff.conversation_id) == conversation_id, col(Handoff.state) == HandoffState.QUEUED)
        .values(state=HandoffState.CLAIMED, claimed_by=operator, claimed_at=now)
    )
    await _change_speaker(tx, conversation, now=now, holder=Holder.OPERATOR)
    audit(tx, operator, "take_over", conversation_id, now)


async def give_back(tx: Tx, conversation_id: ConversationId, *, operator: str, now: datetime) -> None:
    """The assistant answers again from the next message on."""
    conversation = await _locked(tx, conversation_id)
    await _close(tx, conversation_id, HandoffState.RETURNED, note="", now=now)
    await _change_speaker(tx, conversation, now=now, holder=Holder.ASSISTANT, status=Status.OPEN)
    audit(tx, operator, "return", conversation_id, now)


async def resolve(tx: Tx, conversation_id: ConversationId, *, operator: str, note: str, now: datetime) -> None:
    """The matter is closed. The next message opens the conversation again, with the assistant."""
    conversation = await _locked(tx, conversation_id)
    await _close(tx, conversation_id, HandoffState.RESOLVED, note=note, now=now)
    await _change_speaker(tx, conversation, now=now, holder=Holder.ASSISTANT, status=Status.RESOLVED)
    audit(tx, operator, "resolve", conversation_id, now)


async def mark_spam(tx: Tx, conversation_id: ConversationId, *, operator: str, now: datetime) -> None:
    """Quarantine: stored, never answered, until somebody takes it back."""
    conversation = await _locked(tx, conversation_id)
    await _close(tx, conversation_id, HandoffState.RESOLVED, note="spam", now=now)
    await _change_speaker(tx, conversation, now=now, holder=Holder.ASSISTANT, status=Status.SPAM)
    audit(tx, operator, "spam", conversation_id, now)


async def mark_not_spam(tx: Tx, conversation_id: ConversationId, *, operator: str, now: datetime) -> None:
    """Undo the quarantine and let the assistant answer the last message that was kept from it."""
    conversation = await _locked(tx, conversation_id)
    if conversation.status != Status.SPAM:
        raise Conflict(f"This conversation is not marked as spam, it is {conversation.status}.")
    await _close(tx, conversation_id, HandoffState.RETURNED, note="not spam", now=now)
    await _change_speaker(tx, conversation, now=now, holder=Holder.ASSISTANT, status=Status.OPEN)
    await _reopen_last_message(tx, conversation_id, now)
    audit(tx, operator, "not_spam", conversation_id, now)


async def due(tx: Tx, *, now: datetime, limit: int) -> list[Handoff]:
    """Support handoffs that nobody claimed by their due time and whose customer has not been told."""
    query = (
        select(Handoff)
        .where(
            Handoff.state == HandoffState.QUEUED,
            Handoff.due_at <= now,
            Handoff.lane == "support",
            col(Handoff.noticed_at).is_(None),
        )
        .limit(limit)
    )
    return list((await tx.execute(query)).scalars())


async def note_notice(tx: Tx, handoff_id: str, *, now: datetime) -> bool:
    """Mark the one notice at the due time as made; false where another worker was first or a human came."""
    result = await tx.execute(
        sa.update(Handoff)
        .where(
            col(Handoff.id) == handoff_id,
            col(Handoff.noticed_at).is_(None),
            col(Handoff.state) == HandoffState.QUEUED,
        )
        .values(noticed_at=now)
        .returning(col(Handoff.id))
    )
    return result.scalar_one_or_none() is not None


def audit(tx: Tx, actor: str, action: str, conversation_id: str | None, now: datetime, **detail: object) -> None:
    """Write who did what. `detail` never holds the text of a message."""
    tx.add(AuditEntry(at=now, actor=actor, action=action, conversation_id=conversation_id, detail=detail))


async def _locked(tx: Tx, conversation_id: str) -> Conversation:
    conversation = await lock_conversation(tx, conversation_id)
    if conversation is None:
        raise NotFound(f"There is no conversation {conversation_id}.")
    return conversation


async def _change_speaker(
    tx: Tx, conversation: Conversation, *, now: datetime, holder: Holder, status: Status | None = None
) -> None:
    """Every change of speaker makes drafts stale and takes the unanswered messages off the assistant."""
    await tx.execute(
        sa.update(Message)
        .where(
            col(Message.conversation_id) == conversation.id,
            col(Message.state) == State.RECEIVED,
            col(Message.done_at).is_(None),
        )
        .values(done_at=now)
    )
    await update_conversation(
        tx,
        conversation.id,
        holder=holder,
        status=status or conversation.status,
        inbox_version=conversation.inbox_version + 1,
        undone_since=None,
        wake_at=None,
        updated_at=now,
    )


async def _close(tx: Tx, conversation_id: str, state: HandoffState, *, note: str, now: datetime) -> None:
    await tx.execute(
        sa.update(Handoff)
        .where(col(Handoff.conversation_id) == conversation_id, col(Handoff.state).in_(OPEN_HANDOFF))
        .values(state=state, closed_at=now, note=note)
    )


async def _reopen_last_message(tx: Tx, conversation_id: str, now: datetime) -> None:
    """Let the assistant take up the last message, unless it was answered before the quarantine."""
    query = (
        select(Message)
        .where(
            Message.conversation_id == conversation_id,
            Message.state == State.RECEIVED,
            col(Message.kind).not_in(rules.SILENT_KINDS),
        )
        .order_by(col(Message.id).desc())
        .limit(1)
    )
    last = (await tx.execute(query)).scalar_one_or_none()
    if last is None:
        return
    answered = select(Message.id).where(Message.conversation_id == conversation_id, Message.answers == last.wamid)
    if (await tx.execute(answered.limit(1))).scalar_one_or_none() is None:
        last.done_at = None
        await tx.flush()
        await update_conversation(tx, conversation_id, undone_since=now, wake_at=now)
