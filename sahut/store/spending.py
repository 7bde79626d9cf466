"""What the chat models took, by day and contact, added up as it happens. Knows no limit and no price."""

from datetime import date
from typing import NamedTuple

import sqlalchemy as sa

from sahut.models import Spend
from sahut.store.database import Tx, table_of, upserting
from sahut.turn import Usage

_SPEND = table_of(Spend)
# The contact of the row that holds the whole day.
EVERYBODY = ""


class Spent(NamedTuple):
    """What was taken: tokens in and out together, money in US dollars."""

    tokens: int = 0
    cost_usd: float = 0.0


async def add(tx: Tx, day: date, contact_id: str, usage: Usage) -> None:
    """Add one call of a model to the contact's day and to the whole day's, whoever adds at the same moment."""
    tokens = usage.input_tokens + usage.output_tokens
    for who in dict.fromkeys((contact_id, EVERYBODY)):
        fresh = upserting(tx, Spend).values(day=day, contact_id=who, calls=1, tokens=tokens, cost_usd=usage.cost_usd)
        grown = {name: _SPEND.c[name] + fresh.excluded[name] for name in ("calls", "tokens", "cost_usd")}
        await tx.execute(fresh.on_conflict_do_update(index_elements=["day", "contact_id"], set_=grown))


async def spent(tx: Tx, day: date, contact_id: str) -> tuple[Spent, Spent]:
    """What everybody and this contact took on a day."""
    query = sa.select(_SPEND.c.contact_id, _SPEND.c.tokens, _SPEND.c.cost_usd).where(
        _SPEND.c.day == day, _SPEND.c.contact_id.in_((EVERYBODY, contact_id))
    )
    found = {who: Spent(tokens, cost) for who, tokens, cost in (await tx.execute(query)).all()}
    return found.get(EVERYBODY, Spent()), found.get(contact_id, Spent())


async def contacts_beyond(tx: Tx, day: date, *, tokens: int | None, cost_usd: float | None) -> int:
    """How many contacts took as much as one of these limits, or more, on a day."""
    reached = [_SPEND.c.tokens >= tokens] if tokens is not None else []
    reached += [_SPEND.c.cost_usd >= cost_usd] if cost_usd is not None else []
    query = (
        sa.select(sa.func.count())
        .select_from(_SPEND)
        .where(_SPEND.c.day == day, _SPEND.c.contact_id != EVERYBODY, sa.or_(sa.false(), *reached))
    )
    return int((await tx.execute(query)).scalar_one())


async def forget(tx: Tx, *, before: date) -> None:
    """Let go of the days before."""
    await tx.execute(sa.delete(_SPEND).where(_SPEND.c.day < before))
