"""What operators marked, for the screen to learn from. Knows no screen and no embedder."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.models import Author, Message, ScreenMark, State
from sahut.rules import Actor
from sahut.store.audit import audit
from sahut.store.database import Tx

# The newest of them count; older ones are left in the table and unread.
MOST_MARKS = 2000
_MOST_MESSAGES = 5


class Version(NamedTuple):
    """Names the state of the marks: another one means that something was marked or unmarked."""

    marks: int
    newest: datetime | None


async def words_of(tx: Tx, conversation_id: str) -> str:
    """What the customer wrote last in a conversation, for its meaning; empty where they wrote nothing."""
    query = (
        select(Message.text)
        .where(
            Message.conversation_id == conversation_id,
            Message.author == Author.CONTACT,
            Message.state == State.RECEIVED,
            col(Message.text) != "",
        )
        .order_by(col(Message.id).desc())
        .limit(_MOST_MESSAGES)
    )
    return "\n".join(reversed((await tx.execute(query)).scalars().all()))


async def mark(
    tx: Tx, conversation_id: str, *, is_spam: bool, space: str, vector: bytes, actor: Actor, now: datetime
) -> None:
    """Learn it, in place of what was learned of the conversation before."""
    await tx.execute(sa.delete(ScreenMark).where(col(ScreenMark.conversation_id) == conversation_id))
    row = ScreenMark(
        conversation_id=conversation_id,
        is_spam=is_spam,
        space=space,
        vector=vector,
        marked_by=actor.name,
        marked_at=now,
    )
    tx.add(row)
    audit(tx, actor, "screen_learned", conversation_id, now, spam=is_spam)


async def version(tx: Tx, space: str) -> Version:
    """The state of the marks in a vector space."""
    query = select(sa.func.count(), sa.func.max(ScreenMark.marked_at)).where(ScreenMark.space == space)
    count, newest = (await tx.execute(query)).one()
    return Version(count, newest)


async def read(tx: Tx, space: str) -> Sequence[tuple[bytes, bool]]:
    """The newest marks: vectors as they were kept, and whether each is spam."""
    query = (
        select(ScreenMark.vector, ScreenMark.is_spam)
        .where(ScreenMark.space == space)
        .order_by(col(ScreenMark.marked_at).desc())
        .limit(MOST_MARKS)
    )
    return [(bytes(vector), bool(is_spam)) for vector, is_spam in (await tx.execute(query)).all()]
