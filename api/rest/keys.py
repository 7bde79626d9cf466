"""API keys over REST, for administrators."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.rest.auth import Admin, TheHouse
from api.rest.pages import Cursor, Limit, Page, Words, page
from sahut.models import ApiKey
from sahut.store import keys, lists

router = APIRouter(prefix="/keys", tags=["keys"])


class KeyView(BaseModel):
    """A key without its secret."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None


class NewKey(BaseModel):
    """What a key is to be."""

    name: Words = Field(min_length=1, max_length=100)
    scopes: list[Literal["read", "write", "admin"]] = Field(min_length=1)


class KeyWithSecret(KeyView):
    """A fresh key; `key` is shown this once."""

    key: str


@router.get("")
async def list_keys(house: TheHouse, key: Admin, limit: Limit = 50, cursor: Cursor = None) -> Page[KeyView]:
    """All keys, revoked ones too."""
    async with house.store.reading() as tx:
        rows = await lists.keys(tx, after=cursor, limit=limit + 1)
    return page(rows, limit, _view, lambda row: row.id)


@router.post("", status_code=201)
async def create_key(house: TheHouse, key: Admin, body: NewKey) -> KeyWithSecret:
    """Make a key."""
    async with house.store.transaction() as tx:
        row, secret = await keys.create(tx, body.name, list(body.scopes), now=house.clock.now())
    return KeyWithSecret(**_view(row).model_dump(), key=secret)


@router.delete("/{key_id}", status_code=204)
async def revoke_key(house: TheHouse, key: Admin, key_id: str) -> None:
    """Revoke a key."""
    async with house.store.transaction() as tx:
        await keys.revoke(tx, key_id, now=house.clock.now())


def _view(row: ApiKey) -> KeyView:
    return KeyView.model_validate(row, from_attributes=True)
