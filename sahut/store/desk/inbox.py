"""The inbox: all conversations, newest first, what an operator has not read in them, and the badges' numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from sahut.errors import NotFound
from sahut.models import Handoff, HandoffState, IdentityKind, Reading, State, Ticket
from sahut.rules import Window, is_warned
from sahut.store.database import Tx, table_of, upserting
from sahut.store.desk.shared import (
    CONTACT,
    CONVERSATION,
    IDENTITY,
    IS_OPEN,
    LAST_COLUMNS,
    MESSAGE,
    Glimpse,
    Person,
    conversation_columns,
    glimpse,
    of_team,
    people_of,
    with_last,
)

_H, _R, _TICKET = table_of(Handoff), table_of(Reading), table_of(Ticket)
_FROM_CONTACT = MESSAGE.c.state == State.RECEIVED


@dataclass(frozen=True)
class Row:
    """A conversation in the inbox. `unread` counts the customer's messages that this operator has not seen.

    `is_warned`: operators were told that its window ends soon.
    """

    conversation_id: str
    contact: Person
    status: str
    holder: str
    held_by: str | None
    held_by_name: str | None
    language: str | None
    window: Window
    is_warned: bool
    updated_at: datetime
    last: Glimpse | None
    unread: int

    @property
    def cursor(self) -> str:
        """For `before`: the rows after this one."""
        return f"{self.updated_at.isoformat()}~{self.conversation_id}"


@dataclass(frozen=True)
class Counts:
    """What the badges show.

    `support` and `spam`: requests that nobody has claimed. `mine`: conversations that the operator holds, `unread`:
    those of them with a customer's message that they have not seen.
    """

    support: int
    spam: int
    mine: int
    unread: int


async def inbox(
    tx: Tx,
    operator_id: str,
    *,
    status: str | None = None,
    holder: str | None = None,
    mine: bool = False,
    search: str = "",
    before: str | None = None,
    limit: int = 50,
) -> list[Row]:
    """Conversations with the newest change first. `before` is the `cursor` of the last row of the page before.

    `search` looks in the contact's name, phone number and tickets' references, taken literally.
    """
    page = _chosen(operator_id if mine else None, status=status, holder=holder, search=search.strip(), before=before)
    newest = (CONVERSATION.c.updated_at.desc(), CONVERSATION.c.id.desc())
    query = (
        sa.select(*conversation_columns(), *LAST_COLUMNS)
        .select_from(with_last(CONVERSATION.join(CONTACT)))
        .where(CONVERSATION.c.id.in_(page.order_by(*newest).limit(limit)))
        .order_by(*newest)
    )
    rows = (await tx.execute(query)).all()
    people = await people_of(tx, rows)
    news = await unread(tx, operator_id, [row.id for row in rows])
    return [
        Row(
            conversation_id=row.id,
            contact=people[row.contact_id],
            status=row.status,
            holder=row.holder,
            held_by=row.held_by,
            held_by_name=row.held_by_name,
            language=row.language,
            window=Window(row.window_opened_at, row.window_closed_at),
            is_warned=is_warned(row.window_opened_at, row.window_warned_of),
            updated_at=row.updated_at,
            last=glimpse(row),
            unread=news.get(row.id, 0),
        )
        for row in rows
    ]


def _chosen(
    held_by: str | None, *, status: str | None, holder: str | None, search: str, before: str | None
) -> sa.Select[tuple[str]]:
    """The ids of the conversations that are asked for; `None` and "" ask for nothing in particular."""
    page = sa.select(CONVERSATION.c.id).select_from(CONVERSATION.join(CONTACT))
    for column, wanted in (
        (CONVERSATION.c.status, status),
        (CONVERSATION.c.holder, holder),
        (CONVERSATION.c.held_by, held_by),
    ):
        if wanted is not None:
            page = page.where(column == wanted)
    if search:
        page = page.where(_matches(search))
    if before is not None:
        page = page.where(sa.tuple_(CONVERSATION.c.updated_at, CONVERSATION.c.id) < _position(before))
    return page


async def counts(tx: Tx, operator_id: str, *, team: str = "") -> Counts:
    """The numbers of the badges, in one statement; of requests those that a team sees, everybody's without one."""

    def queued(lane: Literal["support", "spam"]) -> Any:
        waiting: list[Any] = [_H.c.lane == lane, IS_OPEN, _H.c.state == HandoffState.QUEUED]
        if team:
            seen = sa.select(CONVERSATION.c.id).where(CONVERSATION.c.id == _H.c.conversation_id, of_team(team))
            waiting.append(seen.correlate(_H).exists())
        return sa.select(sa.func.count()).select_from(_H).where(*waiting).scalar_subquery()

    held = CONVERSATION.c.held_by == operator_id
    news = _unseen(operator_id).where(MESSAGE.c.conversation_id == CONVERSATION.c.id).correlate(CONVERSATION).exists()
    mine = sa.select(sa.func.count()).select_from(CONVERSATION).where(held)
    query = sa.select(
        queued("support").label("support"),
        queued("spam").label("spam"),
        mine.scalar_subquery().label("mine"),
        mine.where(news).scalar_subquery().label("unread"),
    )
    row = (await tx.execute(query)).one()
    return Counts(support=row.support, spam=row.spam, mine=row.mine, unread=row.unread)


