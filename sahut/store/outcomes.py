"""What became of a send: the answer to its POST, and the statuses that Meta reports later, in any order.

A send whose answer was lost stays `unknown` until a status with our callback id settles it. Every outcome is tied
to its claim (`Sending.attempt`), so that a late one cannot touch the next. Knows nothing of HTTP.
"""

from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa
from sqlmodel import col, select

from sahut import rules
from sahut.events import Delivery
from sahut.ids import ConversationId
from sahut.models import Conversation, Holder, Message, Purpose, State, Status, StrayDelivery
from sahut.pacing import Pair
from sahut.store import handoffs, media
from sahut.store.database import Tx, changed, insert_once, table_of
from sahut.store.rows import OUTCOME_COLUMNS, lock_conversation, lock_message, update_conversation, update_message
from sahut.store.sending import Attempt, Sending

# Built once.
_MESSAGE, _STRAY = table_of(Message), table_of(StrayDelivery)
_STRAYS_OF = sa.select(_STRAY).where(_STRAY.c.wamid == sa.bindparam("wamid")).order_by(_STRAY.c.id)
_OURS = _MESSAGE.c.state != State.RECEIVED
_BY_WAMID = sa.and_(_MESSAGE.c.number == sa.bindparam("number"), _MESSAGE.c.wamid == sa.bindparam("wamid"), _OURS)
# Of the number that the status is about: who signs for one number has no say over another's messages.
_BY_CALLBACK = sa.and_(
    _MESSAGE.c.number == sa.bindparam("number"), _MESSAGE.c.callback_id == sa.bindparam("callback_id")
)
_NAMED = {False: _BY_WAMID, True: sa.or_(_BY_CALLBACK, _BY_WAMID)}
_LOCK_NAMED = {by: sa.select(*OUTCOME_COLUMNS).where(named).with_for_update() for by, named in _NAMED.items()}


async def sent(tx: Tx, sending: Sending, wamid: str, *, now: datetime) -> None:
    """Meta took it. A status may have come before the answer: the state only moves up."""
    await lock_conversation(tx, sending.conversation_id)
    message = await lock_message(tx, sending.id)
    state = rules.advance(message.state, State.SENT)
    told = {} if state == State.FAILED else {"error": "", "error_code": None}
    await update_message(tx, sending, wamid=message.wamid or wamid, state=state, due_at=None, **told)
    for stray in (await tx.execute(_STRAYS_OF, {"wamid": wamid})).all():
        await _apply(tx, await lock_message(tx, sending.id), cast("StrayDelivery", stray), now=now)


async def lost(tx: Tx, sending: Sending, *, why: str, unknown_wait: timedelta) -> None:
    """The answer was lost: only a status, or time, decides what happened."""
    message = await lock_message(tx, sending.id)
    if _is_open(message, sending):
        await lose(tx, message, why, sending.since + unknown_wait)


async def missed(tx: Tx, sending: Sending, *, now: datetime) -> None:
    """It did not leave when it might have: back into the queue, as if it had not been begun."""
    conversation = await lock_conversation(tx, sending.conversation_id)
    message = await lock_message(tx, sending.id)
    if conversation is None or not _is_open(message, sending):
        return
    pair = Pair(conversation.pair_began_at, conversation.pair_burst).without_last()
    await update_conversation(tx, conversation.id, pair_began_at=pair.began_at, pair_burst=pair.burst)
    await update_message(tx, sending, state=State.QUEUED, due_at=now)


async def put_off(tx: Tx, sending: Attempt, *, at: datetime, why: str, code: int | None = None) -> None:
    """Meta has not taken it and may later: back into the queue."""
    message = await lock_message(tx, sending.id)
    if _is_open(message, sending):
        tries = sending.tries_under(code)
        await update_message(tx, sending, state=State.QUEUED, tries=tries, due_at=at, error=why, error_code=code)


async def refused(tx: Tx, sending: Attempt, *, why: str, code: int | None, window_closed: bool, now: datetime) -> None:
    """Meta will never take it as it is: a human hears of it. `window_closed`: Meta said so, whatever our clock says."""
    await lock_conversation(tx, sending.conversation_id)
    if window_closed:
        await _close_window(tx, sending.conversation_id, sending.since)
    message = await lock_message(tx, sending.id)
    if _is_open(message, sending):
        await fail_message(tx, message, why=why, code=code, now=now)


async def settle(tx: Tx, delivery: Delivery, *, now: datetime, window_closed: bool) -> ConversationId | None:
    """Apply a status. The conversation where later sends may go on, `None` where nothing waits for it.

    Our own callback id finds the message even when its wamid was never learned.
    """
    if changes_thread(delivery):
        await _lock_conversation_of(tx, delivery)
    names = _names(delivery)
    message = cast("Message | None", (await tx.execute(_LOCK_NAMED["callback_id" in names], names)).first())
    news = _news(delivery, window_closed, now)
    if message is None:
        await insert_once(tx, news)
        return None
    was_open = rules.settles(message.state)
    if delivery.free_until is not None:
        await update_conversation(tx, message.conversation_id, free_until=delivery.free_until)
    await _apply(tx, message, news, now=now)
    return ConversationId(message.conversation_id) if was_open else None


