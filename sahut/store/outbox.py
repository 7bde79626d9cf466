"""The outbox: what is to be sent, and which message may leave now. The one way out of the house.

There is no idempotency key on Meta's side, so `sending` is committed before the POST; what became of it is written
down by `outcomes`. Knows nothing of HTTP.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from sahut import rules
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
)
from sahut.store import outcomes
from sahut.store.database import Tx, table_of
from sahut.store.inbox import lock_conversation

# Longer than the sender waits for a POST (`api.sender.POST_LIMIT_S`): one that is still on its way is not yet lost.
SEND_LEASE = timedelta(seconds=30)

# Built once.
_KEY: sa.BindParameter[str] = sa.bindparam("key")
# Locked and read anew, since a status may be moving the same rows at this moment.
_UNSETTLED_OF = (
    select(Message)
    .where(Message.conversation_id == _KEY, col(Message.state).in_(UNSETTLED))
    .order_by(col(Message.id))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_IDENTITY = table_of(ContactIdentity)
_NAMES_OF = sa.select(_IDENTITY.c.kind, _IDENTITY.c.value).where(_IDENTITY.c.contact_id == _KEY)


@dataclass(frozen=True)
class Sending:
    """A message whose POST may now be made: `state` is committed as `sending`.

    `body` is Meta's message object without recipient; `phone` (digits) or `user_id` names the recipient; `quote` is
    the wamid to be quoted; `callback_id` comes back in every status. `attempt` and `since` name this POST; `tries`
    counts how often it was put off under `error_code`.
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
    since: datetime
    tries: int
    error_code: int | None

    def tries_under(self, code: int | None) -> int:
        """How often this message was put off for the same reason in a row, this time included."""
        return self.tries + 1 if code == self.error_code else 1


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
    tx: Tx,
    conversation_id: ConversationId,
    *,
    now: datetime,
    margin: timedelta,
    unknown_wait: timedelta,
    listening_since: datetime,
) -> Sending | Rest:
    """The conversation's next message, marked `sending`, or that nothing may leave now.

    Messages of a conversation leave in order: one whose outcome is open holds those behind it. A status may settle it
    for `unknown_wait`, counted from `listening_since` at the earliest: while we were down Meta could tell us nothing.
    """
    conversation = await lock_conversation(tx, conversation_id)
    if conversation is None:
        return Rest(undone=False)
    rest = Rest(undone=conversation.undone_since is not None)
    waiting = await _unsettled(tx, conversation_id)
    for message in waiting:
        if message.state != State.QUEUED:
            fate = await _open_outcome(tx, message, now=now, unknown_wait=unknown_wait, listening_since=listening_since)
            if fate == "wait":
                await _wait_behind(tx, message, waiting)
                return rest
            if fate == "give_up":
                continue
        permission = _permission(message, conversation, now=now, margin=margin)
        if isinstance(permission, rules.Drop):
            await _drop(tx, message, permission.reason, now=now)
        elif message.state == State.QUEUED and message.due_at is not None and message.due_at > now:
            await _wait_behind(tx, message, waiting)
            return rest
        else:
            return await _begin(tx, message, conversation, now=now)
    return rest


async def due(tx: Tx, *, now: datetime, limit: int) -> list[ConversationId]:
    """Conversations with a message that must be looked at: queued, or with an outcome open for too long."""
    query = (
        select(Message.conversation_id)
        .where(col(Message.state).in_(UNSETTLED), col(Message.due_at) <= now)
        .group_by(col(Message.conversation_id))
        .order_by(sa.func.min(Message.due_at))
        .limit(limit)
    )
    return [ConversationId(row) for row in (await tx.execute(query)).scalars()]


async def _unsettled(tx: Tx, conversation_id: str) -> list[Message]:
    return list((await tx.execute(_UNSETTLED_OF, {"key": conversation_id})).scalars())


async def _wait_behind(tx: Tx, head: Message, waiting: list[Message]) -> None:
    """What stands behind a held message need not be looked at before it: the sweep has others to find."""
    for message in waiting[waiting.index(head) + 1 :]:
        if head.due_at is not None and (message.due_at is None or message.due_at < head.due_at):
            message.due_at = head.due_at
    await tx.flush()


async def _open_outcome(
    tx: Tx, message: Message, *, now: datetime, unknown_wait: timedelta, listening_since: datetime
) -> rules.UnknownFate:
    """Look at a message in `sending` or `unknown`: a crash left it, or a lost answer."""
    began = message.sending_since or message.created_at
    since = max(began, listening_since)
    if message.state == State.SENDING:
        if now < began + SEND_LEASE:
            return "wait"
        outcomes.lose(message, "the sender did not come back", since + unknown_wait)
    fate = rules.unknown_fate(since=since, now=now, wait=unknown_wait, losses=message.losses, kind=message.kind)
    if fate == "wait":
        message.due_at = since + unknown_wait
    elif fate == "give_up":
        await outcomes.fail_message(tx, message, why="no status came for this send", code=None, now=now)
    await tx.flush()
    return fate


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
        await outcomes.tell_human(tx, message, f"Not sent: {reason}.", now=now)


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
        since=now,
        tries=message.tries,
        error_code=message.error_code,
    )
