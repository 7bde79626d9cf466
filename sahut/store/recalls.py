"""Recalls: which answers that customers got stand in the documents no more. Knows no phrase and sends nothing.

Written in the transaction that changes or removes a document, so that no answer is forgotten. A citation whose words
still stand in the new text, whatever their place, holds.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.errors import NotFound
from sahut.models import (
    CitationRow,
    Contact,
    Conversation,
    Document,
    DocumentVersion,
    Message,
    Recall,
    RecallState,
    State,
)
from sahut.store.database import Tx, insert_once

# A turn that began before the change may be recorded after it.
_STRAGGLERS = timedelta(minutes=15)
_NEVER_LEFT = (State.DROPPED, State.FAILED)


async def follow(tx: Tx, document: Document, *, now: datetime) -> None:
    """Bring the recalls level with what a document says now, or with its being gone. May be asked again and again."""
    cited, open_ones = await _cited(tx, document), await _open_of(tx, document)
    if not cited and not open_ones:
        return
    text = await _text(tx, document)
    await _restore(tx, document, open_ones, text, now=now)
    if not cited or (text is None and await _stands_elsewhere(tx, document)):
        return
    lost: dict[str, list[CitationRow]] = {}
    fates: dict[str, bool] = {}
    for row in cited:
        if row.quote not in fates:
            fates[row.quote] = _stands(row.quote, text)
        if not fates[row.quote]:
            lost.setdefault(row.message_id, []).append(row)
    for message_id, rows in lost.items():
        await _note(tx, document, message_id, [_plain(row) for row in rows], now=now)


async def cited_lately(tx: Tx, *, now: datetime) -> Sequence[str]:
    """The documents that changed a moment ago and that an answer of late cites: it may have been made meanwhile."""
    query = (
        select(Document.id)
        .join(CitationRow, col(CitationRow.document) == col(Document.path))
        .join(Message, col(Message.id) == col(CitationRow.message_id))
        .where(col(Document.updated_at) >= now - _STRAGGLERS, col(Message.created_at) >= now - 2 * _STRAGGLERS)
        .distinct()
    )
    return (await tx.execute(query)).scalars().all()


async def follow_again(tx: Tx, document_id: str, *, now: datetime) -> None:
    """As `follow`, by id."""
    await follow(tx, await tx.get_one(Document, document_id), now=now)


async def listed(
    tx: Tx, *, state: str | None, after: str | None, limit: int
) -> Sequence[tuple[Recall, Message, Conversation, Contact, Document]]:
    """Recalls with the answer, whose it is and the document, oldest first."""
    query = _ALL.order_by(col(Recall.id)).limit(limit)
    if state is not None:
        query = query.where(col(Recall.state) == state)
    if after is not None:
        query = query.where(col(Recall.id) > after)
    return [tuple(row) for row in (await tx.execute(query)).all()]


async def get(tx: Tx, recall_id: str) -> tuple[Recall, Message, Conversation, Contact, Document]:
    """As `listed`, one. Raises `NotFound`."""
    row = (await tx.execute(_ALL.where(col(Recall.id) == recall_id))).one_or_none()
    if row is None:
        raise NotFound(f"There is no recall {recall_id}.")
    return tuple(row)


async def close(tx: Tx, recall_id: str, state: RecallState, *, by: str, now: datetime, correction: str = "") -> bool:
    """End an open recall; false where somebody was first."""
    statement = (
        sa.update(Recall)
        .where(col(Recall.id) == recall_id, col(Recall.state) == RecallState.OPEN)
        .values(state=state, closed_by=by, closed_at=now, correction_id=correction or None)
        .returning(col(Recall.id))
    )
    return (await tx.execute(statement)).scalar_one_or_none() is not None


async def texts(tx: Tx, documents: Sequence[Document]) -> dict[str, str]:
    """Document id -> what it says now; those that are gone are left out."""
    wanted = [d.version_id for d in documents if d.removed_at is None and d.version_id]
    query = select(DocumentVersion.document_id, DocumentVersion.text).where(col(DocumentVersion.id).in_(wanted))
    return {row[0]: row[1] for row in (await tx.execute(query)).all()}


_ALL: Any = (
    sa.select(Recall, Message, Conversation, Contact, Document)
    .join(Message, col(Message.id) == col(Recall.message_id))
    .join(Conversation, col(Conversation.id) == col(Recall.conversation_id))
    .join(Contact, col(Contact.id) == col(Conversation.contact_id))
    .join(Document, col(Document.id) == col(Recall.document_id))
)


async def _text(tx: Tx, document: Document) -> str | None:
    """What a document says now, as one line; `None` where it is gone."""
    found = (await texts(tx, [document])).get(document.id)
    return None if found is None else _flat(found)


async def _cited(tx: Tx, document: Document) -> list[CitationRow]:
    """The citations of any version but the current one, in answers that left."""
    versions = select(DocumentVersion.hash).where(col(DocumentVersion.document_id) == document.id)
    if document.removed_at is None:
        versions = versions.where(col(DocumentVersion.id) != document.version_id)
    query = (
        select(CitationRow)
        .join(Message, col(Message.id) == col(CitationRow.message_id))
        .where(
            col(CitationRow.document) == document.path,
            col(CitationRow.version).in_(versions),
            col(Message.state).not_in(_NEVER_LEFT),
        )
        .order_by(col(CitationRow.id))
    )
    return list((await tx.execute(query)).scalars())


async def _stands_elsewhere(tx: Tx, document: Document) -> bool:
    """Whether the very same document is there under another name, or in another collection."""
    hashes = select(DocumentVersion.hash).where(col(DocumentVersion.id) == document.version_id)
    query = (
        select(Document.id)
        .join(DocumentVersion, col(DocumentVersion.id) == col(Document.version_id))
        .where(
            col(Document.id) != document.id,
            col(Document.removed_at).is_(None),
            col(DocumentVersion.hash).in_(hashes),
        )
        .limit(1)
    )
    return (await tx.execute(query)).scalar_one_or_none() is not None


async def _open_of(tx: Tx, document: Document) -> Sequence[Recall]:
    query = select(Recall).where(Recall.document_id == document.id, Recall.state == RecallState.OPEN)
    return (await tx.execute(query)).scalars().all()


async def _restore(tx: Tx, document: Document, recalls: Sequence[Recall], text: str | None, *, now: datetime) -> None:
    """End the open recalls of a document that says again all that was quoted of it."""
    if text is None:
        return
    for recall in recalls:
        if all(_stands(quote["quote"], text) for quote in recall.lost if quote["document"] == document.path):
            await close(tx, recall.id, RecallState.RESTORED, by="", now=now)


async def _note(tx: Tx, document: Document, message_id: str, lost: list[dict[str, Any]], *, now: datetime) -> None:
    """Open a recall of the answer, or add to the open one. What was closed before is not brought up again."""
    query = select(Recall).where(Recall.message_id == message_id).execution_options(populate_existing=True)
    earlier = list((await tx.execute(query)).scalars())
    known = {quote["quote"] for recall in earlier if recall.state != RecallState.RESTORED for quote in recall.lost}
    fresh = [quote for quote in lost if quote["quote"] not in known]
    if not fresh:
        return
    open_one = next((recall for recall in earlier if recall.state == RecallState.OPEN), None)
    if open_one is not None:
        open_one.lost = [*open_one.lost, *fresh]
        await tx.flush()
        return
    conversation_id = (await tx.execute(select(Message.conversation_id).where(Message.id == message_id))).scalar_one()
    recall = Recall(
        message_id=message_id,
        conversation_id=conversation_id,
        document_id=document.id,
        cause="removed" if document.removed_at else "changed",
        lost=fresh,
        created_at=now,
    )
    await insert_once(tx, recall)


def _stands(quote: str, text: str | None) -> bool:
    return text is not None and _flat(quote) in text


def _flat(text: str) -> str:
    """Line breaks and spaces do not count: a paragraph that was wrapped anew says the same."""
    return " ".join(text.split())


def _plain(row: CitationRow) -> dict[str, Any]:
    return row.model_dump(include={"document", "version", "start", "end", "quote"})
