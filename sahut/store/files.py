"""Files that came in: which must be fetched now, and what became of each. Knows no network and no disk.

Every outcome is tied to its try (`tries`), so that whoever comes late cannot touch what somebody else has settled.
What comes with spam is fetched only when an operator opens it: nobody's disk is filled by it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.errors import NotFound
from sahut.events import File
from sahut.models import KEPT_SQL, Conversation, InboundFile, MediaState, Message, State, Status
from sahut.store.database import Tx, changed, insert_once, table_of
from sahut.store.rows import lock_conversation, update_conversation

# Meta keeps a file that came with a webhook for 7 days.
GOOD_FOR = timedelta(days=7)
LEASE = timedelta(seconds=300)
# Twice as long each time, up to an hour and a half.
FIRST_RETRY = timedelta(seconds=5)
MOST_DOUBLINGS = 10
KEPT_LONG_ENOUGH = "The file was kept for {days} days, as long as files are kept here (SAHUT_FILES_KEPT_DAYS)."
LOST_AT_META = "WhatsApp itself could not take this file: ask the customer to send it again."

# Built once.
_FILE = table_of(InboundFile)
_AWAITED = (
    sa.select(_FILE.c.message_id)
    .where(_FILE.c.conversation_id == sa.bindparam("key"), _FILE.c.due_at.is_not(None))
    .limit(1)
)


async def note(tx: Tx, message_id: str, conversation_id: str, number: str, told: File, *, now: datetime) -> None:
    """A message brought a file: it is fetched in the background, or waits until somebody opens it.

    Not where the message was withdrawn before it came.
    """
    if await tx.scalar(select(Message.revoked_at).where(Message.id == message_id)) is not None:
        return
    quarantined = select(Conversation.status).where(Conversation.id == conversation_id)
    is_spam = await tx.scalar(quarantined) == Status.SPAM
    state = MediaState.LOST if told.id is None else MediaState.WAITING if is_spam else MediaState.WANTED
    row = InboundFile(
        message_id=message_id,
        conversation_id=conversation_id,
        number=number,
        media_id=told.id,
        told_type=told.media_type,
        told_sha256=told.sha256,
        filename=told.filename,
        voice=told.voice,
        state=state,
        due_at=now if state == MediaState.WANTED else None,
        error=LOST_AT_META if told.id is None else "",
        created_at=now,
    )
    await insert_once(tx, row)


async def quarantine(tx: Tx, conversation_id: str) -> None:
    """What was not fetched yet waits until an operator opens it."""
    mine = sa.and_(_FILE.c.conversation_id == conversation_id, _FILE.c.state == MediaState.WANTED)
    await tx.execute(sa.update(_FILE).where(mine).values(state=MediaState.WAITING, due_at=None))


async def due(tx: Tx, *, now: datetime, message_id: str | None = None) -> str | None:
    """The message whose file must be looked at next, or whether that of one message must."""
    query = sa.select(_FILE.c.message_id).where(_FILE.c.due_at <= now).order_by(_FILE.c.due_at).limit(1)
    if message_id is not None:
        query = query.where(_FILE.c.message_id == message_id)
    return (await tx.execute(query)).scalar_one_or_none()


async def is_awaited(tx: Tx, conversation_id: str) -> bool:
    """Whether a file of the conversation is still to be fetched or read."""
    return (await tx.execute(_AWAITED, {"key": conversation_id})).first() is not None


async def claim(tx: Tx, message_id: str, *, now: datetime) -> InboundFile | None:
    """That file, kept from others for `LEASE`; `None` where somebody else was first."""
    mine = sa.and_(_FILE.c.message_id == message_id, _FILE.c.due_at <= now)
    leased = sa.update(_FILE).where(mine).values(due_at=now + LEASE, tries=_FILE.c.tries + 1)
    taken = (await tx.execute(leased.returning(_FILE.c.message_id))).scalar_one_or_none()
    return None if taken is None else await tx.get(InboundFile, taken, populate_existing=True)


async def kept(tx: Tx, file: InboundFile, *, digest: str, media_type: str, size_bytes: int, now: datetime) -> bool:
    """The bytes are on the shelf; what can be read in them is looked at next. Whether this try was still awaited."""
    told = {"hash": digest, "media_type": media_type, "size_bytes": size_bytes, "error": ""}
    return await _settle(tx, file, {"state": MediaState.KEPT, "due_at": now + LEASE, **told})


async def read(tx: Tx, file: InboundFile, text: str, *, error: str = "", speaks: bool, now: datetime) -> None:
    """What could be read or heard; the conversation's turn need not wait any longer. `speaks`: it is what was said."""
    await lock_conversation(tx, file.conversation_id)  # before its messages and files, as everywhere
    if not await _settle(tx, file, {"text": text, "error": error, "due_at": None}):
        return
    if speaks and text:
        await tx.execute(
            sa.update(Message)
            .where(col(Message.id) == file.message_id, col(Message.revoked_at).is_(None))
            .values(text=text)
        )
    await _let_turn_go(tx, file, now)


async def failed(tx: Tx, file: InboundFile, *, state: MediaState, error: str, now: datetime) -> None:
    """There is no such file, or it is not what it must be: nobody tries again."""
    await lock_conversation(tx, file.conversation_id)
    if await _settle(tx, file, {"state": state, "error": error, "due_at": None}):
        await _let_turn_go(tx, file, now)


