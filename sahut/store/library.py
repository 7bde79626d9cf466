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
    """Make `wanted` the document's current version and count one change; the version as stored.

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
        embedder = chunks[0].embedder
        await tx.execute(sa.delete(Chunk).where(_CHUNK.version_id == current.id, _CHUNK.embedder == embedder))
        await tx.execute(sa.insert(Chunk), [{**chunk.model_dump(), "version_id": current.id} for chunk in chunks])
    stored.root, stored.title, stored.language = document.root, current.title, current.language
    stored.version_id, stored.updated_at, stored.removed_at = current.id, now, None
    await tx.flush()
    await bump(tx)
    return current


async def remove(tx: Tx, document: Document, *, now: datetime) -> None:
    """Take a document out of what is known; its versions stay. Counts one change."""
    document.removed_at = now
    document.updated_at = now
    await tx.flush()
    await bump(tx)


async def current_versions(tx: Tx, embedder: str) -> dict[str, int]:
    """Version id -> number of its chunks, for every current version that has vectors of this embedder."""
    statement = (
        sa.select(_CHUNK.version_id, sa.func.count())
        .join(Document, _DOCUMENT.version_id == _CHUNK.version_id)
        .where(_DOCUMENT.removed_at.is_(None), _CHUNK.embedder == embedder)
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


async def hashes(tx: Tx, documents: Sequence[Document]) -> dict[str, str]:
    """document id -> the content hash of its current version."""
    wanted = [document.version_id for document in documents if document.version_id]
    statement = sa.select(_VERSION.document_id, _VERSION.hash).where(_VERSION.id.in_(wanted))
    return {row.document_id: row.hash for row in await tx.execute(statement)}
