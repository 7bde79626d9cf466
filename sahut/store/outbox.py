"""The outbox: what is to be sent, and which message may leave now. The one way out of the house.

There is no idempotency key on Meta's side, so `sending` is committed before the POST; what became of it is written
down by `outcomes`. Knows nothing of HTTP.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sahut import pacing, rules
from sahut.ids import ConversationId, MessageId, new_id
from sahut.models import (
    BULK,
    UNSETTLED_SQL,
    Author,
    ContactIdentity,
    Conversation,
    IdentityKind,
    Message,
    Purpose,
    State,
)
from sahut.store import media, numbers, outcomes, ratings
from sahut.store.database import Tx, table_of
from sahut.store.rows import lock_conversation, lock_unsettled, update_conversation, update_message
from sahut.store.sending import Rest, Sending, Step, Upload

# Longer than the sender waits for a POST (`api.sending.sender.POST_LIMIT_S`): one still on its way is not yet lost.
SEND_LEASE = timedelta(seconds=30)
# The same for an upload (`api.sending.sender.UPLOAD_LIMIT_S`), so that nobody else begins it meanwhile.
UPLOAD_LEASE = timedelta(seconds=150)

# What a message can be sent to.
_ADDRESSES = {IdentityKind.PHONE, IdentityKind.BSUID, IdentityKind.GROUP}

# Built once.
_IDENTITY = table_of(ContactIdentity)
# The newest name of a kind comes last and is the one that is taken.
_NAMES_OF = (
    sa.select(_IDENTITY.c.kind, _IDENTITY.c.value)
    .where(_IDENTITY.c.contact_id == sa.bindparam("key"))
    .order_by(_IDENTITY.c.id)
)
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


def _due(bulk: bool) -> sa.Select[Any]:
    """What must be looked at by `now`, of each number no more than may leave soon.

    Whoever looked at the others now would only find that they have to wait.
    """
    by_time = (_MESSAGE.c.due_at, _MESSAGE.c.id)
    place = sa.func.row_number().over(partition_by=_MESSAGE.c.number, order_by=by_time).label("place")
    found = (
        sa.select(_MESSAGE.c.conversation_id, _MESSAGE.c.number, _MESSAGE.c.state, *by_time, place)
        .where(UNSETTLED_SQL, _MESSAGE.c.bulk.is_(bulk), _MESSAGE.c.due_at <= sa.bindparam("now"))
        .subquery()
    )
    has_room = found.c.place <= numbers.room(found.c.number)
    return (
        sa.select(found.c.conversation_id)
        .where(sa.or_(found.c.state != State.QUEUED, has_room))
        .order_by(found.c.due_at, found.c.id)
        .limit(sa.bindparam("most"))
    )


# Two walks along one index: whatever somebody waits for comes before all that nobody does.
_DUE = {bulk: _due(bulk) for bulk in (False, True)}


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
        bulk=purpose in BULK,
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
    rate: pacing.Rate | None = None,
) -> Step:
    """The conversation's next message, marked `sending`, the file that must be uploaded for it, or that it may rest.

    Messages of a conversation leave in order: one whose outcome is open holds those behind it. A status may settle it
    for `unknown_wait`, counted from `listening_since` at the earliest: while we were down Meta could tell us nothing.
    `rate` is the pace of the number; claim last in a transaction, since all workers of the number wait for it.
    """
    conversation = await lock_conversation(tx, conversation_id)
    if conversation is None:
        return Rest(conversation_id, undone=False)
    undone = conversation.undone_since is not None
    for message in await lock_unsettled(tx, conversation_id):
        held_until = message.due_at
        if message.state != State.QUEUED:
            fate, held_until = await _open_outcome(
                tx, message, now=now, unknown_wait=unknown_wait, listening_since=listening_since
            )
            if fate == "give_up":
                continue
            if fate == "wait":
                await _wait_behind(tx, message, held_until)
                return Rest(conversation_id, undone)
        permission = await _permission(tx, message, conversation, now=now, margin=margin)
        if isinstance(permission, rules.Drop):
            await _drop(tx, message, permission.reason, now=now)
        elif message.state == State.QUEUED and held_until is not None and held_until > now:
            await _wait_behind(tx, message, held_until)
            return Rest(conversation_id, undone, until=held_until)
        else:
            step = await _begin(tx, message, conversation, now=now, rate=rate or pacing.Rate())
            if step is not None:
                return step
    return Rest(conversation_id, undone)


async def due(
    tx: Tx, *, now: datetime, limit: int, ahead: timedelta = timedelta(0), rate: pacing.Rate | None = None
) -> list[ConversationId]:
    """Conversations with a message that must be looked at: queued, or with an outcome open for too long.

    First those that somebody waits for, then the others, each in the order in which they fall due; what does so within
    `ahead` is found, too. `rate` is the pace of the numbers: of each only so many as may be given their moments now.
    """
    rows: list[str] = []
    for bulk, query in _DUE.items():
        pace = numbers.pace_facts(now, bulk=bulk, rate=rate or pacing.Rate())
        rows += (await tx.execute(query, {"now": now + ahead, "most": limit, **pace})).scalars()
    return [ConversationId(row) for row in dict.fromkeys(rows)][:limit]


async def look_now(tx: Tx, number: str, *, now: datetime) -> None:
    """Nothing of a number's queue waits for a later look: the number may send again."""
    queued = sa.and_(_MESSAGE.c.number == number, UNSETTLED_SQL, _MESSAGE.c.state == State.QUEUED)
    await tx.execute(sa.update(_MESSAGE).where(queued, _MESSAGE.c.due_at > now).values(due_at=now))


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


