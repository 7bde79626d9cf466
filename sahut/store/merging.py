"""Two contacts who turned out to be one person become one contact, in one transaction. Knows no rule of speaking.

Refused while somebody is at work in one of the threads: nothing that is under way may lose its place.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select

from sahut.errors import Conflict
from sahut.models import (
    OPEN_HANDOFF,
    UNSETTLED,
    AuditEntry,
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
    IdentityKind,
    Message,
    Status,
)
from sahut.rules import Actor
from sahut.store import grants, proofs
from sahut.store.audit import audit
from sahut.store.database import Tx, changed, table_of
from sahut.store.rows import update_conversation
from sahut.store.whole import inherit, latest, lock_whole

# What the audit calls it; the ids that are gone stand beside it.
MERGED = "contacts_merge"
BUSY = "A message is being answered or is on its way in one of the two threads. Try again in a moment."
HELD = "Two operators hold the two threads. One of them must return it first."
GROUP = "A group is no person: it is merged with nobody."
SUPPORT = "support"
_IDENTITY, _FORMER, _FACT = table_of(ContactIdentity), table_of(FormerIdentity), table_of(ContactFact)
# The later of both holds: the window, whose the thread is, and what was sent on credit.
_LATEST = (
    *("window_opened_at", "window_closed_at", "window_warned_of"),
    *("owned_at", "standby_at", "free_until", "answered_at"),
)


async def merge(tx: Tx, kept: str, other: str, *, actor: Actor, now: datetime) -> None:
    """Make `other` part of `kept`: names, threads, tickets, and what was wished. `other` is gone afterwards.

    Raises `NotFound`, and `Conflict` where it is one contact twice, one is a group, or somebody is at work there. What
    was proved of either is proved no more, and an open question whether the number changed stays open.
    """
    if kept == other:
        raise Conflict("This is one contact already.")
    people, threads = await lock_whole(tx, kept, other)
    names = {key: await _names(tx, key) for key in people}
    if any(IdentityKind.GROUP in found for found in names.values()):
        raise Conflict(GROUP)
    gone = await _move_threads(tx, threads, kept, names, now=now)
    await _move_names(tx, kept, other)
    for contact_id in (kept, other):
        await proofs.forget(tx, contact_id)
    await _move(tx, "contact", other, kept)
    await inherit(tx, people[kept], people[other])
    await tx.execute(sa.update(Contact).where(col(Contact.id) == kept).values(review=""))
    await tx.execute(sa.delete(Contact).where(col(Contact.id) == other))
    audit(tx, actor, MERGED, None, now, contact=kept, merged=other, threads=gone)


async def ids_before(tx: Tx, contact_id: str) -> list[str]:
    """The ids of the contacts and threads that became part of a contact: what was told of them then names these."""
    acts = select(AuditEntry.detail).where(AuditEntry.action == MERGED).order_by(col(AuditEntry.id).desc())
    ids = {contact_id}
    # The newest first: who was merged may have been merged with others before.
    for act in (await tx.execute(acts)).scalars():
        if act["contact"] in ids:
            ids |= {act["merged"], *act.get("threads", ())}
    return sorted(ids - {contact_id})


async def _names(tx: Tx, contact_id: str) -> dict[str, str]:
    """The newest name of each kind."""
    query = select(ContactIdentity.kind, ContactIdentity.value).where(ContactIdentity.contact_id == contact_id)
    return {row.kind: row.value for row in await tx.execute(query.order_by(col(ContactIdentity.id)))}


async def _move_threads(
    tx: Tx, threads: Sequence[Conversation], kept: str, names: Mapping[str, dict[str, str]], *, now: datetime
) -> list[str]:
    """All threads are the kept contact's, one for each number of ours; the ids of those that went into another one."""
    own = {thread.number: thread for thread in threads if thread.contact_id == kept}
    moving = [thread for thread in threads if thread.contact_id != kept]
    met = [own[thread.number] for thread in moving if thread.number in own]
    await _refuse_busy(tx, [*moving, *met], now)
    # Who has several names from now on is answered where they were heard.
    heard = {one.id: one.heard_as or _address(names[one.contact_id]) for one in threads}
    for thread in threads:
        await update_conversation(tx, thread.id, heard_as=heard[thread.id])
    gone = []
    for thread in moving:
        into = own.get(thread.number)
        if into is None:
            await update_conversation(tx, thread.id, contact_id=kept)
        else:
            await _join(tx, into, thread, heard, now=now)
            gone.append(thread.id)
    return gone


