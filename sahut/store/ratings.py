"""What customers thought of a session: taps on the buttons of its closing message, and the comment after it.

Knows no button and no words; a tap is stored once, whatever its order.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from sahut import rules
from sahut.ids import ConversationId
from sahut.models import Closing, Conversation, Message, Purpose, State, Status
from sahut.store.database import Tx
from sahut.store.rows import update_conversation

RESOLVED, WINDOW = "resolved", "window"  # why a session was closed
_ARRIVED = (State.SENT, State.DELIVERED, State.READ)


@dataclass(frozen=True)
class Rating:
    """A tap: the closing message that it belongs to, 1 (bad) to 3 (good), and when, by the customer's clock."""

    closing_id: str
    score: int
    tapped_at: datetime


@dataclass(frozen=True)
class Summary:
    """Closing messages that arrived, and how many got each score (1 to 3)."""

    asked: int
    scores: dict[int, int]
    comments: int


async def rate(tx: Tx, conversation_id: ConversationId, rating: Rating, *, now: datetime) -> bool:
    """Store a tap; whether it is the first one of its closing message and so deserves thanks.

    One that names no closing message of this conversation changes nothing. The conversation is locked already.
    """
    query = select(Closing).where(Closing.id == rating.closing_id, Closing.conversation_id == conversation_id)
    closing = (await tx.execute(query)).scalar_one_or_none()
    if closing is None or not rules.may_rate(
        scored_at=closing.scored_at, tapped_at=rating.tapped_at, asked_at=closing.created_at
    ):
        return False
    first = closing.score is None
    closing.score, closing.scored_at = rating.score, rating.tapped_at
    await tx.flush()
    if first:
        await update_conversation(tx, conversation_id, comment_until=now + rules.COMMENT_LIFE)
    return first


async def comment(tx: Tx, conversation_id: ConversationId, words: str) -> None:
    """Put the customer's words beside their last rating. A resolved conversation is not opened by them."""
    query = (
        select(Closing)
        .where(Closing.conversation_id == conversation_id, col(Closing.score).is_not(None))
        .order_by(col(Closing.scored_at).desc())
        .limit(1)
    )
    closing = (await tx.execute(query)).scalar_one_or_none()
    if closing is None:
        return
    closing.comment = words
    await tx.flush()
    if closing.why == RESOLVED:
        await update_conversation(tx, conversation_id, status=Status.RESOLVED)


async def latest(tx: Tx, conversation_id: str) -> Closing | None:
    """The newest closing message of a conversation that was not taken back."""
    query = select(Closing).where(Closing.conversation_id == conversation_id).order_by(col(Closing.id).desc()).limit(1)
    return (await tx.execute(query)).scalar_one_or_none()


async def summary(tx: Tx, *, since: datetime) -> Summary:
    """What was asked and answered since then."""
    query = (
        select(Closing.score, sa.func.count(), sa.func.count(sa.case((col(Closing.comment) != "", 1))))
        .join(Message, col(Message.id) == col(Closing.message_id))
        .where(Closing.created_at >= since, col(Message.state).in_(_ARRIVED))
        .group_by(col(Closing.score))
    )
    asked = comments = 0
    scores = {1: 0, 2: 0, 3: 0}
    for score, count, with_comment in (await tx.execute(query)).all():
        asked, comments = asked + count, comments + with_comment
        if score is not None:
            scores[score] = count
    return Summary(asked, scores, comments)


async def overtaken(tx: Tx, message: Message, conversation: Conversation) -> bool:
    """Whether the conversation went on after this closing message was queued."""
    query = select(Closing.inbox_version).where(Closing.message_id == message.id)
    version = (await tx.execute(query)).scalar_one_or_none()
    return version is not None and version != conversation.inbox_version


async def is_closed(tx: Tx, conversation: Conversation) -> bool:
    """Whether the customer asked nothing since the last closing message: what an operator adds needs no second one."""
    query = select(Message.id).where(
        Message.conversation_id == conversation.id,
        Message.purpose == Purpose.CLOSING,
        Message.answers == conversation.last_inbound_wamid,
        Message.state != State.DROPPED,
    )
    return (await tx.execute(query.limit(1))).first() is not None


async def take_back(tx: Tx, message: Message) -> None:
    """A closing message that certainly never left: its session goes on and will have another one."""
    if message.losses or message.state != State.QUEUED:
        return
    await tx.execute(sa.delete(Closing).where(col(Closing.message_id) == message.id))
    await update_conversation(tx, message.conversation_id, answered_at=message.created_at)