async def mark_seen(tx: Tx, operator_id: str, conversation_id: str, message_id: str) -> None:
    """The operator has seen the conversation up to this message; it never goes back. Raises `NotFound`."""
    known = sa.select(MESSAGE.c.id).where(MESSAGE.c.id == message_id, MESSAGE.c.conversation_id == conversation_id)
    if (await tx.execute(known)).scalar_one_or_none() is None:
        raise NotFound("There is no such message in this conversation.")
    fresh = upserting(tx, Reading).values(
        operator_id=operator_id, conversation_id=conversation_id, message_id=message_id
    )
    await tx.execute(
        fresh.on_conflict_do_update(
            index_elements=["operator_id", "conversation_id"],
            set_={"message_id": message_id},
            where=_R.c.message_id < message_id,
        )
    )


def _matches(search: str) -> sa.ColumnElement[bool]:
    """What is typed, taken literally. SQLite folds the case of ASCII alone, so names are tried in four spellings."""
    spellings = {search, search.lower(), search.upper(), search.title()}
    by_name = [CONTACT.c.name.icontains(spelling, autoescape=True) for spelling in sorted(spellings)]
    found = [
        *by_name,
        CONVERSATION.c.id.in_(sa.select(_TICKET.c.conversation_id).where(_TICKET.c.reference == search.upper())),
    ]
    digits = "".join(char for char in search if char.isascii() and char.isdigit()).lstrip("0")
    if digits:
        phones = sa.select(IDENTITY.c.contact_id).where(
            IDENTITY.c.kind == IdentityKind.PHONE, IDENTITY.c.value.contains(digits, autoescape=True)
        )
        found.append(CONVERSATION.c.contact_id.in_(phones))
    return sa.or_(*found)


def _position(cursor: str) -> Any:
    at, _, key = cursor.partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise NotFound("There is no such page: begin again without a cursor.") from None
    if moment.tzinfo is None:
        raise NotFound("There is no such page: begin again without a cursor.")
    return sa.tuple_(sa.literal(moment, CONVERSATION.c.updated_at.type), sa.literal(key))


def _unseen(operator_id: str) -> sa.Select[Any]:
    """Customers' messages that an operator has not seen."""
    seen = sa.and_(_R.c.conversation_id == MESSAGE.c.conversation_id, _R.c.operator_id == operator_id)
    return (
        sa.select(MESSAGE.c.conversation_id)
        .select_from(MESSAGE.outerjoin(_R, seen))
        .where(_FROM_CONTACT, sa.or_(_R.c.message_id.is_(None), MESSAGE.c.id > _R.c.message_id))
    )


async def unread(tx: Tx, operator_id: str, conversation_ids: Sequence[str]) -> dict[str, int]:
    """conversation id -> how many messages of the customer the operator has not seen; left out where there are none."""
    unseen = _unseen(operator_id).add_columns(sa.func.count().label("many"))
    query = unseen.where(MESSAGE.c.conversation_id.in_(conversation_ids)).group_by(MESSAGE.c.conversation_id)
    return {row.conversation_id: row.many for row in await tx.execute(query)}
