"""What the nouns share: storable words, and lists with a cursor (`{"items": [...], "next_cursor": null or "..."}`)."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import AfterValidator, BaseModel
from pydantic_core import PydanticCustomError

from api.whatsapp.clean import clean_text

Item = TypeVar("Item", bound=BaseModel)
Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=200, description="items on a page")]
_BEFORE = "`next_cursor` of the page before"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)


def _cursor(shape: re.Pattern[str]) -> AfterValidator:
    def check(value: str) -> str:
        if shape.fullmatch(value):
            return value
        told = "this is no cursor of ours: send `next_cursor` of the page before as it came, or none for the first page"
        raise PydanticCustomError("cursor", "{told}", {"told": told})

    return AfterValidator(check)


Cursor = Annotated[Annotated[str, _cursor(_ID)] | None, Query(max_length=64, description=_BEFORE)]
# Where rows are counted, not named.
CountCursor = Annotated[Annotated[str, _cursor(_COUNT)] | None, Query(max_length=64, description=_BEFORE)]

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
