"""Queries for uploads and what became of their files. Knows no file system and no document."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sahut.errors import NotFound
from sahut.models.uploads import FileState, Upload, UploadFile, UploadState
from sahut.store.database import Tx

_UPLOAD: Any = sa.inspect(Upload).columns
_FILE: Any = sa.inspect(UploadFile).columns

UNDONE = (UploadState.WAITING, UploadState.LEARNING)


async def add(tx: Tx, upload: Upload) -> None:
    """Record an upload."""
    tx.add(upload)
    await tx.flush()


async def write_files(tx: Tx, upload_id: str, files: Sequence[UploadFile]) -> None:
    """Make these the files of the upload, in this order. Their numbers are set here."""
    await tx.execute(sa.delete(UploadFile).where(_FILE.upload_id == upload_id))
    rows = [{**file.model_dump(), "upload_id": upload_id, "position": position} for position, file in enumerate(files)]
    if rows:
        await tx.execute(sa.insert(UploadFile), rows)


async def begin(tx: Tx, upload_id: str) -> None:
    """Learning has begun."""
    await tx.execute(sa.update(Upload).where(_UPLOAD.id == upload_id).values(state=UploadState.LEARNING))


async def get(tx: Tx, upload_id: str) -> Upload:
    """The upload. Raises `NotFound`."""
    upload = await tx.get(Upload, upload_id)
    if upload is None:
        raise NotFound(f"There is no upload {upload_id}.")
    return upload


async def files(tx: Tx, upload_id: str) -> Sequence[UploadFile]:
    """What the upload holds, in order."""
    statement = sa.select(UploadFile).where(_FILE.upload_id == upload_id).order_by(_FILE.position)
    return (await tx.scalars(statement)).all()


async def undone(tx: Tx) -> Sequence[Upload]:
    """Uploads that are not finished, the oldest first."""
    return (await tx.scalars(sa.select(Upload).where(_UPLOAD.state.in_(UNDONE)).order_by(_UPLOAD.id))).all()


async def settle(tx: Tx, upload_id: str, path: str, state: FileState, *, outcome: str = "", reason: str = "") -> None:
    """A waiting file has come to its end."""
    wanted = (_FILE.upload_id == upload_id, _FILE.path == path, _FILE.state == FileState.WAITING)
    await tx.execute(sa.update(UploadFile).where(*wanted).values(state=state, outcome=outcome, reason=reason))


async def finish(tx: Tx, upload_id: str, *, now: datetime, reason: str = "") -> None:
    """The upload is done, or with a `reason` it failed and takes the waiting files with it."""
    state = UploadState.FAILED if reason else UploadState.DONE
    values = {"state": state, "reason": reason, "finished_at": now}
    await tx.execute(sa.update(Upload).where(_UPLOAD.id == upload_id, _UPLOAD.state.in_(UNDONE)).values(**values))
    waiting = (_FILE.upload_id == upload_id, _FILE.state == FileState.WAITING)
    await tx.execute(sa.update(UploadFile).where(*waiting).values(state=FileState.FAILED, reason=reason))


async def forget(tx: Tx, *, before: datetime) -> None:
    """Drop the records of uploads that were finished before then; their documents stay."""
    old = sa.select(_UPLOAD.id).where(_UPLOAD.finished_at < before)
    await tx.execute(sa.delete(UploadFile).where(_FILE.upload_id.in_(old)))
    await tx.execute(sa.delete(Upload).where(_UPLOAD.finished_at < before))
