"""When the rows themselves ask to be looked at, so that the storm's time can jump there. Looks and changes nothing."""

from datetime import datetime, timedelta

from sqlalchemy import case, union_all
from sqlmodel import col, func, select

from sahut import rules
from sahut.models import UNSETTLED, WITH_HUMANS_SQL, Conversation, Handoff, HandoffState, InboundFile, Message
from sahut.store import Tx, closings, windows
from tests.storm.house import CLOSING_BEFORE, WARNING_BEFORE

# The moments at which a row must be looked at: sends, turns (not before the lease ends), notices.
_DUE = union_all(
    select(func.min(Message.due_at)).where(col(Message.state).in_(UNSETTLED)),
    select(
        case(
            (col(Conversation.leased_until) > col(Conversation.wake_at), Conversation.leased_until),
            else_=Conversation.wake_at,
        )
    ).where(col(Conversation.undone_since).is_not(None)),
    select(func.min(InboundFile.due_at)),
    select(func.min(Handoff.due_at)).where(
        Handoff.state == HandoffState.QUEUED, Handoff.lane == "support", col(Handoff.noticed_at).is_(None)
    ),
)


# Quiet sessions that wait for their closing message. What is not quiet is due for another reason.
_ANSWERED = select(Conversation.id, Conversation.window_opened_at).where(
    col(Conversation.answered_at).is_not(None),
    ~select(Message.id)
    .where(col(Message.conversation_id) == col(Conversation.id), col(Message.state).in_(UNSETTLED))
    .exists(),
)


async def due_rows(tx: Tx, *, now: datetime, margin: timedelta) -> list[datetime]:
    """The moments, in no order; some may be over."""
    found = [*(await tx.execute(_DUE)).scalars()]
    found += await _due_closings(tx, now=now, margin=margin)
    found += await _due_warnings(tx, now=now, margin=margin)
    return [moment for moment in found if moment is not None]


async def _due_closings(tx: Tx, *, now: datetime, margin: timedelta) -> list[datetime]:
    quiet = {row.id: row.window_opened_at + rules.WINDOW - CLOSING_BEFORE for row in await tx.execute(_ANSWERED)}
    due = await closings.due(tx, now=now, margin=margin, before=CLOSING_BEFORE, limit=len(quiet) + 1)
    return [now for key in due if key in quiet] + [moment for moment in quiet.values() if moment > now]


async def due_closing(tx: Tx, *, now: datetime, margin: timedelta) -> bool:
    """Whether a session must be closed now."""
    return bool(await closings.due(tx, now=now, margin=margin, before=CLOSING_BEFORE, limit=1))


async def due_warnings(tx: Tx, *, now: datetime, margin: timedelta) -> bool:
    """Whether operators must be told now that a window ends."""
    return bool(await windows.ending(tx, now=now, margin=margin, before=WARNING_BEFORE, limit=1))


async def _due_warnings(tx: Tx, *, now: datetime, margin: timedelta) -> list[datetime]:
    with_humans = select(Conversation.window_opened_at).where(WITH_HUMANS_SQL)
    opened = [moment for moment in (await tx.execute(with_humans)).scalars() if moment is not None]
    moments = [moment + rules.WINDOW - WARNING_BEFORE for moment in opened]
    is_due = await due_warnings(tx, now=now, margin=margin)
    return [now] * is_due + [moment for moment in moments if moment > now]
