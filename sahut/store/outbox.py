"""The outbox: what is to be sent, what became of it, and what a status says. The one way out of the house.

There is no idempotency key on Meta's side, so `sending` is committed before the POST, and a send whose answer was
lost stays `unknown` until a status with our callback id settles it. Knows nothing of HTTP.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut import rules
from sahut.events import Delivery
from sahut.ids import ConversationId, MessageId, new_id
from sahut.models import (
    UNSETTLED,
    Author,
    ContactIdentity,
    Conversation,
    IdentityKind,
    Message,
    Purpose,
    State,
    StrayDelivery,
)
from sahut.store import handoffs
from sahut.store.database import Tx, insert_once, table_of
from sahut.store.inbox import lock_conversation, update_conversation

# Longer than the Graph client's own timeouts: a POST that is still on its way is not yet lost.
SEND_LEASE = timedelta(seconds=30)

# Built once.
_KEY: sa.BindParameter[str] = sa.bindparam("key")
_LOCK = select(Message).where(Message.id == _KEY).with_for_update()
_UNSETTLED_OF = (
    select(Message).where(Message.conversation_id == _KEY, col(Message.state).in_(UNSETTLED)).order_by(col(Message.id))
)
_IDENTITY = table_of(ContactIdentity)
_NAMES_OF = sa.select(_IDENTITY.c.kind, _IDENTITY.c.value).where(_IDENTITY.c.contact_id == _KEY)
_STRAYS_OF = select(StrayDelivery).where(StrayDelivery.wamid == _KEY).order_by(col(StrayDelivery.id))
_BY_WAMID = sa.and_(col(Message.number) == sa.bindparam("number"), col(Message.wamid) == sa.bindparam("wamid"))
_NAMED = {False: _BY_WAMID, True: sa.or_(col(Message.callback_id) == sa.bindparam("callback_id"), _BY_WAMID)}
_LOCK_NAMED = {by_callback: select(Message).where(named).with_for_update() for by_callback, named in _NAMED.items()}


@dataclass(frozen=True)
class Sending:
    """A message whose POST may now be made: `state` is committed as `sending`.

    `body` is Meta's message object without recipient; `phone` (digits) or `user_id` names the recipient; `quote` is
    the wamid to be quoted; `callback_id` comes back in every status.
    """

    id: MessageId
    conversation_id: ConversationId
    number: str
    body: dict[str, Any]
    phone: str | None
    user_id: str | None
    quote: str | None
    callback_id: str
    attempt: int


@dataclass(frozen=True)
class Rest:
    """Nothing of the conversation may leave now. `undone`: a customer's message there waits for an answer."""

    undone: bool


def draft(
    conversation: Conversation,
    *,
    text: str,
    body: dict[str, Any],
    author: Author,
    purpose: Purpose,
    now: datetime,
    author_name: str = "",
    answers: str | None = None,
    turn_id: str | None = None,
) -> Message:
    """A queued message, not yet added to a transaction. `body` is Meta's message object without the recipient."""
    return Message(
        conversation_id=conversation.id,
        number=conversation.number,
        author=author,
        author_name=author_name,
        kind=str(body.get("type", "text")),
        state=State.QUEUED,
        text=text,
        body=body,
        sent_at=now,
        created_at=now,
        purpose=purpose,
        callback_id=f"out:{new_id()}",
        answers=answers,
        turn_id=turn_id,
        due_at=now,
    )


async def claim(
    tx: Tx, conversation_id: ConversationId, *, now: datetime, margin: timedelta, unknown_wait: timedelta
) -> Sending | Rest:
    """The conversation's next message, marked `sending`, or that nothing may leave now.

    Messages of a conversation leave in order: one whose outcome is open holds those behind it.
    """
    conversation = await lock_conversation(tx, conversation_id)
    if conversation is None:
        return Rest(undone=False)
    rest = Rest(undone=conversation.undone_since is not None)
    for message in await _unsettled(tx, conversation_id):
        if message.state != State.QUEUED:
            fate = await _open_outcome(tx, message, now=now, unknown_wait=unknown_wait)
            if fate == "wait":
                return rest
            if fate == "give_up":
                continue
        permission = _permission(message, conversation, now=now, margin=margin)
        if isinstance(permission, rules.Drop):
            await _drop(tx, message, permission.reason, now=now)
        elif message.state == State.QUEUED and message.due_at is not None and message.due_at > now:
            return rest
        else:
            return await _begin(tx, message, conversation, now=now)
    return rest


