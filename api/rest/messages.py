"""Messages and their receipts over REST."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from api.rest.auth import Reader, TheHouse
from sahut.models import Message
from sahut.store import lists

router = APIRouter(prefix="/messages", tags=["messages"])


class MessageView(BaseModel):
    """One line of a conversation; `body` is Meta's own object, `text` what of it can be read."""

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
    sent_at: datetime
    created_at: datetime


class CitationView(BaseModel):
    """A cited span, in code points of the version's extracted text."""

    document: str
    version: str
    start: int
    end: int
    quote: str


class ReceiptView(BaseModel):
    """What an answer stands on."""

    message_id: str
    decision: str
    citations: list[CitationView]
    tools: list[dict[str, Any]]
    verdict: dict[str, Any]
    confidence: float
    features: dict[str, Any]
    model: str
    prompt_version: str
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


@router.get("/{message_id}/receipt")
async def get_receipt(house: TheHouse, key: Reader, message_id: str) -> ReceiptView:
    """The receipt of a message that the assistant sent."""
    async with house.store.reading() as tx:
        receipt = await lists.receipt(tx, message_id)
        cited = await lists.citations(tx, message_id)
    citations = [CitationView.model_validate(row, from_attributes=True) for row in cited]
    return ReceiptView(**receipt.model_dump(exclude={"turn_id"}), citations=citations)


def message_view(row: Message) -> MessageView:
    """A message as REST shows it."""
    return MessageView.model_validate(row, from_attributes=True)
