"""Messages that failed for good, over REST: why, and what is done about them."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from api.desk.conversations import Desk
from api.rest.auth import Acting, Reader, TheHouse
from api.rest.messages import MessageView, message_view
from api.rest.pages import Cursor, Limit, Page, page
from sahut.models import Contact, Message
from sahut.store import failures

router = APIRouter(prefix="/failures", tags=["failures"])


class FailureView(BaseModel):
    """A message that failed, by its own id; `error_code` is Meta's, null where no answer ever came."""

    id: str
    conversation_id: str
    number: str
    contact_name: str
    author: str
    kind: str
    text: str
    error: str
    error_code: int | None
    created_at: datetime


@router.get("")
async def list_failures(house: TheHouse, key: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[FailureView]:
    """What nobody has decided about, newest first."""
    async with house.store.reading() as tx:
        rows = await failures.listed(tx, before=cursor, limit=limit + 1)
    return page(rows, limit, lambda row: failure_view(*row), lambda row: row[0].id)


@router.post("/{message_id}/retry", status_code=202)
async def retry(house: TheHouse, actor: Acting, message_id: str) -> MessageView:
    """Send it once more, as a new message of the key's owner, who holds the conversation from now on."""
    return message_view(await Desk(house).retry(actor, message_id))


@router.post("/{message_id}/dismiss", status_code=204)
async def dismiss(house: TheHouse, actor: Acting, message_id: str) -> None:
    """Do nothing more about it."""
    await Desk(house).dismiss(actor, message_id)


def failure_view(message: Message, contact: Contact) -> FailureView:
    """A failed message with whom it was for."""
    facts = message.model_dump(include=set(FailureView.model_fields))
    return FailureView(**facts, contact_name=contact.name)
