"""The outbox: what is to be sent, and which message may leave now. The one way out of the house.

There is no idempotency key on Meta's side, so `sending` is committed before the POST; what became of it is written
down by `outcomes`. Knows nothing of HTTP.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sahut import rules
from sahut.ids import ConversationId, MessageId, new_id
from sahut.models import (
    UNSETTLED_SQL,
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
from sahut.store.rows import lock_conversation, lock_unsettled, update_message
from sahut.store.sending import Rest, Sending

# Longer than the sender waits for a POST (`api.sender.POST_LIMIT_S`): one that is still on its way is not yet lost.
SEND_LEASE = timedelta(seconds=30)

# Built once.
_IDENTITY = table_of(ContactIdentity)
_NAMES_OF = sa.select(_IDENTITY.c.kind, _IDENTITY.c.value).where(_IDENTITY.c.contact_id == sa.bindparam("key"))
_MESSAGE = table_of(Message)
_WAIT_BEHIND = (
    sa.update(_MESSAGE)
    .where(
        _MESSAGE.c.conversation_id == sa.bindparam("conversation"),
        UNSETTLED_SQL,
        _MESSAGE.c.id > sa.bindparam("head"),
        sa.or_(_MESSAGE.c.due_at.is_(None), _MESSAGE.c.due_at < sa.bindparam("until")),
    )
    .values(due_at=sa.bindparam("until"))
)
_DUE = (
    sa.select(_MESSAGE.c.conversation_id)
    .where(UNSETTLED_SQL, _MESSAGE.c.due_at <= sa.bindparam("now"))
    .order_by(_MESSAGE.c.due_at)
    .limit(sa.bindparam("most"))
)


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
    waiting = await lock_unsettled(tx, conversation_id)
    for message in waiting:
        held_until = message.due_at
        if message.state != State.QUEUED:
            fate, held_until = await _open_outcome(
                tx, message, now=now, unknown_wait=unknown_wait, listening_since=listening_since
            )
            if fate == "give_up":
                continue
            if fate == "wait":
                await _wait_behind(tx, message, held_until)
                return rest
        permission = _permission(message, conversation, now=now, margin=margin)
        if isinstance(permission, rules.Drop):
            await _drop(tx, message, permission.reason, now=now)
        elif message.state == State.QUEUED and held_until is not None and held_until > now:
            await _wait_behind(tx, message, held_until)
            return rest
        else:
            return await _begin(tx, message, conversation, now=now)
    return rest


async def due(tx: Tx, *, now: datetime, limit: int) -> list[ConversationId]:
    """Conversations with a message that must be looked at: queued, or with an outcome open for too long."""
    rows = await tx.execute(_DUE, {"now": now, "most": limit})
    return [ConversationId(row) for row in dict.fromkeys(rows.scalars())]


async def _wait_behind(tx: Tx, head: Message, until: datetime | None) -> None:
    """What stands behind a held message need not be looked at before it: the sweep has others to find."""
    if until is not None:
        await tx.execute(_WAIT_BEHIND, {"conversation": head.conversation_id, "head": head.id, "until": until})


async def _open_outcome(
    tx: Tx, message: Message, *, now: datetime, unknown_wait: timedelta, listening_since: datetime
) -> tuple[rules.UnknownFate, datetime | None]:
    """Look at a message in `sending` or `unknown`: a crash left it, or a lost answer. Its fate, and until when."""
    began, losses = message.sending_since or message.created_at, message.losses
    until = max(began, listening_since) + unknown_wait
    if message.state == State.SENDING:
        if now < began + SEND_LEASE:
            return "wait", message.due_at
        losses += 1
        await outcomes.lose(tx, message, "the sender did not come back", until)
    fate = rules.unknown_fate(until=until, now=now, losses=losses, kind=message.kind)
    if fate == "wait":
        await update_message(tx, message, due_at=until)
    elif fate == "give_up":
        await outcomes.fail_message(tx, message, why="no status came for this send", code=None, now=now)
    return fate, until


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
    await update_message(tx, message, state=State.DROPPED, error=reason, due_at=None)
    if reason == rules.WINDOW_CLOSED:
        await outcomes.tell_human(tx, message, f"Not sent: {reason}.", now=now)


async def _begin(tx: Tx, message: Message, conversation: Conversation, *, now: datetime) -> Sending:
    attempt = message.attempts + 1
    await update_message(tx, message, state=State.SENDING, sending_since=now, attempts=attempt, due_at=now + SEND_LEASE)
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
        attempt=attempt,
        since=now,
        tries=message.tries,
        error_code=message.error_code,
    )
