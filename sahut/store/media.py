"""Files that may be sent to customers, and what Meta has of them already. Knows no file system and no HTTP.

A queued message names its file by content (`sahut:` and the hash, where Meta's media id belongs); the id is put in
when the message is claimed, since it is good for 30 days and for one number only.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.models import Attachment, MediaUpload, Message
from sahut.store.database import Tx, insert_once

LOCAL = "sahut:"
KINDS = ("document", "image")
# Meta keeps an upload for 30 days; a message may wait in the outbox for one.
GOOD_FOR = timedelta(days=28)
# By these Meta says that it has no such file (any more), where a message names one.
GONE = frozenset({100, 131009, 131053})


def local_hash(body: dict[str, Any]) -> str | None:
    """The hash of the file that a message object carries, where it is one of ours."""
    content = body.get(str(body.get("type")))
    name = content.get("id") if isinstance(content, dict) else None
    return name.removeprefix(LOCAL) if isinstance(name, str) and name.startswith(LOCAL) else None


async def settled(tx: Tx, number: str, body: dict[str, Any], *, now: datetime) -> dict[str, Any] | None:
    """The message object as Meta wants it; `None` where its file must be uploaded first."""
    digest = local_hash(body)
    if digest is None:
        return body
    upload = await tx.get(MediaUpload, (number, digest))
    if upload is None or upload.uploaded_at + GOOD_FOR <= now:
        return None
    kind = body["type"]
    return {**body, kind: {**body[kind], "id": upload.media_id}}


async def keep_upload(tx: Tx, number: str, digest: str, media_id: str, *, now: datetime) -> None:
    """Note what Meta calls a file, in place of an older name."""
    await forget_upload(tx, number, digest)
    await insert_once(tx, MediaUpload(number=number, hash=digest, media_id=media_id, uploaded_at=now))


async def forget_upload(tx: Tx, number: str, digest: str) -> None:
    """Meta does not have this file (any more)."""
    mine = sa.and_(col(MediaUpload.number) == number, col(MediaUpload.hash) == digest)
    await tx.execute(sa.delete(MediaUpload).where(mine))


async def forget_upload_of(tx: Tx, message_id: str) -> None:
    """Meta does not have the file that a message carries, if it carries one."""
    found = (await tx.execute(select(Message.number, Message.body).where(Message.id == message_id))).one()
    digest = local_hash(found.body)
    if digest is not None:
        await forget_upload(tx, found.number, digest)


async def sendable(tx: Tx, digest: str) -> Attachment | None:
    """The file with this content, while the organisation has it among those that may be sent."""
    query = select(Attachment).where(Attachment.hash == digest, col(Attachment.removed_at).is_(None)).limit(1)
    return (await tx.execute(query)).scalar_one_or_none()


async def present(
    tx: Tx,
    *,
    kind: str | None = None,
    collections: Collection[str] | None = None,
    after: str = "",
    limit: int = 200,
) -> Sequence[Attachment]:
    """The files that may be sent, of all collections or of these, in the order in which they came, from the one behind
    the id `after`."""
    query = select(Attachment).where(col(Attachment.removed_at).is_(None), Attachment.id > after)
    if kind is not None:
        query = query.where(Attachment.kind == kind)
    if collections is not None:
        query = query.where(col(Attachment.collection).in_(collections))
    return (await tx.execute(query.order_by(col(Attachment.id)).limit(limit))).scalars().all()


async def find(tx: Tx, collection: str, path: str) -> Attachment | None:
    """The file of that collection and path, removed or not."""
    query = select(Attachment).where(Attachment.collection == collection, Attachment.path == path)
    return (await tx.execute(query)).scalar_one_or_none()


async def put(tx: Tx, wanted: Attachment) -> Attachment:
    """Make `wanted` the file of its collection and path; the row as stored."""
    await insert_once(tx, wanted)
    stored = await find(tx, wanted.collection, wanted.path)
    assert stored is not None  # noqa: S101  (inserted above or there before)
    values = wanted.model_dump(exclude={"id", "collection", "path"})
    for name, value in values.items():
        setattr(stored, name, value)
    await tx.flush()
    return stored


async def under(tx: Tx, collection: str, roots: Iterable[str]) -> Sequence[Attachment]:
    """The files that were learned from one of these folders and stand."""
    query = select(Attachment).where(
        Attachment.collection == collection,
        col(Attachment.root).in_(list(roots)),
        col(Attachment.removed_at).is_(None),
    )
    return (await tx.execute(query)).scalars().all()


async def remove(tx: Tx, collection: str, path: str, *, now: datetime) -> None:
    """From now on this file is sent to nobody, not even where it was promised."""
    mine = sa.and_(col(Attachment.collection) == collection, col(Attachment.path) == path)
    stands = col(Attachment.removed_at).is_(None)
    await tx.execute(sa.update(Attachment).where(mine, stands).values(removed_at=now, updated_at=now))
