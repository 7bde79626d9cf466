"""Receiving: webhook values become rows, once each. Knows nothing of how they are answered or sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut import rules
from sahut.events import Inbound
from sahut.ids import ConversationId
from sahut.models import (
    Author,
    Contact,
    ContactIdentity,
    Conversation,
    IdentityKind,
    Message,
    RawEvent,
    State,
    Status,
)
from sahut.store.database import Tx, insert_once, table_of
from sahut.store.rows import lock_conversation_of, update_conversation

RAW_EVENTS_KEPT = 10_000

# Built once.
_IDENTITY = table_of(ContactIdentity)
_KNOWN = sa.select(_IDENTITY.c.kind, _IDENTITY.c.value, _IDENTITY.c.contact_id).where(
    _IDENTITY.c.value.in_(sa.bindparam("values", expanding=True))
)


@dataclass(frozen=True)
class Received:
    """What became of an inbound message. `wake_at` is when its turn may begin, `None` where none is needed."""

    conversation_id: ConversationId
    is_new: bool
    wake_at: datetime | None


async def receive(tx: Tx, inbound: Inbound, *, now: datetime, burst_wait: timedelta) -> Received:
    """Store one message with its contact and conversation, and move the window.

    A message whose (number, wamid) is there already changes nothing, however often it comes.
    """
    contact_id = await _contact_of(tx, inbound, now)
    conversation = await _conversation_of(tx, inbound.number, contact_id, now)
    asks = inbound.kind not in rules.SILENT_KINDS
    message = Message(
        conversation_id=conversation.id,
        number=inbound.number,
        wamid=inbound.wamid,
        author=Author.CONTACT,
        kind=inbound.kind,
        state=State.RECEIVED,
        text=inbound.text,
        body=inbound.body,
        sent_at=inbound.sent_at,
        created_at=now,
        done_at=None if asks else now,
    )
    if not await insert_once(tx, message):
        return Received(ConversationId(conversation.id), is_new=False, wake_at=None)
    since = conversation.undone_since
    wake_at = rules.answer_at(now=now, undone_since=since, burst_wait=burst_wait) if asks else None
    await _note_inbound(tx, conversation, inbound, now=now, wake_at=wake_at)
    return Received(ConversationId(conversation.id), is_new=True, wake_at=wake_at)


async def _note_inbound(
    tx: Tx, conversation: Conversation, inbound: Inbound, *, now: datetime, wake_at: datetime | None
) -> None:
    changes: dict[str, Any] = {"updated_at": now}
    opened = conversation.window_opened_at
    is_newest = opened is None or inbound.sent_at >= opened
    if inbound.opens_window and (opened is None or inbound.sent_at > opened):
        changes["window_opened_at"] = inbound.sent_at
    if wake_at is not None:
        changes |= {
            "inbox_version": conversation.inbox_version + 1,
            # By the customer's clock: webhooks may come in another order.
            "last_inbound_wamid": inbound.wamid if is_newest else conversation.last_inbound_wamid,
            "undone_since": conversation.undone_since or now,
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


def _identities(inbound: Inbound) -> Iterable[tuple[str, str]]:
    if inbound.user_id:
        yield IdentityKind.BSUID, inbound.user_id
    if inbound.phone:
        yield IdentityKind.PHONE, inbound.phone


async def _contact_of(tx: Tx, inbound: Inbound, now: datetime) -> str:
    """The contact behind a sender, made where there is none. A phone number wins over an id that disagrees."""
    wanted = list(_identities(inbound))
    rows = await tx.execute(_KNOWN, {"values": [value for _, value in wanted]})
    known = {(row.kind, row.value): str(row.contact_id) for row in rows}
    found = [known[identity] for identity in wanted if identity in known]
    if not found:
        known[wanted[0]] = await _new_contact(tx, inbound.name, wanted[0], now)
        found = [known[wanted[0]]]
    contact_id = found[-1]
    for kind, value in wanted:
        if (kind, value) not in known:
            row = ContactIdentity(contact_id=contact_id, kind=kind, value=value, created_at=now)
            await insert_once(tx, row)
    return contact_id


async def _new_contact(tx: Tx, name: str, identity: tuple[str, str], now: datetime) -> str:
    contact = Contact(name=name, created_at=now)
    await insert_once(tx, contact)
    kind, value = identity
    mine = ContactIdentity(contact_id=contact.id, kind=kind, value=value, created_at=now)
    if await insert_once(tx, mine):
        return contact.id
    # Another webhook made this contact between our look and our insert: theirs stands.
    await tx.execute(sa.delete(Contact).where(col(Contact.id) == contact.id))
    query = select(ContactIdentity.contact_id).where(ContactIdentity.kind == kind, ContactIdentity.value == value)
    return (await tx.execute(query)).scalar_one()


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
