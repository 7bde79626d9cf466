"""Turns: leasing a conversation, freezing what the assistant may know, recording what it answered.

The lease keeps two turns of a conversation apart; the fencing number and the inbox version, checked in the
transaction that records, keep a late or stale draft out. Knows nothing of models or WhatsApp.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut import rules
from sahut.hours import parse_hours
from sahut.ids import ConversationId
from sahut.models import (
    Author,
    CitationRow,
    Conversation,
    Message,
    Purpose,
    Receipt,
    State,
    TurnRecord,
)
from sahut.store import forms, gaps, grants, handoffs, memory, outbox, people, ratings, snapshot
from sahut.store.database import Tx, insert, table_of
from sahut.store.rows import lock_conversation, update_conversation
from sahut.turn import Guidance, Reply, Turn

# What shapes the answers of a number, and what tells it by now. Raises `StoreUnavailable`.
GuidanceOf = Callable[[str], Guidance]
Guide = Callable[[], Awaitable[GuidanceOf]]

# Built once.
_MESSAGE = table_of(Message)
_TAKE_UP = sa.update(_MESSAGE).where(
    _MESSAGE.c.conversation_id == sa.bindparam("conversation"),
    _MESSAGE.c.state == State.RECEIVED,
    _MESSAGE.c.done_at.is_(None),
)


@dataclass(frozen=True)
class Claim:
    """A leased turn. `exhausted`: earlier tries died, so a human takes it."""

    turn: Turn
    number: str
    fence: int
    inbox_version: int
    exhausted: bool

    @property
    def conversation_id(self) -> ConversationId:
        return self.turn.conversation_id


@dataclass(frozen=True)
class NotYet:
    """A burst is still coming: the conversation may be taken up at `until`."""

    until: datetime


async def claim(
    tx: Tx, conversation_id: ConversationId, *, worker: str, now: datetime, lease: timedelta, guidance: GuidanceOf
) -> Claim | NotYet | None:
    """Lease the conversation and freeze its turn. `None` where there is nothing to do or another worker does it."""
    conversation = await lock_conversation(tx, conversation_id)
    if conversation is None or conversation.undone_since is None:
        return None
    if not rules.may_lease(leased_until=conversation.leased_until, now=now):
        return None
    if conversation.wake_at is not None and conversation.wake_at > now:
        return NotYet(conversation.wake_at)
    if rules.speaker_of(conversation) != "assistant":
        await finish_burst(tx, conversation_id, now=now)
        return None
    fence, attempts = conversation.fence + 1, conversation.attempts + 1
    await update_conversation(
        tx, conversation_id, fence=fence, attempts=attempts, leased_by=worker, leased_until=now + lease
    )
    turn = await snapshot.freeze(tx, conversation, now=now, guidance=guidance(conversation.number))
    return Claim(
        turn=turn,
        number=conversation.number,
        fence=fence,
        inbox_version=conversation.inbox_version,
        exhausted=attempts > rules.MAX_TURN_ATTEMPTS,
    )


async def release(tx: Tx, claim: Claim, *, wake_at: datetime) -> None:
    """Give the lease back after a try that raised; the turn may begin again at `wake_at`."""
    await tx.execute(
        sa.update(Conversation)
        .where(col(Conversation.id) == claim.conversation_id, col(Conversation.fence) == claim.fence)
        .values(leased_by=None, leased_until=None, wake_at=wake_at, attempts=col(Conversation.attempts) + 1)
    )


async def record(tx: Tx, claim: Claim, reply: Reply, *, body: dict[str, Any], now: datetime) -> rules.Outcome:
    """Make the draft the reply, in one transaction, or drop it.

    `body` is Meta's message object for `reply.text`. Whatever the outcome, the turn's record is kept.
    """
    conversation = await lock_conversation(tx, claim.conversation_id)
    if conversation is None:
        return "lease_lost"
    outcome = rules.may_record(
        fence=conversation.fence,
        held_fence=claim.fence,
        inbox_version=conversation.inbox_version,
        seen_version=claim.inbox_version,
        speaker=rules.speaker_of(conversation),
    )
    await insert(tx, _turn_record(claim, reply, outcome, now))
    if outcome == "recorded":
        await _record_reply(tx, conversation, claim, reply, body=body, now=now)
    elif outcome == "newer_message":
        await update_conversation(tx, conversation.id, leased_by=None, leased_until=None, attempts=0)
    elif outcome == "taken_over":
        await finish_burst(tx, claim.conversation_id, now=now)
    return outcome


async def finish_burst(tx: Tx, conversation_id: ConversationId, *, now: datetime, **changes: Any) -> None:
    """Every message so far is taken up (answered, an operator's, or met by silence); the lease is free.

    `changes` are other columns of the conversation that change with it.
    """
    await tx.execute(_TAKE_UP, {"conversation": conversation_id, "done_at": now})
    free = {"undone_since": None, "wake_at": None, "leased_by": None, "leased_until": None, "attempts": 0}
    await update_conversation(tx, conversation_id, **free, **changes)


async def undone(tx: Tx, *, now: datetime, limit: int) -> list[ConversationId]:
    """Conversations whose turn is due and that nobody holds: what a crash or a lost wake-up left behind."""
    query = (
        select(Conversation.id)
        .where(
            col(Conversation.undone_since).is_not(None),
            col(Conversation.wake_at) <= now,
            sa.or_(col(Conversation.leased_until).is_(None), col(Conversation.leased_until) <= now),
        )
        .order_by(col(Conversation.wake_at))
        .limit(limit)
    )
    return [ConversationId(row) for row in (await tx.execute(query)).scalars()]


async def free_leases(tx: Tx, *, worker: str | None = None) -> None:
    """End the leases of a worker that stops, or every lease where a worker starts that knows it is the only one.

    Fences keep a mistake harmless.
    """
    leased = col(Conversation.leased_until).is_not(None) if worker is None else col(Conversation.leased_by) == worker
    await tx.execute(sa.update(Conversation).where(leased).values(leased_by=None, leased_until=None))


async def forget(tx: Tx, *, before: datetime) -> None:
    """Let go of turn records that ended before then. Messages and receipts stay."""
    await tx.execute(sa.delete(TurnRecord).where(col(TurnRecord.ended_at) < before))


def _turn_record(claim: Claim, reply: Reply, outcome: str, now: datetime) -> TurnRecord:
    return TurnRecord(
        id=claim.turn.id,
        conversation_id=claim.conversation_id,
        fence=claim.fence,
        outcome=outcome,
        cost_usd=reply.usage.cost_usd,
        turn=claim.turn.model_dump(mode="json"),
        reply=reply.model_dump(mode="json"),
        started_at=claim.turn.now,
        ended_at=now,
    )


async def _record_reply(
    tx: Tx, conversation: Conversation, claim: Claim, reply: Reply, *, body: dict[str, Any], now: datetime
) -> None:
    conversation_id = claim.conversation_id
    answered = {"answered_at": now} if reply.answers else {}
    await finish_burst(
        tx, conversation_id, now=now, language=reply.language, updated_at=now, comment_until=None, **answered
    )
    await grants.move(tx, claim.turn, reply, now=now)
    if reply.filling is not None:
        await forms.move(tx, conversation, reply.filling, language=reply.language, now=now)
    if reply.aside == "opt_out":
        await people.opt_out(tx, claim.turn.contact_id, now=now)
    elif reply.aside == "comment":
        await ratings.comment(tx, conversation_id, claim.turn.text)
    if reply.text:
        message = outbox.draft(
            conversation,
            text=reply.text,
            body=body,
            author=Author.ASSISTANT,
            purpose=Purpose.ACKNOWLEDGEMENT if reply.decision == "hand_off" else Purpose.REPLY,
            answers=claim.turn.burst[-1].wamid if claim.turn.burst else None,
            turn_id=claim.turn.id,
            now=now,
        )
        await insert(tx, message)
        await insert(tx, _receipt(message.id, claim, reply, now))
        await insert(tx, *_citations(message.id, reply))
    await memory.remember(tx, claim.turn.contact_id, conversation_id, reply.remembered, now=now)
    await gaps.note(tx, claim.turn, reply, now=now)
    if reply.decision == "hand_off":
        await handoffs.open_handoff(
            tx,
            conversation_id,
            reason=reply.reason or "rule",
            lane=reply.lane,
            summary=reply.summary,
            suggestion=reply.suggestion,
            language=reply.language,
            now=now,
            hours=parse_hours(claim.turn.guidance.business_hours, claim.turn.guidance.timezone),
        )


def _receipt(message_id: str, claim: Claim, reply: Reply, now: datetime) -> Receipt:
    return Receipt(
        message_id=message_id,
        turn_id=claim.turn.id,
        decision=reply.decision,
        confidence=reply.confidence,
        features=reply.features,
        verdict=reply.verdict.model_dump(mode="json"),
        tools=[call.model_dump(mode="json") for call in reply.tool_calls],
        model=reply.model,
        prompt_version=reply.prompt_version,
        guidance_edition=claim.turn.guidance.edition,
        calibration_version=reply.calibration_version,
        window_closes_at=claim.turn.window_closes_at,
        input_tokens=reply.usage.input_tokens,
        output_tokens=reply.usage.output_tokens,
        cost_usd=reply.usage.cost_usd,
        created_at=now,
    )


def _citations(message_id: str, reply: Reply) -> list[CitationRow]:
    return [
        CitationRow(
            message_id=message_id,
            document=citation.document,
            version=citation.version,
            start=citation.start,
            end=citation.end,
            quote=citation.quote,
        )
        for citation in reply.citations
    ]
