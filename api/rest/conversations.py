"""Conversations over REST: list, read, write as an operator, take over, give back, resolve, spam and its undo."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from api.house import House
from api.rest.auth import Reader, TheHouse, Writer
from api.rest.messages import MessageView, message_view
from api.rest.pages import Cursor, Limit, Page, Words, page
from api.whatsapp.clean import clean_json
from api.whatsapp.limits import content_problem
from sahut import rules
from sahut.errors import Forbidden
from sahut.ids import ConversationId
from sahut.models import Author, Contact, Conversation, Purpose
from sahut.store import Tx, handoffs, lists, outbox

router = APIRouter(prefix="/conversations", tags=["conversations"])

_OURS = {"messaging_product", "recipient_type", "to", "recipient", "biz_opaque_callback_data"}


class ContactView(BaseModel):
    """A contact as an operator needs to see it."""

    id: str
    name: str
    phone: str | None
    user_id: str | None


class ConversationView(BaseModel):
    """A conversation with its window; `window_closes_at` is null where the customer never wrote."""

    id: str
    status: str
    holder: str
    number: str
    language: str | None
    contact: ContactView
    window_closes_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Note(BaseModel):
    """A closing note."""

    note: Words = Field(default="", max_length=4096)


@router.get("")
async def list_conversations(
    house: TheHouse,
    key: Reader,
    status: str | None = None,
    holder: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ConversationView]:
    """Conversations, newest first."""
    async with house.store.reading() as tx:
        rows = await lists.conversations(tx, status=status, holder=holder, before=cursor, limit=limit + 1)
        names = await lists.identities(tx, [contact.id for _, contact in rows])
    return page(rows, limit, lambda row: _view(*row, names.get(row[1].id, {})), lambda row: row[0].id)


@router.get("/{conversation_id}")
async def get_conversation(house: TheHouse, key: Reader, conversation_id: str) -> ConversationView:
    """One conversation."""
    async with house.store.reading() as tx:
        return await _load(tx, conversation_id)


@router.get("/{conversation_id}/messages")
async def list_messages(
    house: TheHouse, key: Reader, conversation_id: str, limit: Limit = 50, cursor: Cursor = None
) -> Page[MessageView]:
    """A conversation's messages, oldest first, every inbound kind among them."""
    async with house.store.reading() as tx:
        await lists.get(tx, Conversation, conversation_id)
        rows = await lists.messages(tx, conversation_id, after=cursor, limit=limit + 1)
    return page(rows, limit, message_view, lambda row: row.id)


@router.post("/{conversation_id}/messages", status_code=202)
async def send_message(house: TheHouse, key: Writer, conversation_id: str, body: dict[str, Any]) -> MessageView:
    """Queue a message in Meta's own shape; it makes the key's owner the holder, no claim needed."""
    body = _checked(body)
    now = house.clock.now()
    conversation_key = ConversationId(conversation_id)
    async with house.store.transaction() as tx:
        await handoffs.take_over(tx, conversation_key, operator=key.name, now=now)
        conversation = await lists.get(tx, Conversation, conversation_id)
        _check_window(house, conversation, body["type"], now)
        message = outbox.draft(
            conversation,
            text=_readable(body),
            body=body,
            author=Author.OPERATOR,
            author_name=key.name,
            purpose=Purpose.OPERATOR,
            now=now,
        )
        tx.add(message)
    await house.engine.wake("send", conversation_id)
    return message_view(message)


@router.post("/{conversation_id}/takeover")
async def take_over(house: TheHouse, key: Writer, conversation_id: str) -> ConversationView:
    """The assistant is silent from now on."""
    async with house.store.transaction() as tx:
        await handoffs.take_over(tx, ConversationId(conversation_id), operator=key.name, now=house.clock.now())
        return await _load(tx, conversation_id)


@router.post("/{conversation_id}/return")
async def give_back(house: TheHouse, key: Writer, conversation_id: str) -> ConversationView:
    """The assistant answers again."""
    async with house.store.transaction() as tx:
        await handoffs.give_back(tx, ConversationId(conversation_id), operator=key.name, now=house.clock.now())
        return await _load(tx, conversation_id)


@router.post("/{conversation_id}/resolve")
async def resolve(house: TheHouse, key: Writer, conversation_id: str, body: Note | None = None) -> ConversationView:
    """The matter is closed."""
    note = body.note if body else ""
    async with house.store.transaction() as tx:
        await handoffs.resolve(tx, ConversationId(conversation_id), operator=key.name, note=note, now=house.clock.now())
        return await _load(tx, conversation_id)


@router.post("/{conversation_id}/spam")
async def mark_spam(house: TheHouse, key: Writer, conversation_id: str) -> ConversationView:
    """Quarantine the conversation."""
    async with house.store.transaction() as tx:
        await handoffs.mark_spam(tx, ConversationId(conversation_id), operator=key.name, now=house.clock.now())
        return await _load(tx, conversation_id)


@router.post("/{conversation_id}/not-spam")
async def mark_not_spam(house: TheHouse, key: Writer, conversation_id: str) -> ConversationView:
    """Undo the quarantine."""
    async with house.store.transaction() as tx:
        await handoffs.mark_not_spam(tx, ConversationId(conversation_id), operator=key.name, now=house.clock.now())
        view = await _load(tx, conversation_id)
    await house.engine.wake("turn", conversation_id)
    return view


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """The body with its type spelt out, storable. Raises 422 for what Meta would refuse or what is ours to fill in."""
    ours = sorted(_OURS & body.keys())
    if ours:
        raise HTTPException(422, f"Leave out {', '.join(ours)}: Sahut fills it in.")
    cleaned: dict[str, Any] = clean_json({"type": "text", **body})
    wrong = content_problem(cleaned)
    if wrong is not None:
        raise HTTPException(422, wrong.message)
    if not isinstance(cleaned.get("context", {}), dict):
        raise HTTPException(422, 'context must be an object: {"message_id": "wamid..."}')
    return cleaned


def _check_window(house: House, conversation: Conversation, kind: str, now: datetime) -> None:
    window = rules.Window(conversation.window_opened_at, conversation.window_closed_at)
    if kind != "template" and not window.is_open(now, house.margin):
        raise Forbidden("The 24-hour window is closed, so only a template may be sent until the customer writes again.")


def _readable(body: dict[str, Any]) -> str:
    """The words of an outgoing message, for the history."""
    content = body.get(body["type"])
    if not isinstance(content, dict):
        return ""
    inner = content.get("body")
    return str(inner.get("text", "")) if isinstance(inner, dict) else str(inner or content.get("caption", ""))


async def _load(tx: Tx, conversation_id: str) -> ConversationView:
    conversation = await lists.get(tx, Conversation, conversation_id)
    await tx.refresh(conversation)
    contact = await lists.get(tx, Contact, conversation.contact_id)
    names = await lists.identities(tx, [contact.id])
    return _view(conversation, contact, names.get(contact.id, {}))


def _view(conversation: Conversation, contact: Contact, names: dict[str, str]) -> ConversationView:
    window = rules.Window(conversation.window_opened_at, conversation.window_closed_at)
    return ConversationView(
        id=conversation.id,
        status=conversation.status,
        holder=conversation.holder,
        number=conversation.number,
        language=conversation.language,
        contact=ContactView(id=contact.id, name=contact.name, phone=names.get("phone"), user_id=names.get("bsuid")),
        window_closes_at=window.closes_at,
        created_at=conversation.created_at,
        updated_at=conversation.updated_at,
    )
