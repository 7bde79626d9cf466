"""What is remembered of customers: facts with their source, and summaries of older turns. Knows no model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from sahut import rules
from sahut.errors import NotFound
from sahut.models import Author, ContactFact, Conversation, ConversationSummary, Message, State
from sahut.rules import Actor
from sahut.store.audit import audit
from sahut.store.database import Tx, changed, insert, insert_once, table_of
from sahut.turn import HISTORY_LINES, Line, Remembered

# Of one kind so many are kept, the newest: a person has one name and perhaps several vehicles.
MOST = {"name": 1, "email": 1, "plate": 5, "order": 5}
# Lines are summed up once so many wait, before the history loses them.
LEAST_LINES = 6
MOST_LINES = 200

# Built once: every turn asks.
_FACT, _SUMMARY, _MESSAGE = table_of(ContactFact), table_of(ConversationSummary), table_of(Message)
_KNOWN = (
    sa.select(_FACT.c.kind, _FACT.c.value, _FACT.c.message_id, _FACT.c.created_at)
    .where(_FACT.c.contact_id == sa.bindparam("contact"))
    .order_by(_FACT.c.id)
)
_EARLIER = sa.select(_SUMMARY.c.text).where(_SUMMARY.c.conversation_id == sa.bindparam("conversation"))


@dataclass(frozen=True)
class Unsummed:
    """Lines, oldest first, that the history is about to lose, after what was summed up `earlier`."""

    conversation_id: str
    contact_id: str
    language: str
    earlier: str
    seen_until: str
    lines: tuple[Line, ...]
    until_id: str


async def remember(
    tx: Tx, contact_id: str, conversation_id: str, found: Iterable[Remembered], *, now: datetime
) -> None:
    """Keep what a customer said of themselves; the same again changes nothing, beyond `MOST` the oldest go."""
    for one in found:
        row = ContactFact(
            contact_id=contact_id,
            conversation_id=conversation_id,
            message_id=one.message_id,
            kind=one.kind,
            value=one.value,
            created_at=now,
        )
        if await insert_once(tx, row):
            mine = sa.and_(_FACT.c.contact_id == contact_id, _FACT.c.kind == one.kind)
            newest = sa.select(_FACT.c.id).where(mine).order_by(_FACT.c.id.desc()).limit(MOST[one.kind])
            keep = [str(key) for key in (await tx.execute(newest)).scalars()]
            await tx.execute(sa.delete(_FACT).where(mine, _FACT.c.id.not_in(keep)))


async def known(tx: Tx, contact_id: str, *, since: datetime | None) -> tuple[Remembered, ...]:
    """What a contact said of themselves, the newest last; where the number may be another's by now, what came since."""
    rows = (await tx.execute(_KNOWN, {"contact": contact_id})).all()
    return tuple(
        Remembered(kind=row.kind, value=row.value, message_id=row.message_id)
        for row in rows
        if since is None or row.created_at >= since
    )


async def facts_of(tx: Tx, contact_id: str) -> Sequence[ContactFact]:
    """The facts of a contact as rows, the oldest first."""
    query = select(ContactFact).where(ContactFact.contact_id == contact_id).order_by(col(ContactFact.id))
    return (await tx.execute(query)).scalars().all()


async def forget(tx: Tx, contact_id: str, fact_id: str, *, actor: Actor, now: datetime) -> None:
    """Erase one fact. Raises `NotFound`, also for another contact's."""
    row = await tx.get(ContactFact, fact_id)
    if row is None or row.contact_id != contact_id:
        raise NotFound(f"There is no fact {fact_id} of this contact.")
    audit(tx, actor, "fact_forgotten", row.conversation_id, now, contact=contact_id, kind=row.kind)
    changed(tx, row.conversation_id)
    await tx.delete(row)
    await tx.flush()


async def earlier(tx: Tx, conversation_id: str) -> str:
    """What was summed up of a conversation; empty where nothing was."""
    return (await tx.execute(_EARLIER, {"conversation": conversation_id})).scalar_one_or_none() or ""


async def summary_of(tx: Tx, conversation_id: str) -> ConversationSummary | None:
    """The summary of a conversation as a row."""
    return await tx.get(ConversationSummary, conversation_id)


async def moved(tx: Tx, *, since: datetime, limit: int) -> list[str]:
    """Conversations in which something has happened since then."""
    query = select(Conversation.id).where(Conversation.updated_at >= since).order_by(col(Conversation.updated_at))
    return [str(key) for key in (await tx.execute(query.limit(limit))).scalars()]


async def unsummed(tx: Tx, conversation_id: str) -> Unsummed | None:
    """What should be summed up now; `None` where too little waits, or the number may have passed to a stranger."""
    conversation = await tx.get(Conversation, conversation_id)
    if conversation is None:
        return None
    row = await summary_of(tx, conversation_id)
    until = row.until_id if row else ""
    shown = sa.and_(
        _MESSAGE.c.conversation_id == conversation_id,
        _MESSAGE.c.state.not_in([State.DROPPED, State.FAILED]),
        _MESSAGE.c.text != "",
        _MESSAGE.c.kind.not_in(rules.SILENT_KINDS),
    )
    newest = sa.select(_MESSAGE.c.id).where(shown).order_by(_MESSAGE.c.id.desc()).offset(HISTORY_LINES - LEAST_LINES)
    edge = (await tx.execute(newest.limit(1))).scalar_one_or_none()
    if edge is None or edge <= until:
        return None
    older = sa.select(_MESSAGE.c.id, _MESSAGE.c.text, _MESSAGE.c.author).where(
        shown, _MESSAGE.c.id > until, _MESSAGE.c.id <= edge
    )
    rows = (await tx.execute(older.order_by(_MESSAGE.c.id.desc()).limit(MOST_LINES))).all()[::-1]
    if len(rows) < LEAST_LINES:
        return None
    lines = tuple(
        Line(role="user" if one.author == Author.CONTACT else "assistant", content=one.text, author=one.author)
        for one in rows
    )
    return Unsummed(
        conversation_id=conversation_id,
        contact_id=conversation.contact_id,
        language=conversation.language or "en",
        earlier=row.text if row else "",
        seen_until=until,
        lines=lines,
        until_id=rows[-1].id,
    )


async def sum_up(tx: Tx, what: Unsummed, text: str, *, made_by: str, now: datetime) -> bool:
    """Keep a summary, unless the conversation is gone or another process has summed up as far by now."""
    if await tx.get(Conversation, what.conversation_id, with_for_update=True) is None:
        return False
    row = await tx.get(ConversationSummary, what.conversation_id, populate_existing=True)
    if (row.until_id if row else "") != what.seen_until:
        return False
    if row is None:
        fresh = ConversationSummary(
            conversation_id=what.conversation_id, text=text, until_id=what.until_id, made_by=made_by, updated_at=now
        )
        await insert(tx, fresh)
        return True
    row.text, row.until_id, row.made_by, row.updated_at = text, what.until_id, made_by, now
    await tx.flush()
    return True
