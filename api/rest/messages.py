"""Messages and their receipts over REST."""

from bisect import bisect_right
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse
from pydantic import BaseModel

from api.desk.serving import file_of
from api.rest.auth import Reader, TheHouse
from api.rest.description import problem_of
from sahut.models import CitationRow, Message
from sahut.store import library, lists

router = APIRouter(prefix="/messages", tags=["messages"])


class MessageView(BaseModel):
    """One line of a conversation; `body` is Meta's own object, `text` what of it can be read.

    A reaction, an edit or a withdrawal is a line of its own, `about` the wamid of another; that other one shows what
    it looks like now. What was withdrawn has no words any more.
    """

    id: str
    conversation_id: str
    wamid: str | None
    author: str
    author_name: str
    kind: str
    state: str
    text: str
    body: dict[str, Any]
    error: str
    error_code: int | None
    about: str | None
    edited_at: datetime | None
    revoked_at: datetime | None
    reaction: str
    sent_at: datetime
    created_at: datetime


class CitationView(BaseModel):
    """A cited span, in code points of the version's extracted text; `page` where the document has pages."""

    document: str
    version: str
    start: int
    end: int
    quote: str
    page: int | None = None


class ReceiptView(BaseModel):
    """What an answer stands on. `guidance_edition` is one of `numbers/{number}/editions`, empty where there is none."""

    message_id: str
    decision: str
    citations: list[CitationView]
    tools: list[dict[str, Any]]
    verdict: dict[str, Any]
    confidence: float
    features: dict[str, Any]
    model: str
    prompt_version: str
    guidance_edition: str
    calibration_version: str
    window_closes_at: datetime | None
    input_tokens: int
    output_tokens: int
    cost_usd: float
    created_at: datetime


@router.get("/{message_id}")
async def get_message(house: TheHouse, key: Reader, message_id: str) -> MessageView:
    """One message."""
    async with house.store.reading() as tx:
        return message_view(await lists.get(tx, Message, message_id))


@router.get("/{message_id}/file", response_class=FileResponse, responses=problem_of(409))
async def get_file(house: TheHouse, key: Reader, message_id: str) -> FileResponse:
    """The file that a customer sent with a message, as it came. What could act in a browser can only be saved."""
    return await file_of(house, message_id)


@router.get("/{message_id}/receipt")
async def get_receipt(house: TheHouse, key: Reader, message_id: str) -> ReceiptView:
    """The receipt of a message that the assistant sent."""
    async with house.store.reading() as tx:
        receipt = await lists.receipt(tx, message_id)
        cited = await lists.citations(tx, message_id)
        pages = await library.pages(tx, [row.version for row in cited])
    citations = [_citation(row, pages.get(row.version, [])) for row in cited]
    return ReceiptView(**receipt.model_dump(exclude={"turn_id"}), citations=citations)


def _citation(row: CitationRow, pages: list[int]) -> CitationView:
    """Pages begin at these offsets; a span is on the last one that begins before it."""
    view = CitationView.model_validate(row, from_attributes=True)
    return view.model_copy(update={"page": bisect_right(pages, row.start) or None})


def message_view(row: Message) -> MessageView:
    """A message as REST shows it."""
    return MessageView.model_validate(row, from_attributes=True)
