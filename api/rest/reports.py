"""Reports over REST: how satisfied customers were."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from api.rest.auth import Reader, TheHouse
from sahut.store import ratings

router = APIRouter(prefix="/reports", tags=["reports"])

DAYS = timedelta(days=30)
Since = Annotated[AwareDatetime | None, Query(description="closing messages from this moment on; default: 30 days")]


class SatisfactionReport(BaseModel):
    """Closing messages that arrived since then and what was answered; `happy` is the share of 3 among the answers."""

    since: datetime
    asked: int
    answered: int
    scores: dict[int, int]
    happy: float | None
    comments: int


@router.get("/satisfaction")
async def satisfaction(house: TheHouse, key: Reader, since: Since = None) -> SatisfactionReport:
    """How satisfied customers were with their sessions."""
    since = since or house.clock.now() - DAYS
    async with house.store.reading() as tx:
        found = await ratings.summary(tx, since=since)
    answered = sum(found.scores.values())
    return SatisfactionReport(
        since=since,
        asked=found.asked,
        answered=answered,
        scores=found.scores,
        happy=found.scores[3] / answered if answered else None,
        comments=found.comments,
    )
