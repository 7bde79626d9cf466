"""Conversations over REST: list, read, and what operators do in them. Knows no rule."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from api.desk import NOTE_MOST, Desk
from api.house import House
from api.rest.auth import Acting, Reader, TheHouse
from api.rest.messages import MessageView, message_view
from api.rest.pages import Cursor, Limit, Page, Words, page
from api.whatsapp.clean import clean_json
from api.whatsapp.limits import content_problem
from sahut import rules
from sahut.models import Contact, Conversation, Note
from sahut.store import lists

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
    held_by: str | None
    held_by_name: str | None
    number: str
    language: str | None
    contact: ContactView
    window_closes_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ClosingNote(BaseModel):
    """A closing note."""

    note: Words = Field(default="", max_length=NOTE_MOST)


class Assignment(BaseModel):
    """Whose it becomes: an operator's id or e-mail address."""

    operator: Words = Field(min_length=1, max_length=254)


class NewNote(BaseModel):
    """An internal note."""

    text: Words = Field(min_length=1, max_length=NOTE_MOST)


class NoteView(BaseModel):
    """What an operator noted in a conversation."""

    id: str
    conversation_id: str
    author_name: str
    text: str
    created_at: datetime


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
    return await _load(house, conversation_id)


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
async def send_message(house: TheHouse, actor: Acting, conversation_id: str, body: dict[str, Any]) -> MessageView:
    """Queue a message in Meta's own shape; it makes the key's owner the holder, no claim needed."""
    (message,) = await Desk(house).send(actor, conversation_id, [_checked(body)])
    return message_view(message)


@router.post("/{conversation_id}/takeover")
async def take_over(house: TheHouse, actor: Acting, conversation_id: str) -> ConversationView:
    """The assistant is silent from now on."""
    await Desk(house).take_over(actor, conversation_id)
    return await _load(house, conversation_id)


@router.post("/{conversation_id}/return")
async def give_back(house: TheHouse, actor: Acting, conversation_id: str) -> ConversationView:
    """The assistant answers again."""
    await Desk(house).give_back(actor, conversation_id)
    return await _load(house, conversation_id)


@router.post("/{conversation_id}/assign")
async def assign(house: TheHouse, actor: Acting, conversation_id: str, body: Assignment) -> ConversationView:
    """Give it to an operator."""
    await Desk(house).assign(actor, conversation_id, body.operator)
    return await _load(house, conversation_id)


@router.post("/{conversation_id}/resolve")
async def resolve(
    house: TheHouse, actor: Acting, conversation_id: str, body: ClosingNote | None = None
) -> ConversationView:
    """The matter is closed."""
    await Desk(house).resolve(actor, conversation_id, body.note if body else "")
    return await _load(house, conversation_id)


@router.post("/{conversation_id}/spam")
async def mark_spam(house: TheHouse, actor: Acting, conversation_id: str) -> ConversationView:
    """Quarantine the conversation."""
    await Desk(house).mark_spam(actor, conversation_id)
    return await _load(house, conversation_id)


@router.post("/{conversation_id}/not-spam")
async def mark_not_spam(house: TheHouse, actor: Acting, conversation_id: str) -> ConversationView:
    """Undo the quarantine."""
    await Desk(house).unmark_spam(actor, conversation_id)
    return await _load(house, conversation_id)


@router.get("/{conversation_id}/notes")
async def list_notes(
    house: TheHouse, key: Reader, conversation_id: str, limit: Limit = 50, cursor: Cursor = None
) -> Page[NoteView]:
    """What operators noted, oldest first."""
    async with house.store.reading() as tx:
        await lists.get(tx, Conversation, conversation_id)
        rows = await lists.notes(tx, conversation_id, after=cursor, limit=limit + 1)
    return page(rows, limit, _note_view, lambda row: row.id)


@router.post("/{conversation_id}/notes", status_code=201)
async def add_note(house: TheHouse, actor: Acting, conversation_id: str, body: NewNote) -> NoteView:
    """Leave a word for colleagues; neither the customer nor the assistant sees it."""
    return _note_view(await Desk(house).note(actor, conversation_id, body.text))


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


async def _load(house: House, conversation_id: str) -> ConversationView:
    async with house.store.reading() as tx:
        conversation = await lists.get(tx, Conversation, conversation_id)
        contact = await lists.get(tx, Contact, conversation.contact_id)
        names = await lists.identities(tx, [contact.id])
    return _view(conversation, contact, names.get(contact.id, {}))


def _note_view(row: Note) -> NoteView:
    return NoteView.model_validate(row, from_attributes=True)


def _view(conversation: Conversation, contact: Contact, names: dict[str, str]) -> ConversationView:
    window = rules.Window(conversation.window_opened_at, conversation.window_closed_at)
    return ConversationView(
        id=conversation.id,
        status=conversation.status,
        holder=conversation.holder,
        held_by=conversation.held_by,
        held_by_name=conversation.held_by_name,
        number=conversation.number,
        language=conversation.language,
        contact=ContactView(id=contact.id, name=contact.name, phone=names.get("phone"), user_id=names.get("bsuid")),
        window_closes_at=window.closes_at,
        created_at=conversation.created_at,
        updated_at=conversation.updated_at,
    )
