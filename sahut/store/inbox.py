"""Receiving: webhook values become rows, once each. Knows nothing of how they are answered or sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut import rules
from sahut.events import Call, Echo, GroupEvent, Inbound, Names
from sahut.ids import ConversationId
from sahut.models import (
    Author,
    Conversation,
    Message,
    RawEvent,
    Role,
    State,
    Status,
)
from sahut.store import changes, files, handoffs, identities
from sahut.store.database import Tx, insert_once
from sahut.store.rows import (
    lock_conversation,
    lock_conversation_named,
    lock_conversation_of,
    update_conversation,
    update_message,
)

RAW_EVENTS_KEPT = 10_000
# What is shown as the author of what a colleague wrote on the phone.
APP = rules.Actor("whatsapp-app", "WhatsApp app", Role.OPERATOR)
OTHER_OWNER = "another owner of the thread"


@dataclass(frozen=True)
class Received:
    """What became of an inbound message. `wake_at` is when its turn may begin, `None` where none is needed."""

    conversation_id: ConversationId
    is_new: bool
    wake_at: datetime | None
    message_id: str = ""


@dataclass(frozen=True)
class Wait:
    """What a turn waits for: `patience` times `burst` for the next message, `reading` until a file was read."""

    burst: timedelta = timedelta(0)
    patience: float = 1.0
    reading: timedelta = timedelta(0)


async def receive(tx: Tx, inbound: Inbound, *, now: datetime, wait: Wait | None) -> Received:
    """Store one message with its contact and conversation, and move the window.

    A message whose (number, wamid) is there already changes nothing, however often it comes. Without `wait` no turn
    takes it up, as for the kinds that ask for nothing.
    """
    conversation = await _thread_of(tx, inbound, now)
    asks = wait is not None and inbound.kind not in rules.SILENT_KINDS and not inbound.standby and inbound.group is None
    message = Message(
        conversation_id=conversation.id,
        number=inbound.number,
        wamid=inbound.wamid,
        author=Author.CONTACT,
        author_name=inbound.name if inbound.group else "",
        kind=inbound.kind,
        state=State.RECEIVED,
        text=inbound.text,
        body=inbound.body,
        sent_at=inbound.sent_at,
        created_at=now,
        done_at=None if asks else now,
        about=inbound.about,
        choice=inbound.choice or "",
    )
    if not await insert_once(tx, message):
        return Received(ConversationId(conversation.id), is_new=False, wake_at=None)
    if conversation.early_news and not await changes.catch_up(tx, message, now=now):
        asks = False
    quiet_at = _quiet_at(conversation, inbound, wait, now=now) if wait and asks else None
    wake_at = await _answer_at(tx, conversation, quiet_at, wait, now=now) if wait and quiet_at else None
    if inbound.name and inbound.group is None and conversation.last_inbound_wamid is None:
        # Whoever was known by a colleague's message alone, or a notice of Meta's, says now what they are called.
        await identities.name_once(tx, conversation.contact_id, inbound.name)
    await _note_inbound(tx, conversation, inbound, now=now, quiet_at=quiet_at, wake_at=wake_at)
    if inbound.kind in changes.KINDS:
        await changes.apply(tx, await _again(tx, conversation), message, now=now)
    return Received(ConversationId(conversation.id), is_new=True, wake_at=wake_at, message_id=message.id)


async def receive_echo(tx: Tx, echo: Echo, *, now: datetime, silence: timedelta) -> ConversationId:
    """Store what somebody else sent in our name. A colleague's word from the phone app silences the assistant.

    It is silent for `silence` after the colleague's last word, or until somebody returns the conversation.
    """
    conversation = await _conversation_with(tx, echo.number, echo.names, name="", at=echo.sent_at, now=now)
    key = ConversationId(conversation.id)
    message = Message(
        conversation_id=key,
        number=echo.number,
        wamid=echo.wamid,
        author=Author.SYSTEM if echo.standby else Author.OPERATOR,
        author_name=OTHER_OWNER if echo.standby else APP.name,
        kind=echo.kind,
        state=State.SENT,
        text=echo.text,
        body=echo.body,
        sent_at=echo.sent_at,
        created_at=now,
        about=echo.about,
    )
    if not await insert_once(tx, message):
        return key
    if conversation.early_news:
        await changes.catch_up(tx, message, now=now)
    if echo.standby:
        await update_conversation(tx, key, standby_at=_later(conversation.standby_at, echo.sent_at), updated_at=now)
    elif echo.kind not in changes.KINDS:
        await handoffs.app_speaks(tx, conversation, actor=APP, until=echo.sent_at + silence, now=now)
    if echo.kind in changes.KINDS:
        await changes.apply(tx, await _again(tx, conversation), message, now=now)
    return key


async def receive_call(tx: Tx, call: Call, *, now: datetime) -> Received:
    """Store a call; a customer's own opens the window as a message does. Both of its events are one row."""
    conversation = await _conversation_with(tx, call.number, call.names, name=call.name, at=call.at, now=now)
    key = ConversationId(conversation.id)
    message = Message(
        conversation_id=key,
        number=call.number,
        wamid=call.id,
        author=Author.CONTACT if call.from_customer else Author.SYSTEM,
        kind="call",
        state=State.RECEIVED if call.from_customer else State.SENT,
        body=call.body,
        sent_at=call.at,
        created_at=now,
        done_at=now,
    )
    is_new = await insert_once(tx, message)
    if not is_new:
        query = select(Message).where(Message.number == call.number, Message.wamid == call.id)
        known = (await tx.execute(query)).scalar_one()
        ended = {"body": call.body} if call.event == "terminate" else {}
        await update_message(tx, known, sent_at=min(known.sent_at, call.at), **ended)
    if call.from_customer:
        await _open_window(tx, conversation, call.at, now)
    return Received(key, is_new=is_new, wake_at=None, message_id=message.id)


