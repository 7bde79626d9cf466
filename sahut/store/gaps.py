"""Gaps: questions that went to humans for want of an answer, sorted by what they ask. Knows no model and no draft."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.errors import NotFound
from sahut.models import Author, Contact, Conversation, Gap, GapQuestion, GapState, Message, Purpose
from sahut.store.database import Tx, insert_once
from sahut.turn import Reply, Turn

REASONS = ("no_answer", "low_confidence")
MOST_TEXT = 2000
# So long after a question what an operator writes there counts as its answer, and so many messages of it.
_ANSWERED_WITHIN = timedelta(days=2)
_MOST_ANSWERS = 5


@dataclass(frozen=True)
class Counted:
    """A gap with how often it was asked, when last, and how many of the questions are answered by now."""

    gap: Gap
    questions: int
    answered: int
    last_at: datetime


@dataclass(frozen=True)
class Answer:
    """What an operator wrote after a question; `contact_name` is whom it was written to."""

    question_id: str
    text: str
    author_name: str
    contact_name: str
    created_at: datetime


async def note(tx: Tx, turn: Turn, reply: Reply, *, now: datetime) -> None:
    """Keep the question of a turn that ended with a human because the documents had no answer."""
    if reply.decision != "hand_off" or reply.reason not in REASONS:
        return
    text = _unanswered(turn, reply).strip()[:MOST_TEXT]
    if text:
        question = GapQuestion(
            conversation_id=turn.conversation_id,
            turn_id=turn.id,
            text=text,
            language=reply.language,
            reason=reply.reason,
            created_at=now,
        )
        await insert_once(tx, question)


def _unanswered(turn: Turn, reply: Reply) -> str:
    """What was searched for in vain; of several questions the first that stayed open."""
    for exchange in reversed(reply.exchanges):
        if exchange.get("kind") == "parts":
            return next((part["asked"] for part in exchange["parts"] if part["open"]), turn.text)
        if exchange.get("kind") == "retrieval":
            return str(exchange["question"])
    return turn.text


async def loose(tx: Tx, *, limit: int) -> Sequence[GapQuestion]:
    """Questions that belong to no gap yet, oldest first."""
    query = select(GapQuestion).where(col(GapQuestion.gap_id).is_(None)).order_by(col(GapQuestion.id)).limit(limit)
    return (await tx.execute(query)).scalars().all()


async def sorted_in(tx: Tx, embedder: str, *, limit: int) -> list[tuple[str, bytes]]:
    """(gap id, vector) of the newest questions that are sorted in, in this embedder's space."""
    query = (
        sa.select(col(GapQuestion.gap_id), col(GapQuestion.vector))
        .where(col(GapQuestion.gap_id).is_not(None), col(GapQuestion.embedder) == embedder)
        .order_by(col(GapQuestion.id).desc())
        .limit(limit)
    )
    return [(str(gap_id), vector) for gap_id, vector in (await tx.execute(query)).all() if vector is not None]


async def sort_in(
    tx: Tx, question: GapQuestion, gap_id: str | None, *, embedder: str, vector: bytes, now: datetime
) -> str:
    """Put a question into a gap, or into a new one; the gap's id. A published gap is open again by it."""
    if gap_id is None:
        gap = Gap(title=question.text, language=question.language, created_at=question.created_at, updated_at=now)
        tx.add(gap)
        await tx.flush()
        gap_id = gap.id
    loose_still = (col(GapQuestion.id) == question.id, col(GapQuestion.gap_id).is_(None))
    taken = sa.update(GapQuestion).where(*loose_still).values(gap_id=gap_id, embedder=embedder, vector=vector)
    await tx.execute(taken)
    published = (col(Gap.id) == gap_id, col(Gap.state) == GapState.PUBLISHED)
    await tx.execute(sa.update(Gap).where(*published).values(state=GapState.OPEN, updated_at=now))
    return gap_id


async def listed(tx: Tx, *, state: str | None, after: str | None, limit: int) -> list[Counted]:
    """Gaps, the ones that began first first."""
    query = _COUNTED.order_by(col(Gap.id)).limit(limit)
    if state is not None:
        query = query.where(col(Gap.state) == state)
    if after is not None:
        query = query.where(col(Gap.id) > after)
    return [Counted(*row) for row in (await tx.execute(query)).all()]


