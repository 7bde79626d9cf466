"""What the nouns share: storable words, and lists with a cursor (`{"items": [...], "next_cursor": null or "..."}`)."""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import AfterValidator, BaseModel

from api.whatsapp.clean import clean_text

Item = TypeVar("Item", bound=BaseModel)
Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=200, description="items on a page")]
Cursor = Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before")]


Words = Annotated[str, AfterValidator(clean_text)]


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None


def page(rows: Sequence[Row], limit: int, show: Callable[[Row], Item], key: Callable[[Row], str]) -> Page[Item]:
    """A page out of `limit + 1` rows: the extra one only says that there is more."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(items=[show(row) for row in shown], next_cursor=key(shown[-1]) if more else None)
