"""Contacts as a whole: they and all their threads, locked before a merger or an erasure, and what one leaves another.

Threads are locked before their people: whoever records a turn has locked the thread, and may write down next what its
customer wants. Knows no rule.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.errors import Conflict, NotFound
from sahut.models import Contact, Conversation
from sahut.store.database import Tx
from sahut.store.rows import lock_conversation

JUST_WROTE = "They wrote to another of our numbers at this very moment. Try again."
# What somebody wished, and the doubt whether their number is theirs still: the later word holds.
_WORDS = ("opted_out_at", "marketing_stopped_at", "marketing_resumed_at", "number_changed_at")


async def lock_whole(tx: Tx, *contact_ids: str) -> tuple[dict[str, Contact], list[Conversation]]:
    """These contacts by id and all their threads, locked until the transaction ends, so that nothing comes to them.

    Raises `NotFound`, and `Conflict` where a thread of theirs came or went meanwhile.
    """
    keys = await _threads(tx, contact_ids)
    threads = [await lock_conversation(tx, key) for key in keys]
    people: dict[str, Contact] = {}
    for key in sorted(set(contact_ids)):
        found = await tx.get(Contact, key, with_for_update=True, populate_existing=True)
        if found is None:
            raise NotFound(f"There is no contact {key}.")
        people[key] = found
    if await _threads(tx, contact_ids) != keys:
        raise Conflict(JUST_WROTE)
    return people, [thread for thread in threads if thread is not None]


async def inherit(tx: Tx, heir: Contact, gone: Contact) -> None:
    """What a contact who ceases to be one wished, and was called, holds for the one whom they are from now on."""
    changes: dict[str, Any] = {name: latest(getattr(heir, name), getattr(gone, name)) for name in _WORDS}
    changes["name"] = heir.name or gone.name
    await tx.execute(sa.update(Contact).where(col(Contact.id) == heir.id).values(**changes))


def latest(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two moments, where there is one."""
    return max((moment for moment in (one, other) if moment is not None), default=None)


async def _threads(tx: Tx, contact_ids: Sequence[str]) -> list[str]:
    mine = select(Conversation.id).where(col(Conversation.contact_id).in_(contact_ids)).order_by(col(Conversation.id))
    return list((await tx.execute(mine)).scalars())
