"""Files that may be sent to customers, over REST: upload, list, delete."""

from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel

from api.rest.auth import Reader, TheHouse, Writer
from api.rest.documents import CollectionName
from api.rest.multipart import FILE, FORM_BYTES, files_of, form_of
from api.rest.pages import Cursor, Limit, Page, page
from knowledge.attachments import MOST_BYTES, attach_bytes
from sahut.errors import NotFound
from sahut.models import Attachment
from sahut.store import lists, media

router = APIRouter(prefix="/attachments", tags=["attachments"])

MOST = max(MOST_BYTES.values())
MOST_NAMES = 10
_NAMES = {"type": "array", "items": {"type": "string"}, "maxItems": MOST_NAMES}
_FORM = form_of(file=FILE, names={**_NAMES, "description": "what customers may call it"})


class AttachmentView(BaseModel):
    """A file that may be sent. An operator sends it as media with the id `sahut:` and its `hash`."""

    id: str
    collection: str
    path: str
    name: str
    names: list[str]
    filename: str
    kind: str
    media_type: str
    hash: str
    size_bytes: int
    updated_at: datetime


@router.get("")
async def list_attachments(
    house: TheHouse, key: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[AttachmentView]:
    """What may be sent."""
    async with house.store.reading() as tx:
        rows = await media.present(tx, after=cursor or "", limit=limit + 1)
    return page(rows, limit, _view, lambda row: row.id)


@router.post("", status_code=201, max_body_size=MOST + FORM_BYTES, openapi_extra=_FORM)
async def upload(
    house: TheHouse, key: Writer, request: Request, collection: CollectionName = "default"
) -> AttachmentView:
    """Let one file be sent; a file of the same name in the collection takes the place of the old one."""
    async with request.form(max_files=1) as form:
        (file,) = files_of(form)
        names = [name for name in form.getlist("names") if isinstance(name, str)]
        if len(names) > MOST_NAMES:
            raise HTTPException(422, f"Give at most {MOST_NAMES} names.")
        if file.size is not None and file.size > MOST:
            raise HTTPException(413, f"A file may have up to {MOST} bytes.")
        data = await file.read()
    row = await attach_bytes(
        house.store, house.shelf, file.filename or "", data, names=names, collection=collection, clock=house.clock
    )
    return _view(row)


@router.delete("/{attachment_id}", status_code=204)
async def delete_attachment(house: TheHouse, key: Writer, attachment_id: str) -> None:
    """Send a file to nobody any more, not even where it is queued already."""
    async with house.store.transaction() as tx:
        row = await lists.get(tx, Attachment, attachment_id)
        if row.removed_at is not None:
            raise NotFound(f"There is no attachment {attachment_id} any more.")
        await media.remove(tx, row.collection, row.path, now=house.clock.now())


def _view(row: Attachment) -> AttachmentView:
    return AttachmentView.model_validate(row, from_attributes=True)