async def sent(tx: Tx, sending: Sending, wamid: str) -> None:
    """Meta took it. A status may have come before the answer: the state only moves up."""
    # The next claim may be made in this transaction, and conversations are locked before their messages.
    await lock_conversation(tx, sending.conversation_id)
    message = await _lock(tx, sending.id)
    message.wamid = message.wamid or wamid
    message.state = rules.advance(message.state, State.SENT)
    message.error, message.error_code, message.due_at = "", None, None
    for stray in (await tx.execute(_STRAYS_OF, {"key": wamid})).scalars():
        message.state = rules.advance(message.state, stray.state)
    await tx.flush()


async def outcome_unknown(tx: Tx, message_id: MessageId, *, why: str, unknown_wait: timedelta) -> None:
    """The answer was lost: only a status, or time, decides what happened."""
    message = await _lock(tx, message_id)
    if message.state == State.SENDING and message.sending_since is not None:
        _lose(message, why, message.sending_since + unknown_wait)
    await tx.flush()


async def retry(tx: Tx, message_id: MessageId, *, at: datetime, why: str, code: int | None = None) -> None:
    """Meta has not taken it and may later: back into the queue."""
    message = await _lock(tx, message_id)
    if message.state == State.SENDING:
        message.state, message.due_at, message.error, message.error_code = State.QUEUED, at, why, code
    await tx.flush()


async def fail(tx: Tx, sending: Sending, *, why: str, code: int | None, now: datetime) -> None:
    """It will never be taken as it is: a human hears of it."""
    await lock_conversation(tx, sending.conversation_id)
    message = await _lock(tx, sending.id)
    await _fail(tx, message, why=why, code=code, now=now)


async def close_window(tx: Tx, conversation_id: ConversationId, *, now: datetime) -> None:
    """Meta says that the window is closed (131047), whatever our clock says."""
    await update_conversation(tx, conversation_id, window_closed_at=now)


async def settle(tx: Tx, delivery: Delivery, *, now: datetime, window_closed: bool) -> ConversationId | None:
    """Apply a status. The conversation where later sends may go on, `None` where nothing waits for it.

    Our own callback id finds the message even when its wamid was never learned.
    """
    if delivery.state == "failed":
        await _lock_conversation_of(tx, delivery)
    names = _names(delivery)
    message = (await tx.execute(_LOCK_NAMED["callback_id" in names], names)).scalars().first()
    if message is None:
        await insert_once(tx, _stray(delivery, now))
        return None
    was_open = rules.settles(message.state)
    if delivery.state == "failed":
        await _late_failure(tx, message, delivery, now=now, window_closed=window_closed)
    else:
        message.state = rules.advance(message.state, delivery.state)
    message.wamid = message.wamid or delivery.wamid
    message.due_at = None
    await tx.flush()
    return ConversationId(message.conversation_id) if was_open else None


async def forget_strays(tx: Tx, *, before: datetime) -> None:
    """Let go of statuses that came before then and whose message never turned up."""
    await tx.execute(sa.delete(StrayDelivery).where(col(StrayDelivery.created_at) < before))


async def due(tx: Tx, *, now: datetime, limit: int) -> list[ConversationId]:
    """Conversations with a message that must be looked at: queued, or with an outcome open for too long."""
    query = (
        select(Message.conversation_id)
        .where(col(Message.state).in_(UNSETTLED), col(Message.due_at) <= now)
        .distinct()
        .limit(limit)
    )
    return [ConversationId(row) for row in (await tx.execute(query)).scalars()]


def _names(delivery: Delivery) -> dict[str, str]:
    """What the message behind a status may be known by: our callback id, or the number's wamid."""
    names = {"number": delivery.number, "wamid": delivery.wamid}
    return names if delivery.callback_id is None else {**names, "callback_id": delivery.callback_id}


def _stray(delivery: Delivery, now: datetime) -> StrayDelivery:
    return StrayDelivery(
        wamid=delivery.wamid,
        state=delivery.state,
        error_code=delivery.error_code,
        error=delivery.error,
        created_at=now,
    )


