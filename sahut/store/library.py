"""Queries for what the organisation knows: documents, versions, chunks and the generation. Knows no file.

A document is read through its current version only, so that nobody sees half of a new one; old versions stay for
the receipts that point into them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sahut.errors import NotFound
from sahut.models.library import Chunk, Document, DocumentVersion, KnowledgeState
from sahut.rules import Actor
from sahut.store import media, recalls
from sahut.store.audit import audit
from sahut.store.database import Tx, insert_once

# SQLite takes 32,766 parameters a statement; rows are read in bunches well below that.
_BUNCH = 500

# The columns of the tables as SQL expressions: a table class's attributes are typed as the values of its rows.
_DOCUMENT: Any = sa.inspect(Document).columns
_VERSION: Any = sa.inspect(DocumentVersion).columns
_CHUNK: Any = sa.inspect(Chunk).columns
_STATE: Any = sa.inspect(KnowledgeState).columns


@dataclass(frozen=True, slots=True)
class Leaf:
    """A chunk of a current version with what a search must know of its document. `version` is the content hash."""

    chunk_id: str
    version_id: str
    collection: str
    path: str
    title: str
    version: str
    language: str
    headings: tuple[str, ...]
    text: str
    start: int
    end: int
    vector: bytes


async def generation(tx: Tx) -> int:
    """The number of the last change; 0 where nothing was ever learned."""
    found = await tx.scalar(sa.select(_STATE.generation).where(_STATE.id == 1))
    return int(found or 0)


async def bump(tx: Tx) -> int:
    """Count one change; the new generation. Locks the row, so that changes come one after the other."""
    await insert_once(tx, KnowledgeState(id=1, generation=0))
    statement = (
        sa.update(KnowledgeState)
        .where(_STATE.id == 1)
        .values(generation=_STATE.generation + 1)
        .returning(_STATE.generation)
    )
    return int((await tx.execute(statement)).scalar_one())


async def find(tx: Tx, collection: str, path: str) -> Document | None:
    """The document of that collection and path, removed or not."""
    statement = sa.select(Document).where(_DOCUMENT.collection == collection, _DOCUMENT.path == path)
    return (await tx.scalars(statement)).one_or_none()


async def get(tx: Tx, document_id: str) -> Document:
    """The document. Raises `NotFound`."""
    document = await tx.get(Document, document_id)
    if document is None:
        raise NotFound(f"There is no document {document_id}.")
    return document


async def listed(
    tx: Tx, *, collection: str | None = None, after: str = "", limit: int = 50, removed: bool = False
) -> Sequence[Document]:
    """Documents in the order they were first learned, from the one behind the id `after`."""
    statement = sa.select(Document).where(_DOCUMENT.id > after).order_by(_DOCUMENT.id).limit(limit)
    if collection is not None:
        statement = statement.where(_DOCUMENT.collection == collection)
    if not removed:
        statement = statement.where(_DOCUMENT.removed_at.is_(None))
    return (await tx.scalars(statement)).all()


async def present(tx: Tx) -> Sequence[tuple[str, str, str]]:
    """What is known, by content: collection, path and the version's hash of each document, ordered."""
    statement = sa.select(_DOCUMENT.collection, _DOCUMENT.path, _VERSION.hash)
    statement = statement.join(DocumentVersion, _VERSION.id == _DOCUMENT.version_id).where(
        _DOCUMENT.removed_at.is_(None)
    )
    rows = await tx.execute(statement.order_by(_DOCUMENT.collection, _DOCUMENT.path))
    return [(row[0], row[1], row[2]) for row in rows]


async def under(tx: Tx, collection: str, roots: Iterable[str]) -> Sequence[Document]:
    """The documents that stand in the collection and were learned from one of these folders."""
    statement = sa.select(Document).where(
        _DOCUMENT.collection == collection, _DOCUMENT.root.in_(list(roots)), _DOCUMENT.removed_at.is_(None)
    )
    return (await tx.scalars(statement.order_by(_DOCUMENT.path))).all()


async def version(tx: Tx, document_id: str, content_hash: str) -> DocumentVersion | None:
    """The version of a document that the hash names."""
    statement = sa.select(DocumentVersion).where(_VERSION.document_id == document_id, _VERSION.hash == content_hash)
    return (await tx.scalars(statement)).one_or_none()