def changes_thread(delivery: Delivery) -> bool:
    """Whether a status changes the conversation too, which is locked first then."""
    return delivery.state == "failed" or delivery.free_until is not None


async def posted_at(tx: Tx, delivery: Delivery) -> datetime | None:
    """When the message that a status is about was posted last; `None` for one that we do not know."""
    names = _names(delivery)
    query = select(Message.sending_since).where(_NAMED["callback_id" in names]).limit(1)
    return (await tx.execute(query, names)).scalar_one_or_none()


async def forget_strays(tx: Tx, *, before: datetime) -> None:
    """Let go of statuses that came before then and whose message never turned up."""
    await tx.execute(sa.delete(StrayDelivery).where(col(StrayDelivery.created_at) < before))


async def lose(tx: Tx, message: Message, why: str, due_at: datetime) -> None:
    """Note that the outcome of a send is unknown, to be looked at again at `due_at`."""
    await update_message(tx, message, state=State.UNKNOWN, losses=message.losses + 1, error=why, due_at=due_at)


async def fail_message(tx: Tx, message: Message, *, why: str, code: int | None, now: datetime) -> None:
    """Give a message up; a human hears of it. The conversation is locked already."""
    await update_message(tx, message, state=State.FAILED, error=why, error_code=code, due_at=None)
    if code in media.GONE:
        await media.forget_upload_of(tx, message.id)
    await tell_human(tx, message, f"Not delivered: {why}.", now=now)


async def tell_human(tx: Tx, message: Message, summary: str, *, now: datetime) -> None:
    """An answer that never arrived becomes a request for a human.

    Not where one holds the conversation already, has closed it, or put it away as spam; an operator's own failure is
    theirs to see, and thanks that never arrived are not worth their time.
    """
    conversation = await tx.get_one(Conversation, message.conversation_id)
    taken_care_of = conversation.holder == Holder.OPERATOR or conversation.status in (Status.SPAM, Status.RESOLVED)
    if message.purpose in (Purpose.OPERATOR, Purpose.CLOSING, Purpose.THANKS) or taken_care_of:
        return
    await handoffs.open_handoff(
        tx,
        ConversationId(conversation.id),
        reason="rule",
        lane="support",
        summary=summary,
        language=conversation.language or "en",
        now=now,
    )


def _is_open(message: Message, sending: Attempt) -> bool:
    """Whether this try's outcome is still asked for: no status has settled it and no later POST was made."""
    return message.attempts == sending.attempt and message.state in sending.open_states


async def _apply(tx: Tx, message: Message, news: StrayDelivery, *, now: datetime) -> None:
    """Move a message by a status; for a failure the conversation is locked already."""
    state, wamid = rules.advance(message.state, news.state), message.wamid or news.wamid
    if (state, wamid) == (message.state, message.wamid):
        return
    fails = state == State.FAILED and message.state != State.FAILED
    await update_message(tx, message, wamid=wamid, state=message.state if fails else state, due_at=None)
    if not fails:
        return
    why = news.error or "Meta reported a failure"
    if news.window_closed:
        why = f"{why.rstrip('.')}; only a template reaches the customer until they write again"
        await _close_window(tx, message.conversation_id, min(news.at, message.sending_since or news.at))
    await fail_message(tx, message, why=why, code=news.error_code, now=now)


async def _close_window(tx: Tx, conversation_id: str, at: datetime) -> None:
    """Meta said that the window was closed for a POST of that moment: whatever the customer wrote later opens it."""
    earlier = sa.or_(col(Conversation.window_closed_at).is_(None), col(Conversation.window_closed_at) < at)
    mine = col(Conversation.id) == conversation_id
    await tx.execute(sa.update(Conversation).where(mine, earlier).values(window_closed_at=at))
    changed(tx, conversation_id)


def _names(delivery: Delivery) -> dict[str, str]:
    """What the message behind a status may be known by: our callback id, or the number's wamid."""
    names = {"number": delivery.number, "wamid": delivery.wamid}
    return names if delivery.callback_id is None else {**names, "callback_id": delivery.callback_id}


def _news(delivery: Delivery, window_closed: bool, now: datetime) -> StrayDelivery:
    return StrayDelivery(
        wamid=delivery.wamid,
        state=delivery.state,
        at=delivery.at,
        window_closed=window_closed,
        error_code=delivery.error_code,
        error=delivery.error,
        created_at=now,
    )


async def _lock_conversation_of(tx: Tx, delivery: Delivery) -> None:
    """Failures and free entry points touch the conversation too, and conversations are locked before their messages."""
    names = _names(delivery)
    query = select(Message.conversation_id).where(_NAMED["callback_id" in names]).limit(1)
    conversation_id = (await tx.execute(query, names)).scalar_one_or_none()
    if conversation_id is not None:
        await lock_conversation(tx, conversation_id)
