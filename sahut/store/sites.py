"""Web sites that were learned, and when each is to be read again. Knows no page of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.errors import NotFound
from sahut.models import Site
from sahut.store.database import Tx, insert_once


async def remember(tx: Tx, url: str, collection: str, *, prune: bool, outcome: str, now: datetime) -> None:
    """Note a site that was just read."""
    await insert_once(tx, Site(url=url, collection=collection, created_at=now))
    which = (col(Site.url) == url, col(Site.collection) == collection)
    await tx.execute(sa.update(Site).where(*which).values(prune=prune, outcome=outcome, read_at=now, due_at=now))


async def take_due(tx: Tx, *, now: datetime, every: timedelta) -> Site | None:
    """A site whose time has come, put off by `every` so that nobody else reads it meanwhile."""
    query = select(Site.id).where(col(Site.read_at) <= now - every, col(Site.due_at) <= now).order_by(col(Site.due_at))
    found = (await tx.execute(query.limit(1))).scalar_one_or_none()
    if found is None:
        return None
    taken = sa.update(Site).where(col(Site.id) == found, col(Site.due_at) <= now).values(due_at=now + every)
    if (await tx.execute(taken.returning(col(Site.id)))).scalar_one_or_none() is None:
        return None
    return await tx.get(Site, found, populate_existing=True)


async def listed(tx: Tx, *, after: str | None, limit: int) -> Sequence[Site]:
    """Sites in the order in which they were first learned."""
    query = select(Site).order_by(col(Site.id)).limit(limit)
    if after is not None:
        query = query.where(col(Site.id) > after)
    return (await tx.execute(query)).scalars().all()


async def find(tx: Tx, url: str, collection: str) -> Site | None:
    """The site of that address and collection."""
    query = select(Site).where(Site.url == url, Site.collection == collection)
    return (await tx.execute(query)).scalar_one_or_none()


async def forget(tx: Tx, site_id: str) -> None:
    """Do not read a site again; what was learned of it stays. Raises `NotFound`."""
    gone = sa.delete(Site).where(col(Site.id) == site_id).returning(col(Site.id))
    if (await tx.execute(gone)).scalar_one_or_none() is None:
        raise NotFound(f"There is no site {site_id}.")
