"""Learned web sites over REST: which they are, how the last reading went, and an end to reading one again."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from api.rest.auth import Reader, TheHouse, Writer
from api.rest.pages import Cursor, Limit, Page, page
from sahut.models import Site
from sahut.store import sites

router = APIRouter(prefix="/sites", tags=["sites"])


class SiteView(BaseModel):
    """A site that `sahut learn URL` remembered; `outcome` says how the last reading went."""

    id: str
    url: str
    collection: str
    prune: bool
    outcome: str
    read_at: datetime | None
    created_at: datetime


@router.get("")
async def list_sites(house: TheHouse, key: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[SiteView]:
    """Sites that are read again every `SAHUT_RELEARN_HOURS`."""
    async with house.store.reading() as tx:
        rows = await sites.listed(tx, after=cursor, limit=limit + 1)
    return page(rows, limit, _view, lambda row: row.id)


@router.delete("/{site_id}", status_code=204)
async def forget_site(house: TheHouse, key: Writer, site_id: str) -> None:
    """Do not read a site again. Its documents stay until they are deleted."""
    async with house.store.transaction() as tx:
        await sites.forget(tx, site_id)


def _view(row: Site) -> SiteView:
    return SiteView.model_validate(row, from_attributes=True)
