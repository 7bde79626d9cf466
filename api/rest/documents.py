"""Documents over REST: upload, follow an upload, list, read a version's text, delete."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel

from api.desk import uploads
from api.house import House
from api.rest.auth import Acting, Reader, TheHouse, Writer
from api.rest.multipart import FILE, FORM_BYTES, chunks_of, files_of, form_of
from api.rest.pages import Cursor, Limit, Page, page
from knowledge.load import ARCHIVE, suffix_of
from sahut.errors import LoadError, NotFound
from sahut.models import Document, FileState
from sahut.store import Tx, library
from sahut.store import uploads as upload_rows

router = APIRouter(prefix="/documents", tags=["documents"])

CollectionName = Annotated[str, Query(min_length=1, max_length=100)]
InBackground = Annotated[bool, Query(description="answer 202 at once, for one file too")]


class SuspectView(BaseModel):
    """A stretch of a document, in code points of its text."""

    start: int
    end: int
    text: str


class DocumentView(BaseModel):
    """A document that the assistant knows; `version` is the hash of its content.

    An `expired` one is not answered from. `suspect` are stretches that speak to an assistant instead of to a reader.
    """

    id: str
    collection: str
    path: str
    title: str
    language: str
    version: str | None
    updated_at: datetime
    valid_until: datetime | None
    expired: bool
    suspect: list[SuspectView]


class Learned(DocumentView):
    """An uploaded document and what it was to us: added, changed or unchanged."""

    outcome: str


class FileView(BaseModel):
    """A file of an upload: `waiting`, `done` (with its outcome), `failed` (with the reason) or `skipped`."""

    path: str
    state: str
    outcome: str
    reason: str


class UploadView(BaseModel):
    """An upload: `waiting`, `learning`, `done` or `failed`; counts of its files, and each of them."""

    id: str
    state: str
    reason: str
    collection: str
    total: int
    done: int
    failed: int
    created_at: datetime
    finished_at: datetime | None
    files: list[FileView]


@router.get("")
async def list_documents(
    house: TheHouse, key: Reader, collection: str | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[DocumentView]:
    """What the assistant knows."""
    async with house.store.reading() as tx:
        rows = await library.listed(tx, collection=collection, after=cursor or "", limit=limit + 1)
        hashes = await library.hashes(tx, rows)
        suspect = await library.suspect(tx, rows)
    return page(rows, limit, lambda row: _view(row, hashes.get(row.id), suspect.get(row.id, [])), lambda row: row.id)


@router.post(
    "",
    status_code=201,
    max_body_size=uploads.MOST_UPLOAD_BYTES + FORM_BYTES,
    openapi_extra=form_of(file={"type": "array", "items": FILE}),
    responses={202: {"model": UploadView, "description": "Several files or an archive: follow the upload."}},
)
async def upload(
    house: TheHouse,
    key: Writer,
    request: Request,
    response: Response,
    collection: CollectionName = "default",
    background: InBackground = False,
) -> Learned | UploadView:
    """Learn files; one of the same name in the collection gets a new version.

    One file is learned before the answer. Several, or a zip archive, are learned behind it: 202, and
    `uploads/{id}` tells how far they are.
    """
    async with request.form(max_files=uploads.MOST_FILES) as form:
        files = files_of(form)
        alone = len(files) == 1 and suffix_of(files[0].filename or "") != ARCHIVE and not background
        incoming = [uploads.Incoming(file.filename or "", chunks_of(file)) for file in files]
        upload_id = await uploads.receive(house, incoming, collection=collection, by=key.name)
    if alone:
        return await _learned(house, upload_id, collection)
    uploads.start(house, upload_id)
    response.status_code = 202
    return await upload_view(house, upload_id)


@router.get("/uploads/{upload_id}")
async def get_upload(house: TheHouse, key: Reader, upload_id: str) -> UploadView:
    """How far an upload is, file by file. Kept for 30 days."""
    return await upload_view(house, upload_id)


@router.get("/{document_id}")
async def get_document(house: TheHouse, key: Reader, document_id: str) -> DocumentView:
    """One document."""
    async with house.store.reading() as tx:
        document = await _present(tx, document_id)
        return await _viewed(tx, document)


@router.get("/{document_id}/versions/{version}/text")
async def get_text(house: TheHouse, key: Reader, document_id: str, version: str) -> Response:
    """The extracted text of a version (its hash): what a citation's offsets count in."""
    async with house.store.reading() as tx:
        found = await library.version(tx, document_id, version)
    if found is None:
        raise HTTPException(404, f"There is no version {version} of this document.")
    return Response(found.text, media_type="text/plain; charset=utf-8")


@router.delete("/{document_id}", status_code=204)
async def delete_document(house: TheHouse, actor: Acting, document_id: str) -> None:
    """Forget a document; its versions stay for the receipts that point into them."""
    async with house.store.transaction() as tx:
        if not await library.withdraw(tx, document_id, by=actor, now=house.clock.now()):
            raise _gone(document_id)


async def _learned(house: House, upload_id: str, collection: str) -> Learned:
    """The one document of an upload, learned. Raises `LoadError` with its reason."""
    async for _ in uploads.learn(house, upload_id):
        pass
    async with house.store.reading() as tx:
        (file,) = await upload_rows.files(tx, upload_id)
        if file.state == FileState.FAILED:
            raise LoadError(f"{file.path}: {file.reason}")
        document = await library.find(tx, collection, file.path)
        assert document is not None  # noqa: S101  # just learned
        view = await _viewed(tx, document)
    return Learned(**view.model_dump(), outcome=file.outcome)


async def upload_view(house: House, upload_id: str) -> UploadView:
    """How far an upload is. Raises `NotFound`."""
    async with house.store.reading() as tx:
        row = await upload_rows.get(tx, upload_id)
        files = await upload_rows.files(tx, upload_id)
    return UploadView(
        **row.model_dump(include={"id", "state", "reason", "collection", "created_at", "finished_at"}),
        total=len(files),
        done=sum(file.state == FileState.DONE for file in files),
        failed=sum(file.state == FileState.FAILED for file in files),
        files=[FileView.model_validate(file, from_attributes=True) for file in files],
    )


async def _present(tx: Tx, document_id: str) -> Document:
    """A document that has not been deleted. Raises `NotFound`."""
    document = await library.get(tx, document_id)
    if document.removed_at is not None:
        raise _gone(document_id)
    return document


def _gone(document_id: str) -> NotFound:
    return NotFound(f"There is no document {document_id} any more.")


async def _viewed(tx: Tx, document: Document) -> DocumentView:
    version = (await library.hashes(tx, [document])).get(document.id)
    return _view(document, version, (await library.suspect(tx, [document])).get(document.id, []))


def _view(document: Document, version: str | None, suspect: list[dict[str, Any]]) -> DocumentView:
    return DocumentView(
        id=document.id,
        collection=document.collection,
        path=document.path,
        title=document.title,
        language=document.language,
        version=version,
        updated_at=document.updated_at,
        valid_until=document.valid_until,
        expired=document.expired_at is not None,
        suspect=[SuspectView(**stretch) for stretch in suspect],
    )
