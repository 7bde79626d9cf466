"""The live queue: requests for a human that are open, ordered by what is lost first. Changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from sahut import rules
from sahut.models import Handoff, HandoffState
from sahut.rules import Window, is_warned
from sahut.store.database import Tx, table_of
from sahut.store.desk.shared import (
    CONTACT,
    CONVERSATION,
    IS_OPEN,
    LAST_COLUMNS,
    Glimpse,
    Person,
    conversation_columns,
    glimpse,
    of_team,
    people_of,
    with_last,
)

Lane = Literal["support", "spam"]
_H = table_of(Handoff)


_HANDOFF_COLUMNS = (
    _H.c.id.label("handoff_id"),
    _H.c.lane,
    _H.c.state.label("handoff_state"),
    _H.c.reason,
    _H.c.summary,
    _H.c.language.label("handoff_language"),
    _H.c.due_at,
    _H.c.created_at.label("asked_at"),
    _H.c.claimed_by,
)


@dataclass(frozen=True)
class Waiting:
    """A request for a human that is open. `held_by` is an operator's (or key's) id, `claimed_by` their name.

    `is_warned`: operators were told that its window ends soon.
    """

    handoff_id: str
    conversation_id: str
    contact: Person
    lane: str
    state: str
    reason: str
    summary: str
    language: str
    window: Window
    is_warned: bool
    due_at: datetime
    created_at: datetime
    claimed_by: str | None
    held_by: str | None
    last: Glimpse | None


async def queue(tx: Tx, lane: Lane, *, now: datetime, team: str = "", limit: int = 200) -> list[Waiting]:
    """Open requests of a lane that a team sees (everybody's without one), ordered as `rules.urgency` says."""
    query = (
        sa.select(*conversation_columns(), *_HANDOFF_COLUMNS, *LAST_COLUMNS)
        .select_from(with_last(_H.join(CONVERSATION, CONVERSATION.c.id == _H.c.conversation_id).join(CONTACT)))
        .where(_H.c.lane == lane, IS_OPEN, of_team(team))
        .order_by(*_by_urgency(now))
        .limit(limit)
    )
    rows = (await tx.execute(query)).all()
    people = await people_of(tx, rows)
    return [
        Waiting(
            handoff_id=row.handoff_id,
            conversation_id=row.id,
            contact=people[row.contact_id],
            lane=row.lane,
            state=row.handoff_state,
            reason=row.reason,
            summary=row.summary,
            language=row.handoff_language,
            window=Window(row.window_opened_at, row.window_closed_at),
            is_warned=is_warned(row.window_opened_at, row.window_warned_of),
            due_at=row.due_at,
            created_at=row.asked_at,
            claimed_by=row.claimed_by,
            held_by=row.held_by,
            last=glimpse(row),
        )
        for row in rows
    ]


def _by_urgency(now: datetime) -> tuple[Any, ...]:
    """`rules.urgency` in SQL; a test holds the two together."""
    claimed = sa.case((_H.c.state == HandoffState.CLAIMED, 1), else_=0)
    opened, closed = CONVERSATION.c.window_opened_at, CONVERSATION.c.window_closed_at
    closed_early = sa.and_(closed.is_not(None), closed >= opened)
    rank = sa.case(
        (opened.is_(None), 2),
        (opened <= now - rules.WINDOW, 2),
        (sa.and_(closed_early, closed <= now), 2),
        (opened <= now - rules.WINDOW + rules.LAST_OF_WINDOW, 0),
        (sa.and_(closed_early, closed <= now + rules.LAST_OF_WINDOW), 0),
        else_=1,
    )
    return claimed, rank, sa.case((rank == 0, opened), else_=_H.c.due_at), _H.c.id
