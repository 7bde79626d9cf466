"""The page of documents: what the assistant knows, more of it, less of it. `api.desk.uploads` receives and learns."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import UploadFile

from api.console import forms, paper
from api.console.place import BASE, Place
from api.desk import uploads
from api.rest.documents import UploadView, upload_view
from api.rest.multipart import FORM_BYTES, chunks_of
from api.whatsapp.clean import clean_text
from sahut.found import EVERYWHERE
from sahut.models import Role
from sahut.store import library, operators

router = APIRouter(prefix="/documents", include_in_schema=False)
# What customers are told comes from here, so not every operator may change it.
MAY = (Role.SUPERVISOR, Role.ADMIN)
PAGE = 100
MOST_COLLECTION = 100
_SAID = {"deleted": "Deleted. The assistant does not know it any more."}
Cursor = Annotated[str, Query(max_length=64)]


@router.get("")
async def show(request: Request, after: Cursor = "", said: str = "", upload: Cursor = "") -> Response:
    """The list, and how the last upload went."""
    forms.allowed(request, *MAY)
    place: Place = request.scope["sahut.place"]
    async with place.house.store.reading() as tx:
        found = await library.listed(tx, collection=None, after=after, limit=PAGE + 1)
        suspect = await library.suspect(tx, found)
    return paper.page(
        request,
        "documents.html",
        "Documents",
        page="documents",
        documents=found[:PAGE],
        suspect=suspect,
        more=found[PAGE - 1].id if len(found) > PAGE else "",
        upload=await upload_view(place.house, upload) if upload else None,
        said=_SAID.get(said, ""),
    )


@router.get("/conflicts")
async def show_conflicts(request: Request) -> Response:
    """What contradicts or repeats what."""
    forms.allowed(request, *MAY)
    place: Place = request.scope["sahut.place"]
    found = await place.house.conflicts.listed()
    return paper.page(request, "conflicts.html", "Conflicts", page="documents", conflicts=found[:PAGE])


@router.post("/uploads", max_body_size=uploads.MOST_UPLOAD_BYTES + FORM_BYTES)
async def receive(request: Request, token: Annotated[str, Query(max_length=128)] = "") -> Response:
    """Take files and learn them behind the answer. The token comes with the address: it is looked at before the files.

    A script gets the upload as JSON, a plain form is led back to the page.
    """
    place, me = forms.posted(request, token, *MAY)
    async with request.form(max_files=uploads.MOST_FILES) as form:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile) and value.filename]
        if not files:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "Choose at least one file.")
        incoming = [uploads.Incoming(file.filename or "", chunks_of(file)) for file in files]
        collection = collection_of(form.get("collection"))
        upload_id = await uploads.receive(place.house, incoming, collection=collection, by=me.name or me.email)
    uploads.start(place.house, upload_id)
    if request.headers.get("accept") == "application/json":
        shown = await upload_view(place.house, upload_id)
        return Response(shown.model_dump_json(), HTTPStatus.ACCEPTED, media_type="application/json")
    return RedirectResponse(f"{BASE}/documents?upload={upload_id}", HTTPStatus.SEE_OTHER)


def collection_of(given: object) -> str:
    """The collection that was typed; without one the files are every number's."""
    name = " ".join(clean_text(given).split())
    if len(name) > MOST_COLLECTION:
        raise HTTPException(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"A collection's name has at most {MOST_COLLECTION} characters."
        )
    return name or EVERYWHERE


@router.get("/uploads/{upload_id}")
async def follow(request: Request, upload_id: str) -> UploadView:
    """How far an upload is, file by file."""
    forms.allowed(request, *MAY)
    place: Place = request.scope["sahut.place"]
    return await upload_view(place.house, upload_id)


@router.post("/{document_id}/delete")
async def delete(request: Request, document_id: str, token: Annotated[str, Form(max_length=128)] = "") -> Response:
    """Forget a document; its versions stay for the receipts that point into them."""
    place, me = forms.posted(request, token, *MAY)
    async with place.house.store.transaction() as tx:
        await library.withdraw(tx, document_id, by=operators.actor_of(me), now=place.house.clock.now())
    return RedirectResponse(f"{BASE}/documents?said=deleted", HTTPStatus.SEE_OTHER)
