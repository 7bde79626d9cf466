"""What is set for our numbers, and the editions of what shapes their answers. Opens no seal.

Who changes a row brings secrets sealed; the audit names the fields, never what is in them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.errors import Conflict, NotFound
from sahut.models import Conversation, NumberEdition, NumberSettings
from sahut.rules import Actor
from sahut.store import numbers
from sahut.store.audit import audit
from sahut.store.database import Tx, insert, insert_once, table_of

# What shapes an answer: each change of these is an edition of its own.
SHAPING = ("organisation", "persona", "collections", "business_hours", "timezone")

# Built once.
_SETTINGS, _EDITION = table_of(NumberSettings), table_of(NumberEdition)
_REVISIONS = sa.select(_SETTINGS.c.number, _SETTINGS.c.revision)


async def revisions(tx: Tx) -> dict[str, int]:
    """Number -> how often its row was changed: what a look costs while nothing changes."""
    return {row.number: row.revision for row in await tx.execute(_REVISIONS)}


async def listed(tx: Tx) -> Sequence[NumberSettings]:
    """Every row, the oldest first."""
    query = select(NumberSettings).order_by(col(NumberSettings.created_at), col(NumberSettings.number))
    return (await tx.execute(query)).scalars().all()


async def find(tx: Tx, number: str) -> NumberSettings | None:
    """What is set for a number; `None` where nothing is."""
    return await tx.get(NumberSettings, number)


async def add(tx: Tx, actor: Actor, number: str, *, now: datetime) -> None:
    """Serve one more number. Raises `Conflict` where it is there already.

    One that was removed counts its editions on, since receipts name them.
    """
    past = sa.select(sa.func.max(_EDITION.c.edition)).where(_EDITION.c.number == number)
    edition = (await tx.execute(past)).scalar_one() or 0
    fresh = NumberSettings(number=number, edition=edition, created_at=now, updated_at=now)
    if not await insert_once(tx, fresh):
        raise Conflict(f"The number {number} is there already: change it instead.")
    await numbers.note(tx, number, now=now)
    audit(tx, actor, "number_add", None, now, number=number)


async def remove(tx: Tx, actor: Actor, number: str, *, now: datetime) -> None:
    """Serve a number no more: its token and secrets are gone, what was said through it stays, and so do its editions.

    Raises `NotFound`, and `Conflict` while messages wait to be sent from it or customers for an answer.
    """
    query = select(NumberSettings).where(NumberSettings.number == number).with_for_update()
    row = (await tx.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()
    if row is None:
        raise NotFound(f"Nothing is set for the number {number}.")
    await _refuse_while_waiting(tx, number)
    own = {name: None for name in SHAPING if getattr(row, name) is not None}
    if own:
        # The last edition says that nothing of its own holds any more, for whoever adds the number again.
        await change(tx, actor, row, own, now=now)
    await tx.execute(sa.delete(NumberSettings).where(col(NumberSettings.number) == number))
    # Sessions that wait for their closing message end without one.
    mine = sa.and_(col(Conversation.number) == number, col(Conversation.answered_at).is_not(None))
    await tx.execute(sa.update(Conversation).where(mine).values(answered_at=None))
    await numbers.remove(tx, number, by=actor.name, now=now)
    audit(tx, actor, "number_remove", None, now, number=number)


async def _refuse_while_waiting(tx: Tx, number: str) -> None:
    unsent = (await numbers.waiting(tx)).get(number, 0)
    mine = sa.and_(col(Conversation.number) == number, col(Conversation.undone_since).is_not(None))
    unanswered = (await tx.execute(select(sa.func.count()).select_from(Conversation).where(mine))).scalar_one()
    if unsent or unanswered:
        raise Conflict(
            f"The number {number} cannot be removed yet: {unsent} messages wait to be sent from it, and in "
            f"{unanswered} conversations the customer waits for the assistant. Resume it if it is paused, and try "
            "again when they are done."
        )


async def locked(tx: Tx, number: str, *, now: datetime) -> NumberSettings:
    """A number's row, made where there is none, locked until the transaction ends."""
    await insert_once(tx, NumberSettings(number=number, created_at=now, updated_at=now))
    query = select(NumberSettings).where(NumberSettings.number == number).with_for_update()
    return (await tx.execute(query.execution_options(populate_existing=True))).scalar_one()


async def change(tx: Tx, actor: Actor, row: NumberSettings, changes: Mapping[str, Any], *, now: datetime) -> None:
    """Set columns of a locked row. What shapes answers becomes a new edition where it really changed."""
    changed = [name for name, value in changes.items() if getattr(row, name) != value]
    if not changed:
        return
    for name in changed:
        setattr(row, name, changes[name])
    row.revision, row.updated_at = row.revision + 1, now
    shaping = [name for name in SHAPING if name in changed]
    if shaping:
        row.edition += 1
        await insert(tx, _edition(row, shaping, actor, now))
    await tx.flush()
    audit(tx, actor, "number_change", None, now, number=row.number, fields=_told(changed))


def _told(columns: list[str]) -> list[str]:
    """The fields as somebody set them: when a secret came stands beside it."""
    return sorted(name for name in columns if not name.endswith(("_at", "_until")))


def _edition(row: NumberSettings, changed: list[str], actor: Actor, now: datetime) -> NumberEdition:
    return NumberEdition(
        number=row.number,
        edition=row.edition,
        guidance={name: getattr(row, name) for name in SHAPING},
        changed=changed,
        changed_by=actor.name,
        created_at=now,
    )


async def reseal(tx: Tx, row: NumberSettings, sealed: Mapping[str, str]) -> None:
    """Put the same secrets in place, sealed anew; nothing where somebody changed them meanwhile."""
    for name, value in sealed.items():
        column = _SETTINGS.c[name]
        same = sa.and_(_SETTINGS.c.number == row.number, column == getattr(row, name))
        await tx.execute(sa.update(_SETTINGS).where(same).values({name: value}))


async def editions(tx: Tx, number: str, *, before: int | None, limit: int) -> Sequence[NumberEdition]:
    """What shaped a number's answers, newest first, strictly before an edition; of a removed one too.

    Raises `NotFound`.
    """
    query = select(NumberEdition).where(NumberEdition.number == number)
    newest = query.order_by(col(NumberEdition.edition).desc()).limit(limit)
    if before is not None:
        newest = newest.where(col(NumberEdition.edition) < before)
    found = (await tx.execute(newest)).scalars().all()
    if not found and await find(tx, number) is None and (await tx.execute(query.limit(1))).first() is None:
        raise NotFound(f"Nothing is set for the number {number}.")
    return found
