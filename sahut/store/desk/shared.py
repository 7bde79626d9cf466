"""What the desk's lists share: a person, the last line, and the pieces of statements for both. Knows no list."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sahut.models import Contact, ContactIdentity, Conversation, IdentityKind, Message, NumberSettings
from sahut.store.database import Tx, table_of

# What a list shows of a message, in characters.
GLIMPSE = 200

CONVERSATION, CONTACT, IDENTITY = table_of(Conversation), table_of(Contact), table_of(ContactIdentity)
MESSAGE = table_of(Message)
# Spelt out, so that SQLite too sees that the index over open requests serves.
IS_OPEN = sa.text("handoff.state IN ('queued', 'claimed')")


_NUMBER = table_of(NumberSettings)


def of_team(team: str) -> sa.ColumnElement[bool]:
    """Conversations with the numbers that a team sees: its own, and those that no team has. Nobody's team sees all."""
    if not team:
        return sa.true()
    others = sa.select(_NUMBER.c.number).where(_NUMBER.c.team.not_in(("", team)))
    return CONVERSATION.c.number.not_in(others)


@dataclass(frozen=True)
class Person:
    """A contact as operators see them. All of it is what somebody outside typed."""

    id: str
    name: str
    phone: str | None
    user_id: str | None


@dataclass(frozen=True)
class Glimpse:
    """The last line of a conversation, cut to `GLIMPSE` characters."""

    text: str
    author: str
    kind: str
    state: str
    at: datetime


LAST_COLUMNS = (
    sa.func.substr(MESSAGE.c.text, 1, GLIMPSE).label("last_text"),
    MESSAGE.c.author.label("last_author"),
    MESSAGE.c.kind.label("last_kind"),
    MESSAGE.c.state.label("last_state"),
    MESSAGE.c.created_at.label("last_at"),
)


def conversation_columns() -> Sequence[sa.ColumnElement[Any]]:
    """What every list shows of a conversation and its contact."""
    names = ("id", "contact_id", "status", "holder", "held_by", "held_by_name", "language", "updated_at")
    return (
        *(CONVERSATION.c[name] for name in (*names, "window_opened_at", "window_closed_at", "window_warned_of")),
        CONTACT.c.name.label("contact_name"),
    )


def with_last(source: sa.FromClause) -> sa.FromClause:
    """With each conversation's last message, found by one step in the index."""
    other = MESSAGE.alias("newest")
    last = (
        sa.select(other.c.id)
        .where(other.c.conversation_id == CONVERSATION.c.id)
        .order_by(other.c.id.desc())
        .limit(1)
        .correlate(CONVERSATION)
        .scalar_subquery()
    )
    return source.outerjoin(MESSAGE, MESSAGE.c.id == last)


async def people_of(tx: Tx, rows: Iterable[Any]) -> dict[str, Person]:
    """contact id -> the contact, for rows of `conversation_columns`."""
    named = {row.contact_id: row.contact_name for row in rows}
    query = sa.select(IDENTITY.c.contact_id, IDENTITY.c.kind, IDENTITY.c.value).where(IDENTITY.c.contact_id.in_(named))
    names: dict[str, dict[str, str]] = {}
    for row in await tx.execute(query):
        names.setdefault(row.contact_id, {})[row.kind] = row.value
    return {key: person_of(key, name, names.get(key, {})) for key, name in named.items()}


def person_of(contact_id: str, name: str, names: dict[str, str]) -> Person:
    """A contact with the names by which WhatsApp knows them, kind -> value."""
    return Person(id=contact_id, name=name, phone=names.get(IdentityKind.PHONE), user_id=names.get(IdentityKind.BSUID))


def glimpse(row: Any) -> Glimpse | None:
    """The last line of a row of `LAST_COLUMNS`, where there is one."""
    if row.last_at is None:
        return None
    return Glimpse(row.last_text, row.last_author, row.last_kind, row.last_state, row.last_at)


async def holders(tx: Tx, conversation_ids: Collection[str]) -> dict[str, str]:
    """conversation id -> who holds it, for those that somebody holds."""
    wanted = (CONVERSATION.c.id.in_(conversation_ids), CONVERSATION.c.held_by.is_not(None))
    query = sa.select(CONVERSATION.c.id, CONVERSATION.c.held_by).where(*wanted)
    return {row.id: row.held_by for row in await tx.execute(query)}
