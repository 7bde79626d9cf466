"""Handoffs: the queue of requests for a human, and who holds a conversation. Knows nothing of the assistant.

Every change is made under the lock of the conversation's row, so two who act at once meet there.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut import rules
from sahut.errors import Conflict, NotFound
from sahut.hours import Hours
from sahut.ids import ConversationId, HandoffId
from sahut.models import (
    OPEN_HANDOFF,
    Conversation,
    Handoff,
    HandoffState,
    Holder,
    Message,
    Purpose,
    State,
    Status,
)
from sahut.rules import Actor
from sahut.store import files, forms, grants, hooks, numbers
from sahut.store.audit import audit
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
    suggestion: str = "",
) -> bool:
    """Queue a request for a human; false where one is open already (it stands, nothing is asked twice).

    It is due after `rules.HANDOFF_DUE` of the organisation's business time.
    """
    handoff = Handoff(
        conversation_id=conversation_id,
        lane=lane,
        reason=reason,
        summary=summary,
        suggestion=suggestion,
        language=language,
        due_at=hours.after(now, rules.HANDOFF_DUE),
        created_at=now,
    )
    opened = await insert_once(tx, handoff)
    if opened:
        status = Status.SPAM if lane == "spam" else Status.WAITING
        await update_conversation(tx, conversation_id, status=status, updated_at=now)
        if status == Status.SPAM:
            await files.quarantine(tx, conversation_id)
        await hooks.note(tx, "handoff.opened", {"handoff": data_of(handoff)}, now=now)
    return opened


async def claim(tx: Tx, handoff_id: HandoffId, *, actor: Actor, now: datetime) -> Handoff:
    """Make the actor the one who answers. Raises `Conflict` for the second who tries, `NotFound`."""
    handoff = await tx.get(Handoff, handoff_id)
    if handoff is None:
        raise NotFound(f"There is no handoff {handoff_id}.")
    conversation = await _locked_for(tx, handoff.conversation_id, actor)
    await tx.refresh(handoff)
    if handoff.state != HandoffState.QUEUED:
        by = f" by {handoff.claimed_by}" if handoff.claimed_by else ""
        raise Conflict(f"This handoff is already {handoff.state}{by}.")
    await _hold(tx, conversation, actor, now)
    audit(tx, actor, "take_over", conversation.id, now)
    await tx.refresh(handoff)
    return handoff


async def take_over(tx: Tx, conversation_id: ConversationId, *, actor: Actor, now: datetime) -> None:
    """The actor holds the conversation, whoever held it before: the assistant is silent from this commit on.

    Messages not answered yet are the operator's; a draft that is being made becomes stale.
    """
    conversation = await _locked(tx, conversation_id)
    await _hold(tx, conversation, actor, now)
    audit(tx, actor, "take_over", conversation_id, now, held_by=conversation.held_by)


async def speak(tx: Tx, conversation_id: ConversationId, *, actor: Actor, now: datetime) -> Conversation:
    """The conversation, where the actor may write: taken over if nobody held it. Raises `Conflict`, `NotFound`.

    Who is set over the holder may put a word in without taking the conversation away.
    """
    conversation = await _locked_for(tx, conversation_id, actor)
    if conversation.holder != Holder.OPERATOR or conversation.held_by is None:
        await _hold(tx, conversation, actor, now)
        audit(tx, actor, "take_over", conversation_id, now)
    else:
        await update_conversation(tx, conversation_id, updated_at=now)
    if conversation.standby_at is not None:
        # Whoever sends becomes the owner of the thread.
        await update_conversation(tx, conversation_id, owned_at=now)
    return conversation


async def app_speaks(tx: Tx, conversation: Conversation, *, actor: Actor, until: datetime, now: datetime) -> None:
    """A colleague answered from the phone app (`actor`): the assistant is silent there, `until` then at least.

    Whoever holds the conversation keeps it. The conversation is locked.
    """
    if conversation.held_by not in (None, actor.id):
        await update_conversation(tx, conversation.id, updated_at=now)
        return
    if conversation.held_by is None:
        await _hold(tx, conversation, actor, now)
        audit(tx, actor, "take_over", conversation.id, now)
    known = conversation.held_until if conversation.held_by == actor.id else None
    await update_conversation(tx, conversation.id, held_until=until if known is None else max(known, until))


async def app_lets_go(tx: Tx, conversation: Conversation, *, actor: Actor, now: datetime) -> None:
    """The colleague at the phone has been silent for long: the assistant answers again. The conversation is locked."""
    await _close(tx, conversation.id, HandoffState.RETURNED, note="", now=now)
    await _let_go(tx, conversation, Status.OPEN, now)
    audit(tx, actor, "return", conversation.id, now)


async def assign(tx: Tx, conversation_id: ConversationId, *, to: Actor, actor: Actor, now: datetime) -> None:
    """Give the conversation to a colleague. Raises `Conflict` where somebody else holds it."""
    conversation = await _locked_for(tx, conversation_id, actor)
    await _hold(tx, conversation, to, now)
    audit(tx, actor, "assign", conversation_id, now, to=to.id)


async def give_back(tx: Tx, conversation_id: ConversationId, *, actor: Actor, now: datetime) -> None:
    """The assistant answers again from the next message on."""
    conversation = await _locked_for(tx, conversation_id, actor)
    await _close(tx, conversation_id, HandoffState.RETURNED, note="", now=now)
    await _let_go(tx, conversation, Status.OPEN, now)
    audit(tx, actor, "return", conversation_id, now)


async def resolve(tx: Tx, conversation_id: ConversationId, *, actor: Actor, note: str, now: datetime) -> None:
    """The matter is closed. The next message opens the conversation again, with the assistant.

    So does one that came just before and waits for the assistant still.
    """
    conversation = await _locked_for(tx, conversation_id, actor)
    await _close(tx, conversation_id, HandoffState.RESOLVED, note=note, now=now)
    await forms.close_open(tx, conversation_id, now=now)
    await _let_go(tx, conversation, Status.RESOLVED, now)
    audit(tx, actor, "resolve", conversation_id, now)


async def mark_spam(tx: Tx, conversation_id: ConversationId, *, actor: Actor, now: datetime) -> None:
    """Quarantine: stored, never answered, until somebody takes it back."""
    conversation = await _locked_for(tx, conversation_id, actor)
    await _close(tx, conversation_id, HandoffState.RESOLVED, note="spam", now=now)
    await _let_go(tx, conversation, Status.SPAM, now)
    await files.quarantine(tx, conversation_id)
    audit(tx, actor, "spam", conversation_id, now)


async def mark_not_spam(tx: Tx, conversation_id: ConversationId, *, actor: Actor, now: datetime) -> None:
    """Undo the quarantine and let the assistant answer the last message that was kept from it."""
    conversation = await _locked_for(tx, conversation_id, actor)
    if conversation.status != Status.SPAM:
        raise Conflict(f"This conversation is not marked as spam, it is {conversation.status}.")
    await _close(tx, conversation_id, HandoffState.RETURNED, note="not spam", now=now)
    await _let_go(tx, conversation, Status.OPEN, now)
    await update_conversation(tx, conversation_id, cleared_version=conversation.inbox_version + 1)
    await _reopen_last_message(tx, conversation_id, now)
    audit(tx, actor, "not_spam", conversation_id, now)


async def due(tx: Tx, *, now: datetime, limit: int) -> list[Handoff]:
    """Support handoffs that nobody claimed by their due time and whose customer has not been told, but can be."""
    query = (
        select(Handoff)
        .join(Conversation, col(Conversation.id) == col(Handoff.conversation_id))
        .where(
            Handoff.state == HandoffState.QUEUED,
            Handoff.due_at <= now,
            Handoff.lane == "support",
            col(Handoff.noticed_at).is_(None),
            col(Conversation.number).not_in(numbers.GONE),
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


async def open_one(tx: Tx, conversation_id: str) -> Handoff | None:
    """The request for a human that is open in a conversation, as it is by now; at most one is."""
    query = select(Handoff).where(Handoff.conversation_id == conversation_id, col(Handoff.state).in_(OPEN_HANDOFF))
    return (await tx.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


async def _locked(tx: Tx, conversation_id: str) -> Conversation:
    conversation = await lock_conversation(tx, conversation_id)
    if conversation is None:
        raise NotFound(f"There is no conversation {conversation_id}.")
    return conversation


async def _locked_for(tx: Tx, conversation_id: str, actor: Actor) -> Conversation:
    """The conversation, locked, where the actor may act; else `Conflict`, which names who holds it."""
    conversation = await _locked(tx, conversation_id)
    if not rules.may_act(actor, held_by=conversation.held_by):
        holder = conversation.held_by_name or "somebody else"
        raise Conflict(f"This conversation is held by {holder}. Take it over first, or ask them to return it.")
    return conversation


async def _hold(tx: Tx, conversation: Conversation, actor: Actor, now: datetime) -> None:
    """The actor holds the conversation, and its open handoff with it."""
    await tx.execute(
        sa.update(Handoff)
        .where(col(Handoff.conversation_id) == conversation.id, col(Handoff.state).in_(OPEN_HANDOFF))
        .values(state=HandoffState.CLAIMED, claimed_by=actor.name, claimed_at=now)
    )
    await grants.void(tx, conversation.id, whose="customer")
    held = {"held_by": actor.id, "held_by_name": actor.name}
    await _change_speaker(tx, conversation, now=now, holder=Holder.OPERATOR, **held)


async def _let_go(tx: Tx, conversation: Conversation, status: Status, now: datetime) -> None:
    await grants.void(tx, conversation.id)
    if status != Status.SPAM and conversation.undone_since and rules.speaker_of(conversation) == "assistant":
        # The customer has just written, and it is the assistant's to answer: nobody else would.
        version = conversation.inbox_version + 1
        await update_conversation(tx, conversation.id, inbox_version=version, status=Status.OPEN, updated_at=now)
        return
    free = {"held_by": None, "held_by_name": None}
    await _change_speaker(tx, conversation, now=now, holder=Holder.ASSISTANT, status=status, **free)


async def _change_speaker(tx: Tx, conversation: Conversation, *, now: datetime, holder: Holder, **changes: Any) -> None:
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
        inbox_version=conversation.inbox_version + 1,
        undone_since=None,
        wake_at=None,
        updated_at=now,
        **changes,
    )


async def _close(tx: Tx, conversation_id: str, state: HandoffState, *, note: str, now: datetime) -> None:
    handoff = await open_one(tx, conversation_id)
    if handoff is None:
        return
    handoff.state, handoff.closed_at, handoff.note = state, now, note
    await tx.flush()
    if state == HandoffState.RESOLVED:
        await hooks.note(tx, "handoff.resolved", {"handoff": data_of(handoff)}, now=now)


def data_of(handoff: Handoff) -> dict[str, Any]:
    """A handoff as outgoing webhooks tell of it; what customers wrote stays in the conversation."""
    shown = {"id", "conversation_id", "state", "lane", "reason", "language", "due_at", "claimed_by", "closed_at"}
    return handoff.model_dump(mode="json", include=shown)


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
    # An acknowledgement is no answer, and what was dropped or failed was none.
    answered = select(Message.id).where(
        Message.conversation_id == conversation_id,
        col(Message.id) > last.id,
        col(Message.purpose).in_((Purpose.REPLY, Purpose.OPERATOR)),
        col(Message.state).not_in((State.DROPPED, State.FAILED)),
    )
    if (await tx.execute(answered.limit(1))).scalar_one_or_none() is None:
        last.done_at = None
        await tx.flush()
        await update_conversation(tx, conversation_id, undone_since=now, wake_at=now)
