"""Gaps over REST: what customers asked in vain, an article drafted from operators' answers, and its publishing."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.desk.gaps import MOST_ARTICLE, MOST_TITLE, Gaps, Whole
from api.rest.auth import Acting, Reader, TheHouse
from api.rest.pages import Cursor, Limit, Page, Words, page
from sahut.models import GapState
from sahut.store.gaps import Counted

router = APIRouter(prefix="/gaps", tags=["gaps"])


class GapView(BaseModel):
    """Questions that ask the same: how many, how many of them are answered by now, and when one came last.

    `document` is the path of the document that was published for it.
    """

    id: str
    state: str
    title: str
    language: str
    questions: int
    answered: int
    document: str
    collection: str
    closed_by: str
    closed_at: datetime | None
    created_at: datetime
    last_at: datetime


class QuestionView(BaseModel):
    """A question as it was asked. After publishing: what the assistant says now, and the documents that it cites."""

    id: str
    conversation_id: str
    text: str
    language: str
    reason: str
    answer: str
    cited: list[str]
    answered_at: datetime | None
    created_at: datetime


class AnswerView(BaseModel):
    """What an operator wrote to whoever asked."""

    question_id: str
    text: str
    author_name: str
    created_at: datetime


class ArticleView(BaseModel):
    """The article, drafted or written so far."""

    title: str
    text: str


class WholeGap(GapView):
    """A gap with its newest questions, the operators' answers and the article."""

    asked: list[QuestionView]
    answers: list[AnswerView]
    draft: ArticleView


class Article(BaseModel):
    """An article; where a part is empty, the draft's is meant."""

    title: Words = Field(default="", max_length=MOST_TITLE)
    text: Words = Field(default="", max_length=MOST_ARTICLE)


class Publication(Article):
    """An article and the collection that it goes into; the gap's own where it is empty."""

    collection: Words = Field(default="", max_length=100)


@router.get("")
async def list_gaps(
    house: TheHouse, key: Reader, state: GapState | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[GapView]:
    """What the documents do not answer, oldest first."""
    found = await Gaps(house).listed(state=state, after=cursor, limit=limit + 1)
    return page(found, limit, _view, lambda row: row.gap.id)


@router.get("/{gap_id}")
async def get_gap(house: TheHouse, key: Reader, gap_id: str) -> WholeGap:
    """One gap with its questions and its draft."""
    return _whole(await Gaps(house).get(gap_id))


@router.put("/{gap_id}/draft")
async def save_draft(house: TheHouse, actor: Acting, gap_id: str, body: Article) -> WholeGap:
    """Keep an article for later."""
    return _whole(await Gaps(house).save(actor, gap_id, body.title, body.text))


@router.post("/{gap_id}/draft")
async def draft(house: TheHouse, actor: Acting, gap_id: str) -> WholeGap:
    """Draft the article anew from what operators answered."""
    return _whole(await Gaps(house).draft(actor, gap_id))


@router.post("/{gap_id}/publish")
async def publish(house: TheHouse, actor: Acting, gap_id: str, body: Publication | None = None) -> WholeGap:
    """Learn the article as a document and ask the same questions again."""
    given = body or Publication()
    return _whole(await Gaps(house).publish(actor, gap_id, given.title, given.text, collection=given.collection))


@router.post("/{gap_id}/dismiss")
async def dismiss(house: TheHouse, actor: Acting, gap_id: str) -> WholeGap:
    """Nothing is to be written about this."""
    return _whole(await Gaps(house).dismiss(actor, gap_id))


def _view(row: Counted) -> GapView:
    shown = {"id", "state", "title", "language", "collection", "closed_by", "closed_at", "created_at"}
    return GapView(
        **row.gap.model_dump(include=shown),
        questions=row.questions,
        answered=row.answered,
        document=row.gap.path,
        last_at=row.last_at,
    )


def _whole(whole: Whole) -> WholeGap:
    return WholeGap(
        **_view(whole.counted).model_dump(),
        asked=[QuestionView.model_validate(row, from_attributes=True) for row in whole.questions],
        answers=[AnswerView.model_validate(row, from_attributes=True) for row in whole.answers],
        draft=ArticleView(title=whole.title, text=whole.text),
    )
