"""Gives customers' files to operators, so that nothing in them can act: for REST and the console alike."""

import asyncio
from pathlib import Path
from urllib.parse import quote

from fastapi import HTTPException
from fastapi.responses import FileResponse

from api.house import House
from api.whatsapp.sniff import INLINE, OTHER
from sahut.models import InboundFile, MediaState
from sahut.shelf import Shelf

# What has no name of its own is called by its kind.
_ENDINGS = {"image/jpeg": "jpg", "audio/mpeg": "mp3", "audio/mp4": "m4a", "video/3gpp": "3gp", "text/plain": "txt"}
_SAYS = {
    MediaState.WANTED: "The file is being fetched: try again in a moment.",
    MediaState.WAITING: "The file is being fetched: try again in a moment.",
}


async def file_of(house: House, message_id: str) -> FileResponse:
    """The file of a message, fetched now if it waited for this. Raises `NotFound`, or HTTP 404, 409 and 503."""
    if house.fetcher is None:
        raise HTTPException(503, "This process fetches no files.")
    file = await house.fetcher.bring(message_id)
    if file.state in _SAYS:
        raise HTTPException(409, file.error or _SAYS[MediaState(file.state)])
    place = await _place(house.fetcher.shelf, file)
    if place is None:
        raise HTTPException(404, file.error or "The file is not kept any more.")
    return _response(file, place)


async def _place(shelf: Shelf, file: InboundFile) -> Path | None:
    """Where it lies; all of it is read to make sure, which may take a while."""
    return await asyncio.to_thread(shelf.find, file.hash) if file.state == MediaState.KEPT and file.hash else None


def _response(file: InboundFile, place: Path) -> FileResponse:
    """Pictures, sounds and films may be shown; whatever else it is, a browser may only save it."""
    shown = file.media_type in INLINE
    how = "inline" if shown else "attachment"
    return FileResponse(
        place,
        media_type=file.media_type if shown else OTHER,
        headers={
            "Content-Disposition": f"{how}; filename*=UTF-8''{quote(_name(file), safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "private, no-store",
        },
    )


def _name(file: InboundFile) -> str:
    """The sender's name for it, without what leads elsewhere; else one of ours."""
    last = " ".join(file.filename.replace("\\", "/").rpartition("/")[2].split()).strip(". ")
    ending = _ENDINGS.get(file.media_type, file.media_type.rpartition("/")[2])
    return last[:120] or f"file.{ending if ending.isalnum() else 'bin'}"
