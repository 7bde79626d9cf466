"""What becomes of a message afterwards: reactions, edits, withdrawals, by the customer or from the phone app.

Each is a row of its own, and the row that it is about is brought up to date, in whatever order the two came. Knows
nothing of how a message is answered.
"""

from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from sahut.ids import ConversationId
from sahut.models import Conversation, InboundFile, Message, State
from sahut.store.database import Tx, table_of
from sahut.store.rows import update_conversation, update_message

KINDS = frozenset({"reaction", "edit", "revoke"})

# Built once.
_MESSAGE, _FILE = table_of(Message), table_of(InboundFile)
_NUMBER: sa.BindParameter[str] = sa.bindparam("number")
_COLUMNS = [
    _MESSAGE.c[name]
    for name in ("id", "conversation_id", "number", "wamid", "kind", "text", "author", "state", "done_at")
] + [_MESSAGE.c[name] for name in ("sent_at", "about", "edited_at", "revoked_at", "reacted_at")]
_TARGET = sa.select(*_COLUMNS).where(_MESSAGE.c.number == _NUMBER, _MESSAGE.c.wamid == sa.bindparam("wamid"))
_NEWS = (
    sa.select(*_COLUMNS)
    .where(_MESSAGE.c.number == _NUMBER, _MESSAGE.c.about == sa.bindparam("wamid"))
    .order_by(_MESSAGE.c.sent_at, _MESSAGE.c.id)
)
_LEFT = sa.select(_MESSAGE.c.id).where(
    _MESSAGE.c.conversation_id == sa.bindparam("conversation"),
    _MESSAGE.c.state == State.RECEIVED,
    _MESSAGE.c.done_at.is_(None),
)


async def apply(tx: Tx, conversation: Conversation, news: Message, *, now: datetime) -> None:
    """A change came: bring up to date what it is about, if that is here; the conversation is locked.

    Only who wrote a message may change it; anybody in the thread may react to it.
    """
    if news.about is None:
        return
    found = (await tx.execute(_TARGET, {"number": news.number, "wamid": news.about})).first()
    if found is None:
        await update_conversation(tx, conversation.id, early_news=True)
        return
    target = cast("Message", found)
    if target.conversation_id == conversation.id and await _change(tx, target, news, now=now):
        await _tell_turn(tx, conversation, now=now)


async def catch_up(tx: Tx, message: Message, *, now: datetime) -> bool:
    """Whether a message that just came in is still to be answered, by what came about it before."""
    for found in (await tx.execute(_NEWS, {"number": message.number, "wamid": message.wamid})).all():
        news = cast("Message", found)
        if news.conversation_id == message.conversation_id:
            await _change(tx, message, news, now=now)
            if news.kind == "revoke" and news.author == message.author:
                return False
    return True


async def _change(tx: Tx, target: Message, news: Message, *, now: datetime) -> bool:
    """Whether the assistant, which has not answered it yet, must look at it again."""
    if news.kind == "reaction":
        if target.reacted_at is None or target.reacted_at <= news.sent_at:
            await update_message(tx, target, reaction=news.text, reacted_at=news.sent_at)
        return False
    if news.author != target.author:
        return False
    if target.revoked_at is not None:
        await update_message(tx, news, text="", body={"type": news.kind})
        return False
    if news.kind == "revoke":
        await _withdraw(tx, target, news, now=now)
    elif target.edited_at is None or target.edited_at <= news.sent_at:
        await update_message(tx, target, text=news.text, edited_at=news.sent_at)
    return target.state == State.RECEIVED and target.done_at is None


async def _withdraw(tx: Tx, target: Message, news: Message, *, now: datetime) -> None:
    """Who takes back their words does not want them kept: they go, here and in the file that came with them."""
    changes: dict[str, Any] = {"text": "", "body": {"type": target.kind}, "revoked_at": news.sent_at, "edited_at": None}
    if target.state == State.RECEIVED and target.done_at is None:
        changes["done_at"] = now
    await update_message(tx, target, **changes)
    edits = sa.update(_MESSAGE).where(
        _MESSAGE.c.number == target.number, _MESSAGE.c.about == target.wamid, _MESSAGE.c.kind == "edit"
    )
    await tx.execute(edits.values(text="", body={"type": "edit"}))
    await tx.execute(sa.delete(_FILE).where(_FILE.c.message_id == target.id))


async def _tell_turn(tx: Tx, conversation: Conversation, *, now: datetime) -> None:
    """A draft over the old words is stale; where nothing is left to answer, no turn is needed."""
    key = ConversationId(conversation.id)
    left = (await tx.execute(_LEFT.limit(1), {"conversation": key})).first()
    rest = {} if left else {"undone_since": None, "wake_at": None}
    await update_conversation(tx, key, inbox_version=conversation.inbox_version + 1, updated_at=now, **rest)
