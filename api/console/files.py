"""Customers' files for operators who are signed in. What may be shown and what only saved is `api.desk.serving`'s."""

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from api.console.place import Place
from api.desk.serving import file_of

router = APIRouter(prefix="/files", include_in_schema=False)


@router.get("/{message_id}")
async def show(request: Request, message_id: str) -> FileResponse:
    """The file of a message."""
    place: Place = request.scope["sahut.place"]
    return await file_of(place.house, message_id)