async def count_chunks(tx: Tx, version_id: str, embedder: str) -> int:
    """How many chunks of a version have vectors of this embedder."""
    statement = sa.select(sa.func.count()).where(_CHUNK.version_id == version_id, _CHUNK.embedder == embedder)
    return int(await tx.scalar(statement) or 0)


async def put(
    tx: Tx, document: Document, wanted: DocumentVersion, chunks: Sequence[Chunk], *, now: datetime
) -> DocumentVersion:
    """Make `wanted` the document's current version and count one change; the version as stored. Answers that cite
    what it says no more are recalled.

    A version that was there before is taken up again. `chunks` replace those of the same embedder. The rows given
    need no matching ids: they are set here.
    """
    await insert_once(tx, document)
    stored = await find(tx, document.collection, document.path)
    assert stored is not None  # noqa: S101  (inserted above or there before)
    wanted.document_id = stored.id
    await insert_once(tx, wanted)
    current = await version(tx, stored.id, wanted.hash)
    assert current is not None  # noqa: S101
    if chunks:
        await _write(tx, current.id, chunks)
    stored.root, stored.title, stored.language = document.root, current.title, current.language
    stored.version_id, stored.updated_at, stored.removed_at = current.id, now, None
    stored.valid_until = document.valid_until
    stored.expired_at = now if document.valid_until is not None and document.valid_until <= now else None
    await tx.flush()
    await bump(tx)
    await recalls.follow(tx, stored, now=now)
    return current


async def remove(tx: Tx, document: Document, *, now: datetime) -> None:
    """Take a document out of what is known; its versions stay, answers that cite it are recalled. Counts one change."""
    document.removed_at = now
    document.updated_at = now
    await tx.flush()
    await bump(tx)
    await recalls.follow(tx, document, now=now)


async def withdraw(tx: Tx, document_id: str, *, by: Actor, now: datetime) -> bool:
    """As `remove`, at somebody's wish: its file is sent to nobody either. `False` where it is gone already.

    Raises `NotFound` where there never was such a document.
    """
    document = await get(tx, document_id)
    if document.removed_at is not None:
        return False
    await remove(tx, document, now=now)
    await media.remove(tx, document.collection, document.path, now=now)
    audit(tx, by, "document_delete", None, now, document=document.id)
    return True


async def expire(tx: Tx, *, now: datetime) -> list[str]:
    """Take documents out of every search whose time is over; their paths. They stay listed, and their answers stand."""
    over = sa.update(Document).where(
        _DOCUMENT.valid_until <= now, _DOCUMENT.expired_at.is_(None), _DOCUMENT.removed_at.is_(None)
    )
    found = [str(path) for path in (await tx.execute(over.values(expired_at=now).returning(_DOCUMENT.path))).scalars()]
    if found:
        await bump(tx)
    return found


async def current_versions(tx: Tx, embedder: str) -> dict[str, int]:
    """Version id -> number of its chunks, for every current version that has vectors of this embedder."""
    statement = (
        sa.select(_CHUNK.version_id, sa.func.count())
        .join(Document, _DOCUMENT.version_id == _CHUNK.version_id)
        .where(_DOCUMENT.removed_at.is_(None), _DOCUMENT.expired_at.is_(None), _CHUNK.embedder == embedder)
        .group_by(_CHUNK.version_id)
    )
    return {str(version_id): int(count) for version_id, count in await tx.execute(statement)}


async def leaves(tx: Tx, embedder: str, version_ids: Sequence[str]) -> list[Leaf]:
    """The chunks of these current versions, a version's chunks together and in their order."""
    found: list[Leaf] = []
    for at in range(0, len(version_ids), _BUNCH):
        statement = (
            sa.select(
                _CHUNK.id,
                _CHUNK.version_id,
                _DOCUMENT.collection,
                _DOCUMENT.path,
                _VERSION.title,
                _VERSION.hash,
                _CHUNK.language,
                _CHUNK.headings,
                _CHUNK.text,
                _CHUNK.start,
                _CHUNK.end,
                _CHUNK.vector,
            )
            .join(DocumentVersion, _VERSION.id == _CHUNK.version_id)
            .join(Document, _DOCUMENT.version_id == _VERSION.id)
            .where(_CHUNK.version_id.in_(version_ids[at : at + _BUNCH]), _CHUNK.embedder == embedder)
            .order_by(_CHUNK.version_id, _CHUNK.position)
        )
        for row in await tx.execute(statement):
            values = [tuple(value) if isinstance(value, list) else value for value in row]
            found.append(Leaf(*values))  # type: ignore[arg-type]  # the columns are selected in this order
    return found


