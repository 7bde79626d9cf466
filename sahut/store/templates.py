"""The templates that Meta has for the account, as they were last asked for or reported. Knows no HTTP."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.events import TemplateEvent
from sahut.models import Template
from sahut.store.database import Tx, insert_once, table_of

# What may be sent. A paused or flagged one is still the account's, and Meta says no to it when it is sent.
APPROVED = "APPROVED"
_GONE = frozenset({"DELETED", "PENDING_DELETION"})
# Words of Meta's for what happened, where they are not the status itself.
_MEANS = {"REINSTATED": APPROVED, "UNARCHIVED": APPROVED, "FLAGGED": ""}
_TEMPLATE = table_of(Template)


async def keep(tx: Tx, account: str, found: Iterable[dict[str, Any]], *, now: datetime) -> int:
    """Make Meta's list ours: `found` are its own objects. How many there are; what is not among them is gone."""
    seen: list[str] = []
    for item in found:
        row = _row(account, item, now)
        if row is None:
            continue
        values = row.model_dump(exclude={"id", "account", "name", "language"})
        if not await insert_once(tx, row):
            await tx.execute(sa.update(Template).where(_is(account, row.name, row.language)).values(**values))
        seen.append(f"{row.name}\0{row.language}")
    mine = select(Template).where(Template.account == account, col(Template.removed_at).is_(None))
    for known in (await tx.execute(mine)).scalars():
        if f"{known.name}\0{known.language}" not in seen:
            await tx.execute(sa.update(Template).where(col(Template.id) == known.id).values(removed_at=now))
    return len(seen)


async def hear(tx: Tx, news: TemplateEvent) -> None:
    """A webhook's word on one template: an older one than what is known changes nothing."""
    mine = sa.and_(_TEMPLATE.c.account == news.account, _TEMPLATE.c.updated_at <= news.at)
    if news.id:
        mine = sa.and_(mine, sa.or_(_TEMPLATE.c.meta_id == news.id, _is(news.account, news.name, news.language)))
    else:
        mine = sa.and_(mine, _is(news.account, news.name, news.language))
    status = _MEANS.get(news.status, news.status)
    values: dict[str, Any] = {
        key: value
        for key, value in {
            "status": status,
            "quality": news.quality,
            "category": news.category,
            "reason": news.reason,
        }.items()
        if value
    }
    values |= {"updated_at": news.at}
    if news.status in _GONE:
        values["removed_at"] = news.at
    await tx.execute(sa.update(_TEMPLATE).where(mine).values(**values))


async def listed(
    tx: Tx, *, status: str | None = None, account: str = "", after: str = "", limit: int = 250
) -> Sequence[Template]:
    """The templates that there are, by id; of all accounts where none is named."""
    query = select(Template).where(col(Template.removed_at).is_(None), Template.id > after)
    if status is not None:
        query = query.where(Template.status == status)
    if account:
        query = query.where(Template.account == account)
    return (await tx.execute(query.order_by(col(Template.id)).limit(limit))).scalars().all()


async def find(tx: Tx, name: str, language: str, *, account: str = "") -> Template | None:
    """The template of that name in exactly that language, as Meta wants it; of any account where none is named."""
    query = select(Template).where(
        Template.name == name, Template.language == language, col(Template.removed_at).is_(None)
    )
    if account:
        query = query.where(Template.account == account)
    return (await tx.execute(query.limit(1))).scalar_one_or_none()


async def are_known(tx: Tx, account: str = "") -> bool:
    """Whether a list of Meta's with anything in it was ever fetched; of any account where none is named."""
    query = select(Template.id)
    if account:
        query = query.where(Template.account == account)
    return (await tx.execute(query.limit(1))).first() is not None


def _is(account: str, name: str, language: str) -> sa.ColumnElement[bool]:
    return sa.and_(_TEMPLATE.c.account == account, _TEMPLATE.c.name == name, _TEMPLATE.c.language == language)


def _row(account: str, item: dict[str, Any], now: datetime) -> Template | None:
    name, language = item.get("name"), item.get("language")
    if not isinstance(name, str) or not isinstance(language, str):
        return None
    components = item.get("components")
    quality = item.get("quality_score")
    score = quality.get("score") if isinstance(quality, dict) else ""
    return Template(
        account=account,
        meta_id=str(item.get("id") or ""),
        name=name,
        language=language,
        status=str(item.get("status") or ""),
        category=str(item.get("category") or ""),
        quality=str(score or ""),
        parameter_format=str(item.get("parameter_format") or "POSITIONAL"),
        components=[part for part in components if isinstance(part, dict)] if isinstance(components, list) else [],
        updated_at=now,
    )
