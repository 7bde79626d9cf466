"""Meta's record of our numbers, as it was last asked for, and what it reported by itself. Knows no HTTP."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from sahut.events import AccountEvent, TemplateEvent
from sahut.models import AccountNews, Conversation, NumberRecord
from sahut.store.database import Tx, insert_once

# Older than this, a record says nothing: a name or a badge may be gone by now.
GOOD_FOR = timedelta(days=2)


async def keep(tx: Tx, number: str, facts: dict[str, Any], *, now: datetime) -> None:
    """Write down what Meta says of a number now."""
    await tx.execute(sa.delete(NumberRecord).where(col(NumberRecord.number) == number))
    await insert_once(tx, NumberRecord(number=number, facts=facts, fetched_at=now))


async def record_of(tx: Tx, number: str, *, now: datetime) -> dict[str, Any]:
    """What Meta said of a number not long ago; empty where it was not asked, or long ago."""
    found = await tx.get(NumberRecord, number)
    return found.facts if found is not None and now < found.fetched_at + GOOD_FOR else {}


async def record_behind(tx: Tx, conversation_id: str, *, now: datetime) -> dict[str, Any]:
    """The same for the number that a conversation is held with."""
    conversation = await tx.get(Conversation, conversation_id)
    return {} if conversation is None else await record_of(tx, conversation.number, now=now)


async def note(tx: Tx, news: AccountEvent | TemplateEvent, *, now: datetime) -> bool:
    """Keep what Meta reported; whether it was news."""
    told = news.model_dump(mode="json", include={"account", "field", "body"})
    if news.is_dated:
        told["at"] = news.at.isoformat()
    if isinstance(news, TemplateEvent):
        event = news.status or news.quality or news.category
        words = f"{news.name} ({news.language}) {news.reason}".strip()
    else:
        event, words = news.event, news.words
    row = AccountNews(
        digest=hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
        account=news.account,
        field=news.field,
        event=event,
        words=words,
        body=news.body,
        at=news.at,
        created_at=now,
    )
    return await insert_once(tx, row)