async def text_of(tx: Tx, version_id: str, start: int, end: int) -> str:
    """A span of a version's text, in code points."""
    span = sa.func.substr(_VERSION.text, start + 1, end - start)
    return str(await tx.scalar(sa.select(span).where(_VERSION.id == version_id)) or "")


async def sentences(tx: Tx, chunk_ids: Sequence[str]) -> dict[str, bytes]:
    """Chunk id -> the stored vectors of its sentences, for those that have them."""
    statement = sa.select(_CHUNK.id, _CHUNK.sentences).where(_CHUNK.id.in_(chunk_ids), _CHUNK.sentences.is_not(None))
    return {row.id: row.sentences for row in await tx.execute(statement)}


async def vectors(tx: Tx, embedder: str, digests: Sequence[str]) -> dict[str, tuple[bytes, bytes | None]]:
    """Digest of a text -> its vector and its sentences' vectors, for those that any version has of this embedder."""
    found: dict[str, tuple[bytes, bytes | None]] = {}
    for at in range(0, len(digests), _BUNCH):
        statement = sa.select(_CHUNK.digest, _CHUNK.vector, _CHUNK.sentences)
        statement = statement.where(_CHUNK.digest.in_(digests[at : at + _BUNCH]), _CHUNK.embedder == embedder)
        found.update({row.digest: (row.vector, row.sentences) for row in await tx.execute(statement)})
    return found


async def chunks(tx: Tx, version_id: str, embedder: str) -> Sequence[Chunk]:
    """The chunks of a version in their order, with the vectors of one embedder."""
    statement = sa.select(Chunk).where(_CHUNK.version_id == version_id, _CHUNK.embedder == embedder)
    return (await tx.scalars(statement.order_by(_CHUNK.position))).all()


async def foreign(tx: Tx, embedder: str) -> dict[str, str]:
    """Version id -> another embedder, for every current version that has vectors, but none of `embedder`."""
    ours = sa.select(_CHUNK.version_id).where(_CHUNK.embedder == embedder)
    statement = (
        sa.select(_CHUNK.version_id, sa.func.min(_CHUNK.embedder))
        .join(Document, _DOCUMENT.version_id == _CHUNK.version_id)
        .where(_DOCUMENT.removed_at.is_(None), _CHUNK.version_id.not_in(ours))
        .group_by(_CHUNK.version_id)
    )
    return {str(version_id): str(name) for version_id, name in await tx.execute(statement)}


async def replace_chunks(tx: Tx, version_id: str, rows: Sequence[Chunk]) -> None:
    """Give a version these chunks, all of one embedder, in place of those it has of it. Counts one change."""
    await _write(tx, version_id, rows)
    await bump(tx)


async def hashes(tx: Tx, documents: Sequence[Document]) -> dict[str, str]:
    """document id -> the content hash of its current version."""
    wanted = [document.version_id for document in documents if document.version_id]
    statement = sa.select(_VERSION.document_id, _VERSION.hash).where(_VERSION.id.in_(wanted))
    return {row.document_id: row.hash for row in await tx.execute(statement)}


async def suspect(tx: Tx, documents: Sequence[Document]) -> dict[str, list[dict[str, Any]]]:
    """document id -> the suspect stretches of its current version, for those that have any."""
    wanted = [document.version_id for document in documents if document.version_id]
    statement = sa.select(_VERSION.document_id, _VERSION.suspect).where(_VERSION.id.in_(wanted))
    return {row.document_id: row.suspect for row in await tx.execute(statement) if row.suspect}


async def pages(tx: Tx, versions: Sequence[str]) -> dict[str, list[int]]:
    """Content hash -> the offsets where the pages of that text begin, for versions that have pages."""
    statement = sa.select(_VERSION.hash, _VERSION.pages).where(_VERSION.hash.in_(versions))
    return {row.hash: row.pages for row in await tx.execute(statement) if row.pages}


async def _write(tx: Tx, version_id: str, rows: Sequence[Chunk]) -> None:
    embedder = rows[0].embedder
    await tx.execute(sa.delete(Chunk).where(_CHUNK.version_id == version_id, _CHUNK.embedder == embedder))
    await tx.execute(sa.insert(Chunk), [{**chunk.model_dump(), "version_id": version_id} for chunk in rows])
