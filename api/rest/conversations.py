"""Conversations over REST: list, read, and what operators do in them. Knows no rule."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from api.desk.conversations import NOTE_MOST, Desk
from api.house import House
from api.rest.auth import Acting, Reader, TheHouse
from api.rest.messages import MessageView, message_view
from api.rest.metas_message import MetasMessage
from api.rest.pages import Cursor, Limit, Page, Words, page
from api.whatsapp.clean import clean_json
from api.whatsapp.limits import content_problem
from sahut import rules
from sahut.models import Closing, Contact, Conversation, Holder, Note, Status
from sahut.store import lists, memory, ratings

router = APIRouter(prefix="/conversations", tags=["conversations"])

_OURS = {"messaging_product", "recipient_type", "to", "recipient", "biz_opaque_callback_data"}


class ContactView(BaseModel):
    """A contact as an operator needs to see it.

    `number_changed_at`: their number or user id became another one, and nobody has made sure since that it is them.
    `review` says what a person must look at, empty: nothing. Since `opted_out_at` (the word STOP, or `opt-out`) they
    hear only what answers them; null: they never said so, or took it back.
    """

    id: str
    name: str
    phone: str | None
    user_id: str | None
    number_changed_at: datetime | None = None
    review: str = ""
    opted_out_at: datetime | None = None
    marketing_stopped: bool = False


class SatisfactionView(BaseModel):
    """What the customer thought of a session: 3 good, 2 fair, 1 bad, null while they have not said."""

    asked_at: datetime
    score: int | None
    scored_at: datetime | None
    comment: str


class ConversationView(BaseModel):
    """A conversation with its window; `window_closes_at` is null where the customer never wrote.

    `window_warned`: operators were told that this window ends soon while somebody waits for a human.
    `standby`: another owner has the thread, and the assistant is silent. `free_until` is the end of Meta's free entry
    point, where it told one. `satisfaction` is that of the last session that was closed, and is told only where one
    conversation is asked for.
    """

    id: str
    status: str
    holder: str
    held_by: str | None
    held_by_name: str | None
    number: str
    language: str | None
    contact: ContactView
    window_closes_at: datetime | None
    window_warned: bool
    standby: bool
    free_until: datetime | None
    satisfaction: SatisfactionView | None = None
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
    status: Status | None = None,
    holder: Holder | None = None,
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
async def send_message(house: TheHouse, actor: Acting, conversation_id: str, body: MetasMessage) -> MessageView:
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
    context = cleaned.get("context", {"message_id": ""})
    if not isinstance(context, dict) or not isinstance(context.get("message_id"), str):
        raise HTTPException(422, 'context must be an object: {"message_id": "wamid..."}')
    return cleaned


async def _load(house: House, conversation_id: str) -> ConversationView:
    async with house.store.reading() as tx:
        conversation = await lists.get(tx, Conversation, conversation_id)
        contact = await lists.get(tx, Contact, conversation.contact_id)
        names = await lists.identities(tx, [contact.id])
        closing = await ratings.latest(tx, conversation_id)
    view = _view(conversation, contact, names.get(contact.id, {}))
    return view.model_copy(update={"satisfaction": _satisfaction(closing)})


def _satisfaction(closing: Closing | None) -> SatisfactionView | None:
    if closing is None:
        return None
    return SatisfactionView(
        asked_at=closing.created_at, score=closing.score, scored_at=closing.scored_at, comment=closing.comment
    )


def _note_view(row: Note) -> NoteView:
    return NoteView.model_validate(row, from_attributes=True)


def contact_view(contact: Contact, names: dict[str, str]) -> ContactView:
    """A contact as REST shows it; `names` by kind."""
    return ContactView(
        id=contact.id,
        name=contact.name,
        phone=names.get("phone"),
        user_id=names.get("bsuid"),
        number_changed_at=contact.number_changed_at,
        review=contact.review,
        opted_out_at=contact.opted_out_at,
        marketing_stopped=rules.wants_no_marketing(contact.marketing_stopped_at, contact.marketing_resumed_at),
    )


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
        contact=contact_view(contact, names),
        window_closes_at=window.closes_at,
        window_warned=rules.is_warned(conversation.window_opened_at, conversation.window_warned_of),
        standby=rules.is_standby(owned_at=conversation.owned_at, standby_at=conversation.standby_at),
        free_until=conversation.free_until,
        created_at=conversation.created_at,
        updated_at=conversation.updated_at,
    )


class SummaryView(BaseModel):
    """The turns before the newest ones, summed up: `made_by` a chat model, or `extractive`. It is no source."""

    text: str
    made_by: str
    until_message_id: str
    updated_at: datetime


@router.get("/{conversation_id}/summary")
async def get_summary(house: TheHouse, key: Reader, conversation_id: str) -> SummaryView | None:
    """What of the conversation is summed up; null while all of it fits the assistant's memory."""
    async with house.store.reading() as tx:
        await lists.get(tx, Conversation, conversation_id)
        row = await memory.summary_of(tx, conversation_id)
    if row is None:
        return None
    return SummaryView(text=row.text, made_by=row.made_by, until_message_id=row.until_id, updated_at=row.updated_at)
