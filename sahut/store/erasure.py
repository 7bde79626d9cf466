"""Erasing a person: every row that holds what they wrote, what was written to them, or who they are.

Each table is in one of the two lists below; `tests/sahut/test_erasure.py` fails for one that is in neither, and for one
of the first list in which something is left. Who did what (`audit`) stays, since it holds no words. Knows no disk:
whoever erases removes the files that are told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select

from sahut.errors import Conflict
from sahut.models import (
    AccountNews,
    ApiKey,
    Attachment,
    AuditEntry,
    Chunk,
    CitationRow,
    Closing,
    ConfirmationRow,
    Contact,
    ContactFact,
    ContactIdentity,
    Conversation,
    ConversationSummary,
    Document,
    DocumentVersion,
    FillingRow,
    FormEdition,
    FormerIdentity,
    FormRow,
    Gap,
    GapQuestion,
    GapState,
    Handoff,
    HookDelivery,
    HookEndpoint,
    HookEvent,
    IdentityProof,
    InboundFile,
    KnowledgeState,
    MediaUpload,
    Message,
    Note,
    NumberEdition,
    NumberRecord,
    NumberSettings,
    Operator,
    OperatorSession,
    PhoneNumber,
    Promise,
    RawEvent,
    Reading,
    Recall,
    Receipt,
    ScreenMark,
    SignInAttempts,
    Site,
    Spend,
    State,
    StrayDelivery,
    Submission,
    Template,
    Ticket,
    TicketUpdate,
    ToolCallRow,
    TurnRecord,
    Upload,
    UploadFile,
)
from sahut.rules import Actor
from sahut.store import merging
from sahut.store.audit import audit
from sahut.store.database import Tx, changed, table_of
from sahut.store.whole import lock_whole

Table = type[SQLModel]
# Erased by the column that leads to the person, in an order that foreign keys allow.
_BY_MESSAGE: tuple[Table, ...] = (Receipt, CitationRow, InboundFile)
_BY_TICKET: tuple[Table, ...] = (TicketUpdate,)
_BY_CONVERSATION: tuple[Table, ...] = (
    *(Promise, Recall, Closing, Submission, FillingRow, GapQuestion, TurnRecord, ToolCallRow, ConfirmationRow),
    *(Handoff, Note, Reading, ScreenMark, ContactFact, ConversationSummary),
)
_BY_CONTACT: tuple[Table, ...] = (IdentityProof, ContactIdentity, FormerIdentity, Spend)
# Found by what stands in them, or by another row.
_BY_WORDS: tuple[Table, ...] = (HookDelivery, HookEvent, RawEvent, StrayDelivery, Gap)
ERASED: tuple[Table, ...] = (
    *(*_BY_MESSAGE, *_BY_TICKET, *_BY_CONVERSATION, *_BY_CONTACT, *_BY_WORDS),
    *(Ticket, Message, Conversation, Contact),
)
# What is the organisation's own and holds no customer's words.
KEPT: tuple[Table, ...] = (
    *(AccountNews, NumberRecord, NumberSettings, NumberEdition, PhoneNumber, Template, MediaUpload),
    *(Operator, OperatorSession, SignInAttempts, ApiKey, AuditEntry, HookEndpoint),
    *(Document, DocumentVersion, Chunk, KnowledgeState, Attachment, Site, Upload, UploadFile),
    *(FormRow, FormEdition),
)


@dataclass(frozen=True)
class Erased:
    """What is gone: rows by table, and the hashes of received files that nobody else has sent."""

    rows: dict[str, int]
    files: tuple[str, ...]


async def erase(tx: Tx, contact_id: str, *, actor: Actor, now: datetime) -> Erased:
    """Erase a person. Raises `NotFound`, and `Conflict` while a message to them is on its way."""
    _, threads = await lock_whole(tx, contact_id)
    conversations = [thread.id for thread in threads]
    await _refuse_while_sending(tx, conversations)
    eraser = _Eraser(tx)
    names = await _names(tx, contact_id)
    files = await _files(tx, conversations)
    ids = [contact_id, *conversations, *await merging.ids_before(tx, contact_id)]
    await _erase_elsewhere(eraser, ids, names, conversations)
    await _erase_rows(eraser, contact_id, conversations)
    audit(tx, actor, "erase", None, now, contact=contact_id)
    for key in conversations:
        changed(tx, key)
    return Erased(eraser.rows, await _unused(tx, files))


class _Eraser:
    """Deletes and counts."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self.rows: dict[str, int] = {}

    async def delete(self, table: Table, where: Any) -> None:
        gone: Any = await self.tx.execute(sa.delete(table_of(table)).where(where))
        name = table_of(table).name
        if gone.rowcount:
            self.rows[name] = self.rows.get(name, 0) + gone.rowcount


async def _refuse_while_sending(tx: Tx, conversations: Sequence[str]) -> None:
    """Its outcome must find its row, or nobody would know what became of it."""
    sending = select(Message.id).where(col(Message.conversation_id).in_(conversations), Message.state == State.SENDING)
    if (await tx.execute(sending.limit(1))).first() is not None:
        raise Conflict("A message to this contact is on its way at this moment: try again in half a minute.")


