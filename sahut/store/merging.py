"""Two contacts who turned out to be one person become one contact, in one transaction. Knows no rule of speaking.

Refused while somebody is at work in one of the threads: nothing that is under way may lose its place.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select

from sahut.errors import Conflict, NotFound
from sahut.models import (
    OPEN_HANDOFF,
    UNSETTLED,
    Contact,
    ContactFact,
    ContactIdentity,
    Conversation,
    FillingRow,
    FillingState,
    FormerIdentity,
    Handoff,
    HandoffState,
    Holder,
    Message,
    Status,
)
from sahut.rules import Actor
from sahut.store import grants, proofs
from sahut.store.audit import audit
from sahut.store.database import Tx, changed, table_of
from sahut.store.rows import lock_conversation, update_conversation

BUSY = "A message is being answered or is on its way in one of the two threads. Try again in a moment."
HELD = "Two operators hold the two threads. One of them must return it first."
_IDENTITY, _FORMER, _FACT = table_of(ContactIdentity), table_of(FormerIdentity), table_of(ContactFact)
# The later of both holds: the window, whose the thread is, and what was sent on credit.
_LATEST = (
    *("window_opened_at", "window_closed_at", "window_warned_of"),
    *("owned_at", "standby_at", "free_until", "answered_at"),
)
_PREFERENCES = ("opted_out_at", "marketing_stopped_at", "marketing_resumed_at", "number_changed_at")


async def merge(tx: Tx, kept: str, other: str, *, actor: Actor, now: datetime) -> None:
    """Make `other` part of `kept`: names, threads, tickets, and what was wished. `other` is gone afterwards.

    Raises `NotFound`, and `Conflict` where it is one contact twice or somebody is at work there. What was proved of
    either is proved no more, and an open question whether the number changed stays open.
    """
    if kept == other:
        raise Conflict("This is one contact already.")
    rows = {
        key: await tx.get(Contact, key, with_for_update=True, populate_existing=True) for key in sorted((kept, other))
    }
    stays, goes = rows[kept], rows[other]
    if stays is None or goes is None:
        raise NotFound(f"There is no contact {kept if stays is None else other}.")
    for conversation_id in await _threads(tx, other):
        await _move_thread(tx, conversation_id, kept, now=now)
    await _move_names(tx, kept, other)
    for contact_id in (kept, other):
        await proofs.forget(tx, contact_id)
    await _move(tx, "contact", other, kept)
    changes: dict[str, Any] = {name: _latest(getattr(stays, name), getattr(goes, name)) for name in _PREFERENCES}
    named = {"name": stays.name or goes.name, "review": ""}
    await tx.execute(sa.update(Contact).where(col(Contact.id) == kept).values(**changes, **named))
    await tx.execute(sa.delete(Contact).where(col(Contact.id) == other))
    audit(tx, actor, "contacts_merge", None, now, contact=kept, merged=other)


async def _threads(tx: Tx, contact_id: str) -> list[str]:
    query = select(Conversation.id).where(Conversation.contact_id == contact_id).order_by(col(Conversation.id))
    return list((await tx.execute(query)).scalars())


async def _move_thread(tx: Tx, conversation_id: str, kept: str, *, now: datetime) -> None:
    """A thread goes to the contact who stays; into their own with the same number where there is one."""
    number = (await tx.get_one(Conversation, conversation_id)).number
    query = select(Conversation.id).where(Conversation.contact_id == kept, Conversation.number == number)
    into = (await tx.execute(query)).scalar_one_or_none()
    locked = {key: await lock_conversation(tx, key) for key in sorted(filter(None, (conversation_id, into)))}
    await _refuse_busy(tx, locked, now)
    goes = locked[conversation_id]
    stays = locked[into] if into is not None else None
    if goes is None or stays is None:
        await update_conversation(tx, conversation_id, contact_id=kept)
        return
    if goes.holder == stays.holder == Holder.OPERATOR and goes.held_by != stays.held_by:
        raise Conflict(HELD)
    await _close_what_is_asked(tx, conversation_id, into=stays.id, now=now)
    # What exists once for each thread (a draft, a mark of the screen) is that of the thread that stays.
    await _move(tx, "conversation", conversation_id, stays.id)
    await update_conversation(tx, stays.id, updated_at=now, **_joined(stays, goes))
    await tx.execute(sa.delete(Conversation).where(col(Conversation.id) == conversation_id))
    changed(tx, conversation_id)


async def _refuse_busy(tx: Tx, threads: dict[str, Conversation | None], now: datetime) -> None:
    for thread in threads.values():
        if thread is not None and (thread.undone_since or (thread.leased_until and thread.leased_until > now)):
            raise Conflict(BUSY)
    open_ones = sa.and_(col(Message.conversation_id).in_(threads), col(Message.state).in_(UNSETTLED))
    if (await tx.execute(select(Message.id).where(open_ones).limit(1))).first() is not None:
        raise Conflict(BUSY)


async def _close_what_is_asked(tx: Tx, conversation_id: str, *, into: str, now: datetime) -> None:
    """One request for a human, one form and one question may be open in a thread: the one of the thread that stays."""
    await grants.void(tx, conversation_id)
    mine = sa.and_(col(FillingRow.conversation_id) == conversation_id, col(FillingRow.state) == FillingState.OPEN)
    await tx.execute(sa.update(FillingRow).where(mine).values(state=FillingState.CANCELLED))
    asked = select(Handoff.id).where(Handoff.conversation_id == into, col(Handoff.state).in_(OPEN_HANDOFF))
    if (await tx.execute(asked)).first() is not None:
        double = sa.and_(col(Handoff.conversation_id) == conversation_id, col(Handoff.state).in_(OPEN_HANDOFF))
        closed = {"state": HandoffState.RETURNED, "closed_at": now, "note": "The contacts were merged."}
        await tx.execute(sa.update(Handoff).where(double).values(**closed))


def _joined(stays: Conversation, goes: Conversation) -> dict[str, Any]:
    """The columns of a thread made of two."""
    changes: dict[str, Any] = {name: _latest(getattr(stays, name), getattr(goes, name)) for name in _LATEST}
    changes["inbox_version"] = stays.inbox_version + goes.inbox_version + 1
    newer = goes if (goes.owned_at or goes.created_at) > (stays.owned_at or stays.created_at) else stays
    changes["last_inbound_wamid"] = newer.last_inbound_wamid or stays.last_inbound_wamid or goes.last_inbound_wamid
    debt = max(stays, goes, key=lambda one: (one.pair_burst, one.pair_began_at or one.created_at))
    changes |= {"pair_began_at": debt.pair_began_at, "pair_burst": debt.pair_burst}
    if goes.holder == Holder.OPERATOR:
        changes |= {"holder": goes.holder, "held_by": goes.held_by, "held_by_name": goes.held_by_name}
        changes["held_until"] = goes.held_until
    ranks = (Status.RESOLVED, Status.OPEN, Status.SPAM, Status.WAITING)
    changes["status"] = max(stays.status, goes.status, key=lambda status: ranks.index(Status(status)))
    return changes


async def _move_names(tx: Tx, kept: str, other: str) -> None:
    # What both were called, or said of themselves, is known once.
    for table in (_FORMER, _FACT):
        known = table.alias()
        same = sa.and_(known.c.contact_id == kept, known.c.kind == table.c.kind, known.c.value == table.c.value)
        twice = sa.and_(table.c.contact_id == other, sa.exists().where(same))
        await tx.execute(sa.delete(table).where(twice))
    for table in (_IDENTITY, _FORMER):
        await tx.execute(sa.update(table).where(table.c.contact_id == other).values(contact_id=kept))


async def _move(tx: Tx, owner: str, before: str, after: str) -> None:
    """Whatever row belongs to one owner belongs to the other; what each owner has but once is let go."""
    column_name = f"{owner}_id"
    for table in SQLModel.metadata.sorted_tables:
        column = table.c.get(column_name)
        if column is None:
            continue
        if column.primary_key:
            await tx.execute(sa.delete(table).where(column == before))
        else:
            await tx.execute(sa.update(table).where(column == before).values({column_name: after}))


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)