async def most_asked(tx: Tx, *, state: str, limit: int) -> list[Counted]:
    """Gaps of a state, the most asked ones first."""
    query = _COUNTED.where(col(Gap.state) == state).order_by(_ASKED.desc(), _LAST.desc()).limit(limit)
    return [Counted(*row) for row in (await tx.execute(query)).all()]


async def get(tx: Tx, gap_id: str) -> Counted:
    """One gap. Raises `NotFound`."""
    row = (await tx.execute(_COUNTED.where(col(Gap.id) == gap_id))).one_or_none()
    if row is None:
        raise NotFound(f"There is no gap {gap_id}.")
    return Counted(*row)


async def questions(tx: Tx, gap_id: str, *, limit: int) -> Sequence[GapQuestion]:
    """What was asked, newest first."""
    query = select(GapQuestion).where(GapQuestion.gap_id == gap_id).order_by(col(GapQuestion.id).desc()).limit(limit)
    return (await tx.execute(query)).scalars().all()


async def answers(tx: Tx, asked: Sequence[GapQuestion]) -> list[Answer]:
    """What operators wrote to whoever asked, until the next question of theirs that nobody could answer."""
    found: list[Answer] = []
    for question in asked:
        end = await _next_question(tx, question) or question.created_at + _ANSWERED_WITHIN
        query = (
            select(Message)
            .where(
                Message.conversation_id == question.conversation_id,
                Message.author == Author.OPERATOR,
                Message.purpose == Purpose.OPERATOR,
                Message.kind == "text",
                col(Message.created_at) >= question.created_at,
                col(Message.created_at) < end,
            )
            .order_by(col(Message.id))
            .limit(_MOST_ANSWERS)
        )
        name = await _contact_name(tx, question.conversation_id)
        found.extend(
            Answer(question.id, message.text, message.author_name, name, message.created_at)
            for message in (await tx.execute(query)).scalars()
        )
    return found


async def settle(tx: Tx, question_id: str, *, answer: str, cited: Sequence[str], answered_at: datetime | None) -> None:
    """Write down what a question is answered by now."""
    changes = {"answer": answer, "cited": list(cited), "answered_at": answered_at}
    await tx.execute(sa.update(GapQuestion).where(col(GapQuestion.id) == question_id).values(**changes))


async def change(tx: Tx, gap_id: str, **changes: Any) -> None:
    """Set columns of a gap."""
    await tx.execute(sa.update(Gap).where(col(Gap.id) == gap_id).values(**changes))


async def forget(tx: Tx, *, before: datetime) -> None:
    """Let go of what was asked before then, and of gaps that nothing is left of."""
    await tx.execute(sa.delete(GapQuestion).where(col(GapQuestion.created_at) < before))
    left = select(GapQuestion.id).where(col(GapQuestion.gap_id) == col(Gap.id)).exists()
    await tx.execute(sa.delete(Gap).where(~left))


_ASKED = sa.func.count(col(GapQuestion.id))
_LAST = sa.func.max(col(GapQuestion.created_at))
_COUNTED: Any = (
    sa.select(Gap, _ASKED, sa.func.count(col(GapQuestion.answered_at)), _LAST)
    .join(GapQuestion, col(GapQuestion.gap_id) == col(Gap.id))
    .group_by(*Gap.__table__.c)  # type: ignore[attr-defined]
)


async def _next_question(tx: Tx, question: GapQuestion) -> datetime | None:
    later = select(sa.func.min(GapQuestion.created_at)).where(
        GapQuestion.conversation_id == question.conversation_id, col(GapQuestion.id) > question.id
    )
    return (await tx.execute(later)).scalar_one_or_none()


async def _contact_name(tx: Tx, conversation_id: str) -> str:
    query = (
        select(Contact.name)
        .join(Conversation, col(Conversation.contact_id) == col(Contact.id))
        .where(col(Conversation.id) == conversation_id)
    )
    return str((await tx.execute(query)).scalar_one_or_none() or "")
