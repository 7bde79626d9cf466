"""What the organisation knows: documents, their versions, and chunks with their vectors.

These rows are the truth; the vector index is derived from them and can be rebuilt.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel, UniqueConstraint

from sahut.ids import new_id
from sahut.models.columns import json_field, maybe_time, text_field, time_field


class Document(SQLModel, table=True):
    """A document of a collection. `path` is relative to the learned folder `root`; absent once `removed_at` is set."""

    __table_args__ = (UniqueConstraint("collection", "path"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    collection: str = Field(default="default", index=True)
    root: str = Field(default="", sa_type=sa.Text)
    path: str
    title: str = Field(default="", sa_type=sa.Text)
    language: str = "en"
    version_id: str | None = None
    updated_at: datetime = time_field()
    removed_at: datetime | None = maybe_time()


class DocumentVersion(SQLModel, table=True):
    """One state of a document's extracted text. `hash` is the SHA-256 of the source bytes and names the version.

    Versions are kept after a change, because receipts point into them.
    """

    __tablename__ = "document_version"
    __table_args__ = (UniqueConstraint("document_id", "hash"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    document_id: str = Field(foreign_key="document.id", index=True)
    hash: str = Field(index=True)
    media_type: str
    title: str = Field(default="", sa_type=sa.Text)
    language: str = "en"
    text: str = text_field()
    created_at: datetime = time_field()


class Chunk(SQLModel, table=True):
    """A span of a version's text (code points) with its headings and its vector (float32, little-endian)."""

    __table_args__ = (sa.Index("ix_chunk_version", "version_id", "position"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    version_id: str = Field(foreign_key="document_version.id")
    position: int
    start: int
    end: int
    headings: list[str] = json_field(list)
    text: str = text_field()
    language: str = "en"
    embedder: str
    vector: bytes = Field(sa_type=sa.LargeBinary)


class KnowledgeState(SQLModel, table=True):
    """One row: `generation` grows with every change, so an index can tell that it is behind."""

    __tablename__ = "knowledge_state"

    id: int = Field(default=1, primary_key=True)
    generation: int = 0
    facts: dict[str, Any] = json_field(dict)