async def receive_group(tx: Tx, event: GroupEvent, *, now: datetime) -> None:
    """News of a group is a line in its thread, once; a group without a name gets the one that is told."""
    contact_id = await identities.group(tx, event.group, now=now)
    if event.subject:
        await identities.name_once(tx, contact_id, event.subject)
    conversation = await _conversation_of(tx, event.number, contact_id, now)
    told = (event.subject, ", ".join(event.members), event.error)
    message = Message(
        conversation_id=conversation.id,
        number=event.number,
        wamid=event.id,
        author=Author.SYSTEM,
        kind="system",
        state=State.SENT,
        text=": ".join((event.kind.replace("_", " "), *filter(None, told))),
        body=event.body,
        sent_at=event.at,
        created_at=now,
        done_at=now,
    )
    if await insert_once(tx, message):
        await update_conversation(tx, conversation.id, updated_at=now)


async def pass_thread(tx: Tx, contact_id: str, number: str, *, ours: bool, at: datetime, now: datetime) -> Conversation:
    """The thread passed to us or to another owner; the conversation as it was before."""
    conversation = await _conversation_of(tx, number, contact_id, now)
    side = "owned_at" if ours else "standby_at"
    changed = {side: _later(getattr(conversation, side), at)}
    await update_conversation(tx, conversation.id, updated_at=now, **changed)
    return conversation


async def _thread_of(tx: Tx, inbound: Inbound, now: datetime) -> Conversation:
    """The conversation of a message, locked. A colleague at the phone who has been silent for long lets go of it."""
    if inbound.group is not None:
        contact_id = await identities.group(tx, inbound.group, now=now)
        conversation = await _conversation_of(tx, inbound.number, contact_id, now)
    else:
        conversation = await _conversation_with(
            tx, inbound.number, inbound.names, name=inbound.name, at=inbound.sent_at, now=now
        )
    until = conversation.held_until
    if conversation.held_by == APP.id and until is not None and until < inbound.sent_at:
        await handoffs.app_lets_go(tx, conversation, actor=APP, now=now)
        return await _again(tx, conversation)
    return conversation


def _is_newest(conversation: Conversation, inbound: Inbound) -> bool:
    """Whether the customer wrote it after all that we have of them."""
    return conversation.window_opened_at is None or inbound.sent_at >= conversation.window_opened_at


def _quiet_at(conversation: Conversation, inbound: Inbound, wait: Wait, *, now: datetime) -> datetime:
    """When the customer has been silent for long enough after this message."""
    # A bubble that was overtaken on its way says nothing of what comes next.
    patience = wait.patience if _is_newest(conversation, inbound) else 1.0
    since = conversation.undone_since
    return rules.answer_at(now=now, undone_since=since, burst_wait=wait.burst, patience=patience)


