"""Uploads: files that somebody gave us to learn together, and what became of each."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, UniqueConstraint

from sahut.ids import new_id
from sahut.models.columns import maybe_time, time_field
from sahut.models.row import Row


class UploadState(StrEnum):
    """How far an upload has come; `FAILED` where something other than its files stopped it."""

    WAITING = "waiting"
    LEARNING = "learning"
    DONE = "done"
    FAILED = "failed"


class FileState(StrEnum):
    """How far a file has come; `SKIPPED` is one of a kind that is not read, in an archive."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Upload(Row, table=True):
    """Files to be learned together. Their bytes lie under the data folder until it is done.

    `reason` says what stopped the whole of it.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    collection: str = "default"
    state: str = Field(default=UploadState.WAITING, index=True)
    reason: str = Field(default="", sa_type=sa.Text)
    created_by: str = ""
    created_at: datetime = time_field()
    finished_at: datetime | None = maybe_time()


class UploadFile(Row, table=True):
    """A file of an upload, or one in an archive of it. `outcome` is added, changed or unchanged once it is done."""

    __tablename__ = "upload_file"
    __table_args__ = (UniqueConstraint("upload_id", "position"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    upload_id: str = Field(foreign_key="upload.id")
    position: int
    path: str = Field(sa_type=sa.Text)
    state: str = FileState.WAITING
    outcome: str = ""
    reason: str = Field(default="", sa_type=sa.Text)