async def _names(tx: Tx, contact_id: str) -> list[str]:
    """How WhatsApp calls or called them."""
    names: list[str] = []
    for table in (ContactIdentity, FormerIdentity):
        found = await tx.execute(sa.select(table_of(table).c.value).where(table_of(table).c.contact_id == contact_id))
        names += [str(value) for value in found.scalars()]
    return names


async def _files(tx: Tx, conversations: Sequence[str]) -> list[str]:
    mine = sa.and_(col(InboundFile.conversation_id).in_(conversations), col(InboundFile.hash).is_not(None))
    return [str(digest) for digest in (await tx.execute(select(InboundFile.hash).where(mine).distinct())).scalars()]


async def _unused(tx: Tx, files: Sequence[str]) -> tuple[str, ...]:
    """Those of the files that no row names any more."""
    still = set((await tx.execute(select(InboundFile.hash).where(col(InboundFile.hash).in_(files)))).scalars())
    return tuple(digest for digest in files if digest not in still)


async def _erase_elsewhere(
    eraser: _Eraser, ids: Sequence[str], names: Sequence[str], conversations: Sequence[str]
) -> None:
    """What tells of the person in words alone: events for other systems, raw webhooks, statuses, gaps."""
    events, raw, stray = table_of(HookEvent), table_of(RawEvent), table_of(StrayDelivery)
    told = sa.select(events.c.id).where(sa.or_(*(events.c.body.contains(key, autoescape=True) for key in ids)))
    event_ids = [str(key) for key in (await eraser.tx.execute(told)).scalars()]
    await eraser.delete(HookDelivery, table_of(HookDelivery).c.event_id.in_(event_ids))
    await eraser.delete(HookEvent, events.c.id.in_(event_ids))
    if names:
        await eraser.delete(RawEvent, sa.or_(*(raw.c.body.contains(name, autoescape=True) for name in names)))
    wamids = sa.select(table_of(Message).c.wamid).where(
        table_of(Message).c.conversation_id.in_(conversations), table_of(Message).c.wamid.is_not(None)
    )
    await eraser.delete(StrayDelivery, stray.c.wamid.in_(wamids))
    await _erase_gaps(eraser, conversations)


async def _erase_gaps(eraser: _Eraser, conversations: Sequence[str]) -> None:
    """A gap that only they asked for goes with them unless it was answered; another one is called by another's words.

    What was published is the organisation's own article.
    """
    mine = col(GapQuestion.conversation_id).in_(conversations)
    gaps = select(GapQuestion.gap_id).where(mine, col(GapQuestion.gap_id).is_not(None)).distinct()
    for gap_id in (await eraser.tx.execute(gaps)).scalars().all():
        gap = await eraser.tx.get_one(Gap, gap_id)
        others = select(GapQuestion.text).where(GapQuestion.gap_id == gap_id, sa.not_(mine))
        other = (await eraser.tx.execute(others.order_by(col(GapQuestion.id)).limit(1))).scalar_one_or_none()
        own = (await eraser.tx.execute(select(GapQuestion.text).where(GapQuestion.gap_id == gap_id, mine))).scalars()
        if other is None and gap.state != GapState.PUBLISHED:
            await eraser.delete(GapQuestion, table_of(GapQuestion).c.gap_id == gap_id)
            await eraser.tx.flush()
            await eraser.delete(Gap, table_of(Gap).c.id == gap_id)
            eraser.tx.expunge(gap)
        elif gap.title in set(own.all()):
            gap.title = other or gap.draft_title
            await eraser.tx.flush()


async def _erase_rows(eraser: _Eraser, contact_id: str, conversations: Sequence[str]) -> None:
    """Everything that a key leads to, what points at others first."""
    messages, tickets = table_of(Message), table_of(Ticket)
    their_messages = sa.select(messages.c.id).where(messages.c.conversation_id.in_(conversations))
    their_tickets = sa.select(tickets.c.id).where(tickets.c.contact_id == contact_id)
    for table in _BY_MESSAGE:
        await eraser.delete(table, table_of(table).c.message_id.in_(their_messages))
    for table in _BY_TICKET:
        await eraser.delete(table, table_of(table).c.ticket_id.in_(their_tickets))
    for table in _BY_CONVERSATION:
        await eraser.delete(table, table_of(table).c.conversation_id.in_(conversations))
    await eraser.delete(Ticket, tickets.c.contact_id == contact_id)
    await eraser.delete(Message, messages.c.conversation_id.in_(conversations))
    await eraser.delete(Conversation, table_of(Conversation).c.contact_id == contact_id)
    for table in _BY_CONTACT:
        await eraser.delete(table, table_of(table).c.contact_id == contact_id)
    # A tool that ended after its conversation was erased has left its entry behind.
    orphan = table_of(ToolCallRow).c.conversation_id.not_in(sa.select(table_of(Conversation).c.id))
    await eraser.delete(ToolCallRow, orphan)
    await eraser.delete(Contact, table_of(Contact).c.id == contact_id)
