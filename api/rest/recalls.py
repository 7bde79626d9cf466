"""Recalls over REST: answers whose cited words changed, with a drafted correction to be sent or dismissed."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.desk.recalls import Recalled, Recalls
from api.rest.auth import Acting, Reader, TheHouse
from api.rest.conversations import ContactView
from api.rest.messages import CitationView, MessageView, message_view
from api.rest.pages import Cursor, Limit, Page, Words, page
from api.whatsapp.limits import TEXT_BODY
from sahut.models import RecallState

router = APIRouter(prefix="/recalls", tags=["recalls"])


class RecallView(BaseModel):
    """An answer that a customer got and that its document does not bear out any more.

    `cause` is changed or removed; `lost` are the cited spans that do not stand any more; `draft` is the correction.
    `correction_id` is the message that was sent.
    """

    id: str
    state: str
    cause: str
    document_id: str
    document: str
    conversation_id: str
    contact: ContactView
    window_closes_at: datetime | None
    window_open: bool
    message_id: str
    answer: str
    answered_at: datetime
    lost: list[CitationView]
    draft: str
    correction_id: str | None
    closed_by: str
    closed_at: datetime | None
    created_at: datetime


class Correction(BaseModel):
    """What is to be said; the draft where it is empty."""

    text: Words = Field(default="", max_length=TEXT_BODY)


@router.get("")
async def list_recalls(
    house: TheHouse, key: Reader, state: RecallState | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[RecallView]:
    """Answers to be looked at again, oldest first."""
    found = await Recalls(house).listed(state=state, after=cursor, limit=limit + 1)
    return page(found, limit, _view, lambda row: row.recall.id)


@router.get("/{recall_id}")
async def get_recall(house: TheHouse, key: Reader, recall_id: str) -> RecallView:
    """One recall."""
    return _view(await Recalls(house).get(recall_id))


@router.post("/{recall_id}/send", status_code=202)
async def send_correction(
    house: TheHouse, actor: Acting, recall_id: str, body: Correction | None = None
) -> MessageView:
    """Send the correction, inside the window. Nobody comes to hold the conversation."""
    return message_view(await Recalls(house).send(actor, recall_id, body.text if body else ""))


@router.post("/{recall_id}/dismiss")
async def dismiss(house: TheHouse, actor: Acting, recall_id: str) -> RecallView:
    """Nothing need be corrected."""
    await Recalls(house).dismiss(actor, recall_id)
    return _view(await Recalls(house).get(recall_id))


def _view(row: Recalled) -> RecallView:
    shown = {"id", "state", "cause", "document_id", "conversation_id", "message_id", "correction_id", "closed_by"}
    return RecallView(
        **row.recall.model_dump(include={*shown, "closed_at", "created_at"}),
        document=row.document.path,
        contact=ContactView.model_validate(row.person, from_attributes=True),
        window_closes_at=row.window.closes_at,
        window_open=row.window_open,
        answer=row.answer.text,
        answered_at=row.answer.created_at,
        lost=[CitationView(**quote) for quote in row.recall.lost],
        draft=row.draft,
    )
