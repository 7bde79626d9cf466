"""One conversation as an operator reads it: who, what was said and noted, what answers stand on. Changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.errors import NotFound
from sahut.models import (
    OPEN_HANDOFF,
    Author,
    CitationRow,
    Contact,
    ContactFact,
    Conversation,
    ConversationSummary,
    Document,
    DocumentVersion,
    Handoff,
    InboundFile,
    Message,
    Note,
    Promise,
    Receipt,
    Ticket,
)
from sahut.rules import Window
from sahut.store import changes, files, lists, memory, promises
from sahut.store.database import Tx, table_of
from sahut.store.desk.shared import Person, person_of

# How much of a document is shown on either side of a cited span, in characters.
AROUND = 4000
PROMISES = 20

_M, _RECEIPT, _CITED = table_of(Message), table_of(Receipt), table_of(CitationRow)


@dataclass(frozen=True)
class Cited:
    """A source of an answer; `passage` opens it by `id`."""

    id: str
    document: str
    quote: str


@dataclass(frozen=True)
class Line:
    """A message or a note (`kind` "note", `author` "operator", no state).

    `decision`, `confidence`, `verdict` (label) and `cited` are the assistant's alone. `body` is Meta's message object:
    buttons, media, locations.
    """

    id: str
    kind: str
    author: str
    author_name: str
    text: str
    created_at: datetime
    body: dict[str, Any]
    state: str = ""
    error: str = ""
    error_code: int | None = None
    edited_at: datetime | None = None
    revoked_at: datetime | None = None
    reaction: str = ""
    file: InboundFile | None = None
    decision: str | None = None
    confidence: float | None = None
    verdict: str | None = None
    cited: tuple[Cited, ...] = ()

    @property
    def is_note(self) -> bool:
        return self.kind == "note"


@dataclass(frozen=True)
class Thread:
    """A conversation with its newest lines, oldest first. `before` opens the page of older ones, if there are any.

    `is_unsure`: the contact's number changed and nobody has made sure that it is still them. `review` and
    `opted_out`: see `Contact`.
    """

    conversation: Conversation
    contact: Person
    is_unsure: bool
    review: str
    opted_out: bool
    window: Window
    handoff: Handoff | None
    lines: list[Line]
    tickets: list[Ticket]
    promises: list[Promise]
    facts: list[ContactFact]
    summary: ConversationSummary | None
    before: str | None


@dataclass(frozen=True)
class Passage:
    """A cited span within its document: `before + quote + after` is a part of the version's text.

    `cut_before` and `cut_after`: the text goes on there. `is_current`: the document still reads so.
    """

    document: str
    title: str
    version: str
    before: str
    quote: str
    after: str
    cut_before: bool
    cut_after: bool
    is_current: bool


async def thread(tx: Tx, conversation_id: str, *, before: str | None = None, limit: int = 200) -> Thread:
    """A conversation with the last `limit` lines strictly before the cursor. Raises `NotFound`."""
    query = select(Conversation, Contact).join(Contact).where(Conversation.id == conversation_id)
    found = (await tx.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"There is no conversation {conversation_id}.")
    conversation, contact = found
    names = await lists.identities(tx, [contact.id])
    lines, more = await _lines(tx, conversation_id, before=before, limit=limit)
    return Thread(
        conversation=conversation,
        contact=person_of(contact.id, contact.name, names.get(contact.id, {})),
        is_unsure=contact.number_changed_at is not None,
        review=contact.review,
        opted_out=contact.opted_out_at is not None,
        window=Window(conversation.window_opened_at, conversation.window_closed_at),
        handoff=await _open_handoff(tx, conversation_id),
        lines=lines,
        tickets=await _tickets(tx, conversation_id),
        promises=list(await promises.newest(tx, conversation_id, limit=PROMISES)),
        facts=list(await memory.facts_of(tx, contact.id)),
        summary=await memory.summary_of(tx, conversation_id),
        before=lines[0].id if more else None,
    )


async def passage(tx: Tx, citation_id: str) -> Passage:
    """What a citation points at. Raises `NotFound`, also where the version is kept no longer."""
    query = (
        select(CitationRow, DocumentVersion, Document)
        .join(DocumentVersion, col(DocumentVersion.hash) == col(CitationRow.version))
        .join(Document, col(Document.id) == col(DocumentVersion.document_id))
        .where(CitationRow.id == citation_id, Document.path == CitationRow.document)
        .limit(1)
    )
    found = (await tx.execute(query)).one_or_none()
    if found is None:
        raise NotFound("This source is not kept any more.")
    cited, version, document = found
    start, end = max(0, cited.start - AROUND), min(len(version.text), cited.end + AROUND)
    return Passage(
        document=document.path,
        title=version.title or document.title,
        version=version.hash,
        before=version.text[start : cited.start],
        quote=version.text[cited.start : cited.end],
        after=version.text[cited.end : end],
        cut_before=start > 0,
        cut_after=end < len(version.text),
        is_current=document.version_id == version.id and document.removed_at is None,
    )


async def _lines(tx: Tx, conversation_id: str, *, before: str | None, limit: int) -> tuple[list[Line], bool]:
    """The newest lines in the order of writing, and whether there are older ones. Ids of both tables grow with time."""
    messages = sa.select(*_LINE_COLUMNS).select_from(_M.outerjoin(_RECEIPT, _RECEIPT.c.message_id == _M.c.id))
    messages = (
        messages.where(_M.c.conversation_id == conversation_id, ~_SHOWN_ELSEWHERE)
        .order_by(_M.c.id.desc())
        .limit(limit + 1)
    )
    notes = select(Note).where(Note.conversation_id == conversation_id).order_by(col(Note.id).desc()).limit(limit + 1)
    if before is not None:
        messages, notes = messages.where(_M.c.id < before), notes.where(Note.id < before)
    rows = (await tx.execute(messages)).all()
    cited = await _cited(tx, [row.id for row in rows if row.decision is not None])
    came = await files.of_messages(tx, [row.id for row in rows if row.author == Author.CONTACT])
    lines = [_line(row, cited.get(row.id, ()), came.get(row.id)) for row in rows]
    lines += [_noted(note) for note in (await tx.execute(notes)).scalars()]
    lines.sort(key=lambda line: line.id)
    return lines[-limit:], len(lines) > limit


# A reaction, an edit or a withdrawal is seen in the line that it is about.
_T = _M.alias("target")
_SHOWN_ELSEWHERE = sa.and_(
    _M.c.kind.in_(sorted(changes.KINDS)),
    sa.exists().where(_T.c.number == _M.c.number, _T.c.wamid == _M.c.about),
)
_LINE_COLUMNS = (
    *(_M.c[name] for name in ("id", "kind", "author", "author_name", "text", "created_at", "body", "state")),
    *(_M.c[name] for name in ("error", "error_code", "edited_at", "revoked_at", "reaction")),
    *(_RECEIPT.c[name] for name in ("decision", "confidence", "verdict")),
)


def _line(row: Any, cited: tuple[Cited, ...], file: InboundFile | None) -> Line:
    return Line(
        id=row.id,
        kind=row.kind,
        author=row.author,
        author_name=row.author_name,
        text=row.text,
        created_at=row.created_at,
        body=row.body,
        state=row.state,
        error=row.error,
        error_code=row.error_code,
        edited_at=row.edited_at,
        revoked_at=row.revoked_at,
        reaction=row.reaction,
        file=file,
        decision=row.decision,
        confidence=row.confidence,
        verdict=None if row.verdict is None else row.verdict.get("label"),
        cited=cited,
    )


def _noted(note: Note) -> Line:
    return Line(
        id=note.id,
        kind="note",
        author="operator",
        author_name=note.author_name,
        text=note.text,
        created_at=note.created_at,
        body={},
    )


async def _cited(tx: Tx, message_ids: list[str]) -> dict[str, tuple[Cited, ...]]:
    query = sa.select(_CITED.c.id, _CITED.c.message_id, _CITED.c.document, _CITED.c.quote)
    found: dict[str, tuple[Cited, ...]] = {}
    for row in await tx.execute(query.where(_CITED.c.message_id.in_(message_ids)).order_by(_CITED.c.id)):
        found[row.message_id] = (*found.get(row.message_id, ()), Cited(row.id, row.document, row.quote))
    return found


async def _open_handoff(tx: Tx, conversation_id: str) -> Handoff | None:
    query = select(Handoff).where(Handoff.conversation_id == conversation_id, col(Handoff.state).in_(OPEN_HANDOFF))
    return (await tx.execute(query)).scalar_one_or_none()


async def _tickets(tx: Tx, conversation_id: str) -> list[Ticket]:
    query = select(Ticket).where(Ticket.conversation_id == conversation_id).order_by(col(Ticket.id))
    return list((await tx.execute(query)).scalars())