async def _lock_conversation_of(tx: Tx, delivery: Delivery) -> None:
    """A failure touches the conversation too, and conversations are locked before their messages."""
    names = _names(delivery)
    query = select(Message.conversation_id).where(_NAMED["callback_id" in names]).limit(1)
    conversation_id = (await tx.execute(query, names)).scalar_one_or_none()
    if conversation_id is not None:
        await lock_conversation(tx, conversation_id)


async def _lock(tx: Tx, message_id: str) -> Message:
    return (await tx.execute(_LOCK, {"key": message_id})).scalar_one()


async def _unsettled(tx: Tx, conversation_id: str) -> list[Message]:
    return list((await tx.execute(_UNSETTLED_OF, {"key": conversation_id})).scalars())


async def _open_outcome(tx: Tx, message: Message, *, now: datetime, unknown_wait: timedelta) -> rules.UnknownFate:
    """Look at a message in `sending` or `unknown`: a crash left it, or a lost answer."""
    since = message.sending_since or message.created_at
    if message.state == State.SENDING:
        if now < since + SEND_LEASE:
            return "wait"
        _lose(message, "the sender did not come back", since + unknown_wait)
    fate = rules.unknown_fate(since=since, now=now, wait=unknown_wait, losses=message.losses, kind=message.kind)
    if fate == "give_up":
        await _fail(tx, message, why="no status came for this send", code=None, now=now)
    await tx.flush()
    return fate


def _lose(message: Message, why: str, due_at: datetime) -> None:
    message.state, message.losses = State.UNKNOWN, message.losses + 1
    message.error, message.due_at = why, due_at


def _permission(
    message: Message, conversation: Conversation, *, now: datetime, margin: timedelta
) -> rules.Send | rules.Drop:
    return rules.may_send(
        purpose=message.purpose or Purpose.REPLY,
        kind=message.kind,
        holder=conversation.holder,
        status=conversation.status,
        window=rules.Window(conversation.window_opened_at, conversation.window_closed_at),
        now=now,
        margin=margin,
    )


async def _drop(tx: Tx, message: Message, reason: str, *, now: datetime) -> None:
    message.state, message.error, message.due_at = State.DROPPED, reason, None
    await tx.flush()
    if reason == rules.WINDOW_CLOSED:
        await _tell_human(tx, message, f"Not sent: {reason}.", now=now)


async def _begin(tx: Tx, message: Message, conversation: Conversation, *, now: datetime) -> Sending:
    message.state, message.sending_since, message.attempts = State.SENDING, now, message.attempts + 1
    message.due_at = now + SEND_LEASE
    await tx.flush()
    names = {row.kind: row.value for row in await tx.execute(_NAMES_OF, {"key": conversation.contact_id})}
    # Newer messages came after the one this answers: quote it, so that the reply is not read as theirs.
    overtaken = message.answers != conversation.last_inbound_wamid
    return Sending(
        id=MessageId(message.id),
        conversation_id=ConversationId(conversation.id),
        number=message.number,
        body=message.body,
        phone=names.get(IdentityKind.PHONE),
        user_id=names.get(IdentityKind.BSUID),
        quote=message.answers if overtaken else None,
        callback_id=message.callback_id or "",
        attempt=message.attempts,
    )


async def _fail(tx: Tx, message: Message, *, why: str, code: int | None, now: datetime) -> None:
    message.state, message.error, message.error_code, message.due_at = State.FAILED, why, code, None
    await tx.flush()
    await _tell_human(tx, message, f"Not delivered: {why}.", now=now)


async def _late_failure(tx: Tx, message: Message, delivery: Delivery, *, now: datetime, window_closed: bool) -> None:
    if rules.advance(message.state, State.FAILED) != State.FAILED or message.state == State.FAILED:
        return
    if window_closed:
        await close_window(tx, ConversationId(message.conversation_id), now=now)
    why = delivery.error or "Meta reported a failure"
    await _fail(tx, message, why=why, code=delivery.error_code, now=now)


async def _tell_human(tx: Tx, message: Message, summary: str, *, now: datetime) -> None:
    """An answer that never arrived becomes a request for a human. An operator's own failure is theirs already."""
    if message.purpose == Purpose.OPERATOR:
        return
    query = select(Conversation.language).where(Conversation.id == message.conversation_id)
    language = (await tx.execute(query)).scalar_one()
    await handoffs.open_handoff(
        tx,
        ConversationId(message.conversation_id),
        reason="rule",
        lane="support",
        summary=summary,
        language=language or "en",
        now=now,
    )
