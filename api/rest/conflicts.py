"""Conflicts over REST: documents that contradict or repeat each other, with both passages."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from api.rest.auth import Reader, TheHouse
from api.rest.pages import CountCursor, Limit, Page, page
from knowledge.conflicts import Conflict

router = APIRouter(prefix="/conflicts", tags=["conflicts"])


class PassageView(BaseModel):
    """A passage of a document, in code points of the version's extracted text."""

    document: str
    collection: str
    title: str
    version: str
    start: int
    end: int
    text: str


class ConflictView(BaseModel):
    """Two passages that say the same (`duplicate`), or the same with other figures or dates (`contradiction`)."""

    kind: Literal["duplicate", "contradiction"]
    passages: list[PassageView]


@router.get("")
async def list_conflicts(
    house: TheHouse, key: Reader, limit: Limit = 50, cursor: CountCursor = None
) -> Page[ConflictView]:
    """Contradictions first. The list is made anew when the documents change, so a cursor holds until then."""
    begin = int(cursor or 0)
    rows = list(enumerate(await house.conflicts.listed(), start=1))[begin : begin + limit + 1]
    return page(rows, limit, lambda row: _view(row[1]), lambda row: str(row[0]))


def _view(row: Conflict) -> ConflictView:
    sides = [PassageView.model_validate(side, from_attributes=True) for side in (row.one, row.other)]
    return ConflictView(kind=row.kind, passages=sides)