async def _permission(
    tx: Tx, message: Message, conversation: Conversation, *, now: datetime, margin: timedelta
) -> rules.Send | rules.Drop:
    closes = message.purpose == Purpose.CLOSING
    return rules.may_send(
        overtaken=closes and await ratings.overtaken(tx, message, conversation),
        standby=rules.is_standby(owned_at=conversation.owned_at, standby_at=conversation.standby_at),
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
    if message.purpose == Purpose.CLOSING and reason != rules.WINDOW_CLOSED:
        await ratings.take_back(tx, message)
    if reason == rules.WINDOW_CLOSED:
        await outcomes.tell_human(tx, message, f"Not sent: {reason}.", now=now)


async def _begin(
    tx: Tx, message: Message, conversation: Conversation, *, now: datetime, rate: pacing.Rate
) -> Sending | Upload | Rest | None:
    """Mark the message as being sent, or hold it for its pace or a pause.

    `None` where those behind it may go: its file may not be sent any more, or nobody waits for it and it must.
    """
    names = await _names_of(tx, conversation)
    if not names.keys() & _ADDRESSES:
        why = "WhatsApp gives this customer neither a phone number nor a user id any more"
        await outcomes.fail_message(tx, message, why=why, code=None, now=now)
        return None
    body = await media.settled(tx, message.number, message.body, now=now)
    if body is None and not await numbers.is_paused(tx, message.number):
        return await _upload(tx, message, now=now)
    pair = pacing.Pair(conversation.pair_began_at, conversation.pair_burst)
    rest = Rest(ConversationId(conversation.id), undone=conversation.undone_since is not None)
    free_at = pair.free_at(now)
    if free_at > now:
        await _hold(tx, message, free_at)
        return replace(rest, until=free_at)
    slot = await numbers.take_slot(tx, message.number, now=now, bulk=message.bulk, rate=rate)
    if body is None or isinstance(slot, numbers.NoSlot):
        await _hold(tx, message, slot.until if isinstance(slot, numbers.NoSlot) else now)
        return None if message.bulk else rest
    attempt = message.attempts + 1
    await update_message(tx, message, state=State.SENDING, sending_since=now, attempts=attempt, due_at=now + SEND_LEASE)
    await _note_sending(tx, message, conversation, pair.after(slot.at), now=now)
    # Newer messages came after the one this answers: quote it, so that the reply is not read as theirs.
    overtaken = message.answers != conversation.last_inbound_wamid
    return Sending(
        id=MessageId(message.id),
        conversation_id=ConversationId(conversation.id),
        number=message.number,
        body=body,
        file=media.local_hash(message.body),
        phone=names.get(IdentityKind.PHONE),
        user_id=names.get(IdentityKind.BSUID),
        group=names.get(IdentityKind.GROUP),
        quote=message.answers if overtaken else None,
        callback_id=message.callback_id or "",
        attempt=attempt,
        since=now,
        tries=message.tries,
        error_code=message.error_code,
        at=slot.at,
    )


async def _names_of(tx: Tx, conversation: Conversation) -> dict[str, str]:
    """What the customer can be reached by. Who has several names of a kind (two contacts were made one) wrote here by
    one of them last: their window is open there."""
    rows = list(await tx.execute(_NAMES_OF, {"key": conversation.contact_id}))
    names = {row.kind: row.value for row in rows}
    heard = [row for row in rows if row.value == conversation.heard_as]
    return {row.kind: row.value for row in heard} if heard and len(names) < len(rows) else names


async def _hold(tx: Tx, message: Message, until: datetime) -> None:
    """It stays queued until then, and what stands behind it with it; what nobody waits for stops nobody."""
    await update_message(tx, message, due_at=until)
    if not message.bulk:
        await _wait_behind(tx, message, until)


async def _note_sending(
    tx: Tx, message: Message, conversation: Conversation, pair: pacing.Pair, *, now: datetime
) -> None:
    changes: dict[str, Any] = {"pair_began_at": pair.began_at, "pair_burst": pair.burst}
    if message.purpose == Purpose.OPERATOR and not await ratings.is_closed(tx, conversation):
        changes["answered_at"] = now
    await update_conversation(tx, conversation.id, **changes)


async def _upload(tx: Tx, message: Message, *, now: datetime) -> Upload | None:
    digest = media.local_hash(message.body) or ""
    file = await media.sendable(tx, digest)
    if file is None:
        why = "its file is no longer among those that may be sent"
        await outcomes.fail_message(tx, message, why=why, code=None, now=now)
        return None
    await update_message(tx, message, due_at=now + UPLOAD_LEASE)
    return Upload(
        id=MessageId(message.id),
        conversation_id=ConversationId(message.conversation_id),
        number=message.number,
        attempt=message.attempts,
        since=now,
        tries=message.tries,
        error_code=message.error_code,
        hash=digest,
        media_type=file.media_type,
        root=file.root,
        path=file.path,
    )


async def uploaded(tx: Tx, upload: Upload, media_id: str, *, now: datetime) -> None:
    """Meta has the file: whatever carries it may leave."""
    await media.keep_upload(tx, upload.number, upload.hash, media_id, now=now)
    await update_message(tx, upload, due_at=now)
