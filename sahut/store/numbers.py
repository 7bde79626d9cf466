"""Our own numbers: the moment at which each message may leave, and the pauses. Knows no HTTP and no error code.

A number's row is the last that a transaction locks, since every worker that sends wants it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.errors import NotFound
from sahut.models import UNSETTLED_SQL, Message, PhoneNumber
from sahut.pacing import BULK_HORIZON, HORIZON, Rate, microseconds, moment_of
from sahut.rules import Actor
from sahut.store.audit import audit
from sahut.store.database import Tx, insert_once, table_of

# While a number is paused its messages are looked at so often: whoever resumes it need not find them.
PAUSED_LOOK = timedelta(seconds=60)
BUSY_LOOK = HORIZON / 2
REMOVED = "It was removed: nothing is sent from it any more."

# Built once.
_NUMBER, _MESSAGE = table_of(PhoneNumber), table_of(Message)
_FREE: Any = _NUMBER.c.free_at_us
_STEP: sa.BindParameter[int] = sa.bindparam("step", type_=sa.BigInteger)
_EARLIEST: sa.BindParameter[int] = sa.bindparam("earliest", type_=sa.BigInteger)
_LATEST: sa.BindParameter[int] = sa.bindparam("latest", type_=sa.BigInteger)
# When its next message may leave: a number that rested is a little behind, so that a small burst leaves at once.
_BEGIN = sa.case((_FREE > _EARLIEST, _FREE), else_=_EARLIEST)
_MANY = 1_000_000
_TAKE = (
    sa.update(_NUMBER)
    .where(
        _NUMBER.c.number == sa.bindparam("key"),
        _NUMBER.c.paused_at.is_(None),
        _LATEST >= _FREE,
    )
    .values(free_at_us=_BEGIN + _STEP)
    .returning(_FREE)
)
_TAKE_BULK = _TAKE.where(sa.or_(_NUMBER.c.bulk_after.is_(None), _NUMBER.c.bulk_after <= sa.bindparam("now")))
# The numbers that are none of ours any more: nobody is told anything there, and nothing is hoped for.
GONE = sa.select(_NUMBER.c.number).where(_NUMBER.c.removed_at.is_not(None))
_IS_OURS = col(PhoneNumber.removed_at).is_(None)
_SENDING: dict[str, Any] = {
    **{"paused_at": None, "paused_code": None, "paused_why": "", "paused_by": ""},
    "bulk_after": None,
}
_LOCK = sa.select(_NUMBER).where(_NUMBER.c.number == sa.bindparam("key")).with_for_update()


@dataclass(frozen=True)
class Slot:
    """A message may leave at `at`, which may lie a little ahead."""

    at: datetime


@dataclass(frozen=True)
class NoSlot:
    """It may not leave yet: look again at `until`."""

    until: datetime


def room(number: Any) -> sa.ColumnElement[int]:
    """How many messages of a number may be given their moments now, in SQL: very many where it has sent none yet.

    `number` is a column of the outer statement, which binds `pace_facts`. A pause is the claim's to find.
    """
    slots = sa.case(
        (_NUMBER.c.paused_at.is_not(None), _MANY), (_BEGIN > _LATEST, 0), else_=(_LATEST - _BEGIN) // _STEP + 1
    )
    return sa.func.coalesce(sa.select(slots).where(_NUMBER.c.number == number).scalar_subquery(), _MANY)


def pace_facts(now: datetime, *, bulk: bool, rate: Rate) -> dict[str, int]:
    """What a slot and the room for them are reckoned with, in microseconds. `bulk` is let in less far ahead."""
    return {
        "step": rate.step_us,
        "earliest": microseconds(now) - rate.credit_us,
        "latest": microseconds(now + (BULK_HORIZON if bulk else HORIZON)),
    }


async def take_slot(tx: Tx, number: str, *, now: datetime, bulk: bool, rate: Rate) -> Slot | NoSlot:
    """The moment at which one more message may leave, taken for it; the last thing that a transaction does.

    `bulk` is let in less far ahead, so whatever somebody waits for goes before it.
    """
    facts: dict[str, Any] = {"key": number, **pace_facts(now, bulk=bulk, rate=rate)}
    for _ in range(3):
        found = await tx.execute(_TAKE_BULK, {**facts, "now": now}) if bulk else await tx.execute(_TAKE, facts)
        taken = found.scalar_one_or_none()
        if taken is not None:
            return Slot(max(now, moment_of(taken - rate.step_us)))
        row = cast("PhoneNumber | None", (await tx.execute(_LOCK, {"key": number})).one_or_none())
        if row is None:
            await insert_once(tx, PhoneNumber(number=number, created_at=now))
        elif (until := _closed_until(row, facts["latest"], now=now, bulk=bulk)) is not None:
            return NoSlot(until)
    raise AssertionError(f"number {number} went away while it was looked at")


def _closed_until(row: PhoneNumber, latest_us: int, *, now: datetime, bulk: bool) -> datetime | None:
    """When to look again; `None` where the number came, or was resumed, between the two statements."""
    if row.paused_at is not None:
        return now + PAUSED_LOOK
    if bulk and row.bulk_after is not None and row.bulk_after > now:
        return min(row.bulk_after, now + PAUSED_LOOK)
    if row.free_at_us > latest_us:
        return max(now, moment_of(row.free_at_us) - HORIZON) + BUSY_LOOK
    return None


async def is_paused(tx: Tx, number: str) -> bool:
    """Whether nothing may leave from a number now."""
    found = await tx.get(PhoneNumber, number)
    return found is not None and found.paused_at is not None


async def pause(
    tx: Tx, number: str, *, code: int | None, why: str, by: str, now: datetime, posted_at: datetime | None = None
) -> bool:
    """Let nothing leave from a number until it is resumed; whether it still sent before.

    `posted_at`: when what Meta refuses was posted. A refusal from before the last resumption is an old one: Meta
    repeats what it told, and tells late.
    """
    await insert_once(tx, PhoneNumber(number=number, created_at=now))
    statement = sa.update(PhoneNumber).where(col(PhoneNumber.number) == number, col(PhoneNumber.paused_at).is_(None))
    if posted_at is not None:
        resumed_at = col(PhoneNumber.resumed_at)
        statement = statement.where(sa.or_(resumed_at.is_(None), resumed_at <= posted_at))
    done = statement.values(paused_at=now, paused_code=code, paused_why=why, paused_by=by)
    return (await tx.execute(done.returning(_NUMBER.c.number))).first() is not None


async def resume(tx: Tx, number: str, *, now: datetime) -> bool:
    """Let a number send again; whether it was paused."""
    statement = sa.update(PhoneNumber).where(col(PhoneNumber.number) == number, col(PhoneNumber.paused_at).is_not(None))
    done = statement.values(**_SENDING, resumed_at=now)
    return (await tx.execute(done.returning(_NUMBER.c.number))).first() is not None


async def slow(tx: Tx, number: str, *, until: datetime) -> None:
    """Let the number rest until then: Meta says that it sends too fast."""
    us = microseconds(until)
    statement = sa.update(PhoneNumber).where(col(PhoneNumber.number) == number, col(PhoneNumber.free_at_us) < us)
    await tx.execute(statement.values(free_at_us=us))


async def hold_bulk(tx: Tx, number: str, *, until: datetime, now: datetime) -> None:
    """Keep back what nobody waits for until then."""
    await insert_once(tx, PhoneNumber(number=number, created_at=now))
    await tx.execute(sa.update(PhoneNumber).where(col(PhoneNumber.number) == number).values(bulk_after=until))


async def note(tx: Tx, number: str, *, now: datetime) -> None:
    """Have a row for a number that is served: one that was removed comes back and sends."""
    if not await insert_once(tx, PhoneNumber(number=number, created_at=now)):
        back = sa.update(PhoneNumber).where(col(PhoneNumber.number) == number, col(PhoneNumber.removed_at).is_not(None))
        await tx.execute(back.values(removed_at=None, **_SENDING, resumed_at=now))


async def remove(tx: Tx, number: str, *, by: str, now: datetime) -> None:
    """A number is none of ours any more: nothing leaves from it, whatever is queued yet."""
    await insert_once(tx, PhoneNumber(number=number, created_at=now))
    gone = {"removed_at": now, "paused_at": now, "paused_code": None, "paused_why": REMOVED, "paused_by": by}
    await tx.execute(sa.update(PhoneNumber).where(col(PhoneNumber.number) == number).values(**gone))


async def known(tx: Tx) -> Sequence[PhoneNumber]:
    """Every number that is ours, the oldest first."""
    query = select(PhoneNumber).where(_IS_OURS).order_by(col(PhoneNumber.created_at), col(PhoneNumber.number))
    return list((await tx.execute(query)).scalars())


async def paused(tx: Tx) -> Sequence[PhoneNumber]:
    """The numbers of ours from which nothing leaves now."""
    query = select(PhoneNumber).where(_IS_OURS, col(PhoneNumber.paused_at).is_not(None))
    return list((await tx.execute(query.order_by(col(PhoneNumber.number)))).scalars())


async def waiting(tx: Tx) -> dict[str, int]:
    """How many messages wait to be sent, by number."""
    # By an expression: by the column SQLite walks all messages in its order, to spare itself sorting the few that wait.
    number = _MESSAGE.c.number.concat(sa.literal_column("''"))
    query = sa.select(number, sa.func.count()).where(UNSETTLED_SQL).group_by(number)
    return {row[0]: row[1] for row in await tx.execute(query)}


async def get(tx: Tx, number: str) -> PhoneNumber:
    """One number. Raises `NotFound`."""
    found = await tx.get(PhoneNumber, number)
    if found is None or found.removed_at is not None:
        raise NotFound(f"There is no number {number}.")
    return found


async def pause_by(tx: Tx, actor: Actor, number: str, *, why: str, now: datetime) -> None:
    """A person stops a number. Raises `NotFound`."""
    await get(tx, number)
    if await pause(tx, number, code=None, why=why, by=actor.name, now=now):
        audit(tx, actor, "number_pause", None, now, number=number, why=why)


async def resume_by(tx: Tx, actor: Actor, number: str, *, now: datetime) -> None:
    """A person lets a number send again. Raises `NotFound`."""
    await get(tx, number)
    if await resume(tx, number, now=now):
        audit(tx, actor, "number_resume", None, now, number=number)