async def _answer_at(tx: Tx, conversation: Conversation, quiet_at: datetime, wait: Wait, *, now: datetime) -> datetime:
    return max(quiet_at, now + wait.reading, await _held_until(tx, conversation) or quiet_at)


async def _held_until(tx: Tx, conversation: Conversation) -> datetime | None:
    """Until when an earlier message of the burst waits for its file to be read."""
    if conversation.undone_since is None or not await files.is_awaited(tx, conversation.id):
        return None
    return conversation.wake_at


async def _again(tx: Tx, conversation: Conversation) -> Conversation:
    """The row as it is by now, locked before."""
    found = await lock_conversation(tx, conversation.id)
    assert found is not None  # noqa: S101 - it is locked
    return found


def _later(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else max(known, at)


async def _open_window(tx: Tx, conversation: Conversation, at: datetime, now: datetime) -> None:
    if conversation.window_opened_at is None or at > conversation.window_opened_at:
        await update_conversation(tx, conversation.id, window_opened_at=at, updated_at=now)


async def _note_inbound(
    tx: Tx,
    conversation: Conversation,
    inbound: Inbound,
    *,
    now: datetime,
    quiet_at: datetime | None,
    wake_at: datetime | None,
) -> None:
    side = "standby_at" if inbound.standby else "owned_at"
    changes: dict[str, Any] = {"updated_at": now, side: _later(getattr(conversation, side), inbound.sent_at)}
    opened = conversation.window_opened_at
    if inbound.opens_window and (opened is None or inbound.sent_at > opened):
        changes["window_opened_at"] = inbound.sent_at
        if not rules.Window(opened, conversation.window_closed_at).is_open(inbound.sent_at):
            # A new session: what was answered in the one before needs no closing any more.
            changes["answered_at"] = None
    if inbound.group is None and _is_newest(conversation, inbound):
        changes["heard_as"] = inbound.phone or inbound.user_id
    if wake_at is not None:
        changes |= {
            "inbox_version": conversation.inbox_version + 1,
            # By the customer's clock: webhooks may come in another order.
            "last_inbound_wamid": inbound.wamid
            if _is_newest(conversation, inbound)
            else conversation.last_inbound_wamid,
            "undone_since": conversation.undone_since or now,
            "quiet_at": quiet_at,
            "wake_at": wake_at,
            "attempts": 0,
        }
        if conversation.status == Status.RESOLVED:
            changes["status"] = Status.OPEN
    await update_conversation(tx, conversation.id, **changes)


async def keep_raw(tx: Tx, why: str, body: str, *, now: datetime) -> None:
    """Keep webhook material that nobody here understands. `trim_raw` keeps it within its bound."""
    await insert_once(tx, RawEvent(why=why, body=body, created_at=now))


async def trim_raw(tx: Tx) -> None:
    """Let go of the oldest raw events beyond `RAW_EVENTS_KEPT`."""
    newest = select(RawEvent.id).order_by(col(RawEvent.id).desc()).offset(RAW_EVENTS_KEPT).limit(1)
    await tx.execute(sa.delete(RawEvent).where(col(RawEvent.id) <= newest.scalar_subquery()))


async def _conversation_with(
    tx: Tx, number: str, names: Names, *, name: str, at: datetime, now: datetime
) -> Conversation:
    """The conversation with whoever had these names then, locked; made where there is none.

    Mostly the names are known and have not changed: one look does then.
    """
    known = await lock_conversation_named(tx, number, identities.names_in(names))
    if known is not None:
        return known
    contact_id = await identities.contact_of(tx, names, name=name, at=at, now=now)
    return await _conversation_of(tx, number, contact_id, now)


async def _conversation_of(tx: Tx, number: str, contact_id: str, now: datetime) -> Conversation:
    found = await lock_conversation_of(tx, number, contact_id)
    if found is not None:
        return found
    fresh = Conversation(number=number, contact_id=contact_id, created_at=now, updated_at=now)
    if await insert_once(tx, fresh):
        return fresh
    theirs = await lock_conversation_of(tx, number, contact_id)
    assert theirs is not None  # noqa: S101 - only its row can have stood in the way
    return theirs
