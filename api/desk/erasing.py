"""Erasing a person: their rows in one transaction, then the files that they alone sent. Knows no door."""

import asyncio
from datetime import datetime

from sahut.rules import Actor
from sahut.settings import Settings
from sahut.shelf import incoming_shelf
from sahut.store import Store, erasure


async def erase_contact(
    store: Store, settings: Settings, contact_id: str, *, actor: Actor, now: datetime
) -> dict[str, int]:
    """Erase a contact; how many rows of each table and how many `files` are gone.

    Raises `NotFound`, and `Conflict` while a message to them is on its way. Backups and what other systems were told
    are not ours to reach.
    """
    async with store.transaction() as tx:
        erased = await erasure.erase(tx, contact_id, actor=actor, now=now)
    shelf = incoming_shelf(settings.home)
    for digest in erased.files:
        await asyncio.to_thread(shelf.remove, digest)
    return {**dict(sorted(erased.rows.items())), "files": len(erased.files)}