async def words_with(tx: Tx, file: InboundFile) -> str:
    """What the customer said with a file and has no answer to yet, a line for each message."""
    query = (
        select(Message.text)
        .where(
            col(Message.conversation_id) == file.conversation_id,
            col(Message.state) == State.RECEIVED,
            col(Message.done_at).is_(None),
        )
        .order_by(col(Message.id))
    )
    return "\n".join(text for text in (await tx.execute(query)).scalars() if text.strip())


async def left(tx: Tx, file: InboundFile, *, now: datetime) -> None:
    """It is not fetched until an operator opens it; the conversation's turn does not wait for it."""
    await lock_conversation(tx, file.conversation_id)
    await _update(tx, file, {"state": MediaState.WAITING, "due_at": None})
    await _let_turn_go(tx, file, now)


async def later(tx: Tx, file: InboundFile, *, error: str, now: datetime) -> None:
    """It could not be fetched, or read, now: again after a while, until Meta has let go of it."""
    wait = FIRST_RETRY * (1 << min(file.tries - 1, MOST_DOUBLINGS))
    if file.state == MediaState.KEPT:
        await read(tx, file, "", error=error, speaks=False, now=now)
    elif now + wait > file.created_at + GOOD_FOR:
        await failed(tx, file, state=MediaState.LOST, error=error, now=now)
    else:
        await _settle(tx, file, {"error": error, "due_at": now + wait})


async def opened(tx: Tx, message_id: str, *, now: datetime) -> InboundFile:
    """The file of a message that an operator wants to see; one that waits, or whose next try is far off, is wanted now.

    Raises `NotFound`.
    """
    file = await tx.get(InboundFile, message_id, populate_existing=True)
    if file is None:
        raise NotFound("This message has no file, or it was withdrawn.")
    rests = file.state == MediaState.WANTED and file.due_at is not None and file.due_at > now + LEASE
    if file.state == MediaState.WAITING or rests:
        await _update(tx, file, {"state": MediaState.WANTED, "due_at": now, "error": ""})
        await tx.refresh(file)
    return file


async def forget(tx: Tx, *, before: datetime, error: str, limit: int) -> int:
    """Let go of files that came before then, and of what was read in them; how many. The rows say why (`error`)."""
    old = sa.select(_FILE.c.message_id).where(KEPT_SQL, _FILE.c.due_at.is_(None), _FILE.c.created_at < before)
    # What somebody else is at is let be: they may wait for a row that is locked here already.
    batch = old.order_by(_FILE.c.created_at).limit(limit).with_for_update(skip_locked=True)
    gone = {"state": MediaState.FORGOTTEN, "hash": None, "text": "", "error": error}
    mine = sa.update(_FILE).where(_FILE.c.message_id.in_(batch.scalar_subquery()))
    found = await tx.execute(mine.values(**gone).returning(_FILE.c.conversation_id))
    forgotten = list(found.scalars())
    for conversation_id in forgotten:
        changed(tx, conversation_id)
    return len(forgotten)


async def named(tx: Tx, digests: Collection[str]) -> set[str]:
    """Those of these hashes that some message's file has."""
    query = sa.select(_FILE.c.hash).where(_FILE.c.hash.in_(digests)).distinct()
    return {str(digest) for digest in (await tx.execute(query)).scalars()}


async def of_messages(tx: Tx, message_ids: list[str]) -> dict[str, InboundFile]:
    """The files of these messages, by message."""
    if not message_ids:
        return {}
    query = select(InboundFile).where(col(InboundFile.message_id).in_(message_ids))
    return {row.message_id: row for row in (await tx.execute(query)).scalars()}


async def read_in(tx: Tx, message_ids: list[str]) -> dict[str, str]:
    """The text of these messages' files, by message."""
    return {key: file.text for key, file in (await of_messages(tx, message_ids)).items() if file.text}


async def _settle(tx: Tx, file: InboundFile, values: dict[str, Any]) -> bool:
    """Write down what became of a try, unless it lost its lease and a later one was begun, or it was settled."""
    mine = sa.and_(_FILE.c.message_id == file.message_id, _FILE.c.tries == file.tries, _FILE.c.due_at.is_not(None))
    found = await tx.execute(sa.update(_FILE).where(mine).values(**values).returning(_FILE.c.message_id))
    if found.first() is None:
        return False
    changed(tx, file.conversation_id)
    return True


async def _update(tx: Tx, file: InboundFile, values: dict[str, Any]) -> None:
    await tx.execute(sa.update(_FILE).where(_FILE.c.message_id == file.message_id).values(**values))
    changed(tx, file.conversation_id)


async def _let_turn_go(tx: Tx, file: InboundFile, now: datetime) -> None:
    """The turn over this message may have waited for its file: now it may begin, unless another is still to come.

    Not before the customer has been silent for long enough, nor where it waits to be tried again.
    """
    waits = sa.select(_FILE.c.message_id).where(
        _FILE.c.conversation_id == file.conversation_id, _FILE.c.due_at.is_not(None), _FILE.c.state != MediaState.LOST
    )
    if (await tx.execute(waits.limit(1))).first() is not None:
        return
    conversation = await lock_conversation(tx, file.conversation_id)
    if conversation is None or conversation.undone_since is None or conversation.wake_at is None:
        return
    at = max(now, conversation.quiet_at or now)
    if at < conversation.wake_at and not conversation.attempts:
        await update_conversation(tx, conversation.id, wake_at=at)