def _address(names: Mapping[str, str]) -> str | None:
    return names.get(IdentityKind.PHONE) or names.get(IdentityKind.BSUID)


async def _join(
    tx: Tx, stays: Conversation, goes: Conversation, heard: Mapping[str, str | None], *, now: datetime
) -> None:
    """One thread goes into another one with the same number of ours."""
    if goes.holder == stays.holder == Holder.OPERATOR and goes.held_by != stays.held_by:
        raise Conflict(HELD)
    joined = _joined(stays, goes, heard)
    await _close_what_is_asked(tx, goes.id)
    await _keep_one_request(tx, stays, goes, joined, now=now)
    # What exists once for each thread (a draft, a mark of the screen) is that of the thread that stays.
    await _move(tx, "conversation", goes.id, stays.id)
    await update_conversation(tx, stays.id, updated_at=now, **joined)
    await tx.execute(sa.delete(Conversation).where(col(Conversation.id) == goes.id))
    changed(tx, goes.id)


async def _refuse_busy(tx: Tx, threads: Sequence[Conversation], now: datetime) -> None:
    for thread in threads:
        if thread.undone_since or (thread.leased_until and thread.leased_until > now):
            raise Conflict(BUSY)
    theirs = col(Message.conversation_id).in_([thread.id for thread in threads])
    open_ones = sa.and_(theirs, col(Message.state).in_(UNSETTLED))
    if (await tx.execute(select(Message.id).where(open_ones).limit(1))).first() is not None:
        raise Conflict(BUSY)


async def _close_what_is_asked(tx: Tx, conversation_id: str) -> None:
    """One form and one question may be open in a thread: that of the thread that stays."""
    await grants.void(tx, conversation_id)
    mine = sa.and_(col(FillingRow.conversation_id) == conversation_id, col(FillingRow.state) == FillingState.OPEN)
    await tx.execute(sa.update(FillingRow).where(mine).values(state=FillingState.CANCELLED))


async def _keep_one_request(
    tx: Tx, stays: Conversation, goes: Conversation, joined: Mapping[str, Any], *, now: datetime
) -> None:
    """At most one request for a human may be open: a customer's comes before a suspicion of spam, a claimed one first.

    Whoever holds the thread has it.
    """
    both = col(Handoff.conversation_id).in_((stays.id, goes.id))
    query = select(Handoff).where(both, col(Handoff.state).in_(OPEN_HANDOFF)).with_for_update()
    asked = (await tx.execute(query.execution_options(populate_existing=True))).scalars().all()
    if not asked:
        return
    first = min(asked, key=lambda one: (one.lane != SUPPORT, one.state != HandoffState.CLAIMED, one.due_at))
    for double in asked:
        if double is not first:
            double.state, double.closed_at, double.note = HandoffState.RETURNED, now, "The contacts were merged."
    if joined["holder"] == Holder.OPERATOR and first.state == HandoffState.QUEUED:
        first.state, first.claimed_by, first.claimed_at = HandoffState.CLAIMED, joined["held_by_name"], now
    await tx.flush()


def _joined(stays: Conversation, goes: Conversation, heard: Mapping[str, str | None]) -> dict[str, Any]:
    """The columns of a thread made of two."""
    changes: dict[str, Any] = {name: latest(getattr(stays, name), getattr(goes, name)) for name in _LATEST}
    changes["inbox_version"] = stays.inbox_version + goes.inbox_version + 1
    newer = goes if (goes.owned_at or goes.created_at) > (stays.owned_at or stays.created_at) else stays
    changes["last_inbound_wamid"] = newer.last_inbound_wamid or stays.last_inbound_wamid or goes.last_inbound_wamid
    changes["heard_as"] = heard[newer.id]
    changes["language"] = newer.language or stays.language or goes.language
    changes["early_news"] = stays.early_news or goes.early_news
    debt = max(stays, goes, key=lambda one: (one.pair_burst, one.pair_began_at or one.created_at))
    changes |= {"pair_began_at": debt.pair_began_at, "pair_burst": debt.pair_burst}
    holder = goes if goes.holder == Holder.OPERATOR else stays
    changes |= {name: getattr(holder, name) for name in ("holder", "held_by", "held_by_name", "held_until")}
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
