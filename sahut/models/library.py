"""What the organisation knows: documents, their versions, and chunks with their vectors.

These rows are the truth; the vector index is derived from them and can be rebuilt.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, UniqueConstraint

from sahut.ids import new_id
from sahut.models.columns import json_field, maybe_time, text_field, time_field
from sahut.models.row import Row


class Document(Row, table=True):
    """A document of a collection. `path` is relative to the learned folder `root`; absent once `removed_at` is set.

    After `valid_until` it is not answered from: `expired_at` is set then, which takes it out of every search.
    """

    __table_args__ = (UniqueConstraint("collection", "path"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    collection: str = Field(default="default", index=True)
    root: str = Field(default="", sa_type=sa.Text)
    path: str
    title: str = Field(default="", sa_type=sa.Text)
    language: str = "en"
    version_id: str | None = None
    updated_at: datetime = time_field()
    valid_until: datetime | None = maybe_time(index=True)
    expired_at: datetime | None = maybe_time()
    removed_at: datetime | None = maybe_time()


class DocumentVersion(Row, table=True):
    """One state of a document's extracted text. `hash` is the SHA-256 of the source bytes and names the version.

    `pages` are the offsets in `text` where page 1, 2, ... begin; empty where the format has no pages. `suspect` are
    stretches (`start`, `end`, `text`) that speak to an assistant rather than to a reader. Versions are kept after a
    change, because receipts point into them.
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
    pages: list[int] = json_field(list)
    suspect: list[dict[str, Any]] = json_field(list)
    created_at: datetime = time_field()


class Chunk(Row, table=True):
    """A span of a version's text (code points) with its headings and its vector (float32, little-endian).

    `embedder` names the space of `vector`. `sentences` are the vectors of its sentences, one byte a component, where
    they are compared too. `digest` is the SHA-256 of the text that was embedded, which is more than `text`.
    """

    __table_args__ = (
        sa.Index("ix_chunk_version", "version_id", "position"),
        sa.Index("ix_chunk_digest", "digest", "embedder"),
    )

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
    sentences: bytes | None = Field(default=None, sa_type=sa.LargeBinary)
    digest: str | None = None


class Attachment(Row, table=True):
    """A file of the organisation's that may be sent to customers. `hash` is the SHA-256 of its bytes.

    `path` is relative to the learned folder `root`, `name` what it is called and sent as, `names` all that customers
    may call it by, `kind` what WhatsApp sends it as: document or image. Absent once `removed_at` is set.
    """

    __table_args__ = (UniqueConstraint("collection", "path"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    collection: str = Field(default="default", index=True)
    root: str = Field(default="", sa_type=sa.Text)
    path: str
    name: str = Field(sa_type=sa.Text)
    names: list[str] = json_field(list)
    filename: str
    kind: str
    media_type: str
    hash: str = Field(index=True)
    size_bytes: int
    updated_at: datetime = time_field()
    removed_at: datetime | None = maybe_time()


class KnowledgeState(Row, table=True):
    """One row: `generation` grows with every change, so an index can tell that it is behind."""

    __tablename__ = "knowledge_state"

    id: int = Field(default=1, primary_key=True)
    generation: int = 0
    facts: dict[str, Any] = json_field(dict)
