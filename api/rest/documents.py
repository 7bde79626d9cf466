"""Documents over REST: upload, list, read a version's text, delete."""

import asyncio
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response, UploadFile
from pydantic import BaseModel

from api.rest.auth import Reader, TheHouse, Writer
from api.rest.pages import Cursor, Limit, Page, page
from knowledge.learn import learn_one
from knowledge.load import MOST_BYTES, load_bytes
from sahut.errors import NotFound
from sahut.models import Document
from sahut.store import Tx, library

router = APIRouter(prefix="/documents", tags=["documents"])

# Room for the form around the file.
FORM_BYTES = 64 * 1024

CollectionName = Annotated[str, Query(min_length=1, max_length=100)]


class DocumentView(BaseModel):
    """A document that the assistant knows; `version` is the hash of its content."""

    id: str
    collection: str
    path: str
    title: str
    language: str
    version: str | None
    updated_at: datetime


class Learned(DocumentView):
    """An uploaded document and what it was to us: added, changed or unchanged."""

    outcome: str


@router.get("")
async def list_documents(
    house: TheHouse, key: Reader, collection: str | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[DocumentView]:
    """What the assistant knows."""
    async with house.store.reading() as tx:
        rows = await library.listed(tx, collection=collection, after=cursor or "", limit=limit + 1)
        hashes = await library.hashes(tx, rows)
    return page(rows, limit, lambda row: _view(row, hashes.get(row.id)), lambda row: row.id)


@router.post("", status_code=201, max_body_size=MOST_BYTES + FORM_BYTES)
async def upload(house: TheHouse, key: Writer, file: UploadFile, collection: CollectionName = "default") -> Learned:
    """Learn one file; a file of the same name in the collection gets a new version."""
    if file.size is not None and file.size > MOST_BYTES:
        raise HTTPException(413, f"A document may have up to {MOST_BYTES} bytes.")
    loaded = await asyncio.to_thread(load_bytes, file.filename or "", await file.read())
    outcome = await learn_one(house.store, house.embedder, loaded, collection=collection, clock=house.clock)
    async with house.store.reading() as tx:
        document = await library.find(tx, collection, loaded.path)
        assert document is not None  # noqa: S101  # just learned
    return Learned(**_view(document, loaded.hash).model_dump(), outcome=outcome)


@router.get("/{document_id}")
async def get_document(house: TheHouse, key: Reader, document_id: str) -> DocumentView:
    """One document."""
    async with house.store.reading() as tx:
        document = await _present(tx, document_id)
        return _view(document, (await library.hashes(tx, [document])).get(document.id))


@router.get("/{document_id}/versions/{version}/text")
async def get_text(house: TheHouse, key: Reader, document_id: str, version: str) -> Response:
    """The extracted text of a version (its hash): what a citation's offsets count in."""
    async with house.store.reading() as tx:
        found = await library.version(tx, document_id, version)
    if found is None:
        raise HTTPException(404, f"There is no version {version} of this document.")
    return Response(found.text, media_type="text/plain; charset=utf-8")


@router.delete("/{document_id}", status_code=204)
async def delete_document(house: TheHouse, key: Writer, document_id: str) -> None:
    """Forget a document; its versions stay for the receipts that point into them."""
    async with house.store.transaction() as tx:
        await library.remove(tx, await _present(tx, document_id), now=house.clock.now())


async def _present(tx: Tx, document_id: str) -> Document:
    """A document that has not been deleted. Raises `NotFound`."""
    document = await library.get(tx, document_id)
    if document.removed_at is not None:
        raise NotFound(f"There is no document {document_id} any more.")
    return document


def _view(document: Document, version: str | None) -> DocumentView:
    return DocumentView(
        id=document.id,
        collection=document.collection,
        path=document.path,
        title=document.title,
        language=document.language,
        version=version,
        updated_at=document.updated_at,
    )
