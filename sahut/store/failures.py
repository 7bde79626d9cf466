"""The list of messages that failed for good, until somebody tries again or dismisses them. Sends nothing."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.errors import Conflict, NotFound
from sahut.models import FAILED_SQL, Contact, Conversation, Message, State
from sahut.rules import Actor
from sahut.store.audit import audit
from sahut.store.database import Tx


async def listed(tx: Tx, *, before: str | None, limit: int) -> Sequence[tuple[Message, Contact]]:
    """What failed and was not settled, newest first, with whom it was for; strictly before the cursor."""
    query = (
        select(Message, Contact)
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .join(Contact, col(Contact.id) == col(Conversation.contact_id))
        .where(FAILED_SQL)
        .order_by(col(Message.id).desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(col(Message.id) < before)
    return [(message, contact) for message, contact in (await tx.execute(query)).all()]


async def count(tx: Tx) -> int:
    """How many wait for a decision."""
    return int((await tx.execute(select(sa.func.count()).select_from(Message).where(FAILED_SQL))).scalar_one())


async def get(tx: Tx, message_id: str) -> Message:
    """One of the list. Raises `NotFound`, `Conflict` where it has arrived after all or somebody settled it."""
    message = await tx.get(Message, message_id)
    if message is None:
        raise NotFound(f"There is no message {message_id}.")
    if message.state != State.FAILED:
        raise Conflict(f"This message has not failed: it is {message.state}.")
    if message.dismissed_at is not None:
        raise Conflict("Somebody has tried again or dismissed this message already.")
    return message


async def settle(tx: Tx, message_id: str, *, actor: Actor, action: str, now: datetime) -> None:
    """Take a message off the list; of all who try the first wins. Raises as `get`."""
    message = await get(tx, message_id)
    left = sa.update(Message).where(col(Message.id) == message_id, FAILED_SQL).values(dismissed_at=now)
    if (await tx.execute(left.returning(col(Message.id)))).first() is None:
        raise Conflict("Somebody has tried again or dismissed this message already.")
    audit(tx, actor, action, message.conversation_id, now, message=message_id, code=message.error_code)
