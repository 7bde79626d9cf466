"""Freezing what the assistant may know of a conversation into a `Turn`. Changes nothing."""

from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from sahut import rules
from sahut.ids import ContactId, ConversationId, MessageId, TurnId, new_id
from sahut.models import (
    Author,
    ConfirmationRow,
    ConfirmationState,
    Contact,
    Conversation,
    Message,
    State,
)
from sahut.store import files, forms, memory, promises, proofs
from sahut.store.database import Tx, table_of
from sahut.toolcall import Confirmation
from sahut.turn import HISTORY_LINES, Guidance, Incoming, Line, Turn

# Of what a customer wrote to a person, the newest so many are looked at.
MOST_OVERHEARD = 200

# Built once.
_MESSAGE, _CONTACT_TABLE, _CONFIRMATION = table_of(Message), table_of(Contact), table_of(ConfirmationRow)
_OF: sa.BindParameter[str] = sa.bindparam("conversation")
_SHOWN = ("id", "kind", "text", "wamid", "author", "sent_at", "choice")
_LINES = sa.select(*(_MESSAGE.c[name] for name in _SHOWN)).where(_MESSAGE.c.conversation_id == _OF)
_BURST = (
    _LINES.add_columns(_MESSAGE.c.body)
    .where(_MESSAGE.c.state == State.RECEIVED, _MESSAGE.c.done_at.is_(None))
    .order_by(_MESSAGE.c.sent_at, _MESSAGE.c.id)
)
_READABLE = sa.and_(
    _MESSAGE.c.state.not_in([State.DROPPED, State.FAILED]),
    _MESSAGE.c.text != "",
    _MESSAGE.c.kind.not_in(rules.SILENT_KINDS),
)
_HISTORY = (
    _LINES.add_columns(_MESSAGE.c.turn_id).where(_READABLE).order_by(_MESSAGE.c.id.desc()).limit(sa.bindparam("most"))
)
# What the customer wrote after the assistant's last reply, where the history does not reach back to it.
_LAST_REPLY = (
    sa.select(sa.func.coalesce(sa.func.max(_MESSAGE.c.id), ""))
    .where(_MESSAGE.c.conversation_id == _OF, _MESSAGE.c.turn_id.is_not(None))
    .scalar_subquery()
)
_SINCE_REPLY = (
    _LINES.where(_READABLE, _MESSAGE.c.author == Author.CONTACT, _MESSAGE.c.id > _LAST_REPLY)
    .order_by(_MESSAGE.c.id.desc())
    .limit(MOST_OVERHEARD)
)
_WAITING = sa.and_(
    _CONFIRMATION.c.conversation_id == _OF,
    _CONFIRMATION.c.state == ConfirmationState.WAITING,
    _CONFIRMATION.c.confirms == "customer",
    _CONFIRMATION.c.expires_at > sa.bindparam("now"),
)
_CONTACT = (
    sa.select(
        _CONTACT_TABLE.c.name,
        _CONTACT_TABLE.c.number_changed_at,
        _CONTACT_TABLE.c.review,
        _CONFIRMATION.c.id,
        _CONFIRMATION.c.tool,
        _CONFIRMATION.c.arguments,
        _CONFIRMATION.c.digest,
    )
    .select_from(_CONTACT_TABLE)
    .outerjoin(_CONFIRMATION, _WAITING)
    .where(_CONTACT_TABLE.c.id == sa.bindparam("contact"))
)


async def freeze(tx: Tx, conversation: Conversation, *, now: datetime, guidance: Guidance) -> Turn:
    """The turn over every message that waits for an answer, with what was said before and a question left open."""
    burst = (await tx.execute(_BURST, {"conversation": conversation.id})).all()
    attached = await files.read_in(tx, [row.id for row in burst if row.kind == "document"])
    contact_name, confirmation, since = await _contact(tx, conversation, now)
    history, overheard = await _history(tx, conversation.id, {row.id for row in burst}, since)
    window = rules.Window(conversation.window_opened_at, conversation.window_closed_at)
    return Turn(
        id=TurnId(new_id()),
        conversation_id=ConversationId(conversation.id),
        contact_id=ContactId(conversation.contact_id),
        contact_name=contact_name,
        language=conversation.language,
        history=history,
        burst=tuple(
            Incoming(
                id=MessageId(row.id),
                kind=row.kind,
                text=row.text,
                wamid=row.wamid,
                attached=attached.get(row.id, ""),
                choice=row.choice,
                forwarded=_forwarded(row.body),
                filename=_filename(row.body),
            )
            for row in burst
        ),
        confirmation=confirmation,
        filling=await forms.open_filling(tx, conversation.id, now=now, since=since),
        now=now,
        window_closes_at=window.closes_at,
        cleared=conversation.cleared_version == conversation.inbox_version,
        rated=conversation.comment_until is not None and conversation.comment_until > now,
        promises=await promises.open_in(tx, conversation.id),
        known=await memory.known(tx, conversation.contact_id, since=since),
        earlier=await memory.earlier(tx, conversation.id) if since is None and len(history) == HISTORY_LINES else "",
        overheard=overheard,
        identity=await proofs.level_of(tx, conversation.contact_id, now=now),
        guidance=guidance,
    )


def _forwarded(body: dict[str, Any]) -> Literal["", "once", "often"]:
    """What WhatsApp tells of a message's way here."""
    context = body.get("context")
    told = context if isinstance(context, dict) else {}
    if told.get("frequently_forwarded") is True:
        return "often"
    return "once" if told.get("forwarded") is True else ""


def _filename(body: dict[str, Any]) -> str:
    """What the sender called the file; never a path for us."""
    document = body.get("document")
    return str(document.get("filename") or "") if isinstance(document, dict) else ""


async def _history(
    tx: Tx, conversation_id: str, burst: set[str], since: datetime | None
) -> tuple[tuple[Line, ...], tuple[Incoming, ...]]:
    """What was said before, and what of it the customer wrote to a person since the assistant's last reply.

    Where the number may have passed to a stranger, nothing from before it did.
    """
    wanted = {"conversation": conversation_id, "most": HISTORY_LINES + len(burst)}
    rows = [row for row in await tx.execute(_HISTORY, wanted) if row.id not in burst and _is_since(row, since)]
    replied = next((at for at, row in enumerate(rows) if row.turn_id is not None), None)
    told = rows[:replied]
    if replied is None and len(rows) >= HISTORY_LINES:
        older = await tx.execute(_SINCE_REPLY, {"conversation": conversation_id})
        told = [row for row in older if row.id not in burst and _is_since(row, since)]
    lines = tuple(
        Line(
            role="user" if row.author == Author.CONTACT else "assistant",
            content=row.text,
            author=row.author,
        )
        for row in reversed(rows[:HISTORY_LINES])
    )
    overheard = tuple(
        Incoming(id=MessageId(row.id), kind=row.kind, text=row.text)
        for row in reversed(told)
        if row.author == Author.CONTACT
    )
    return lines, overheard


def _is_since(row: Any, since: datetime | None) -> bool:
    return since is None or row.sent_at >= since


async def _contact(
    tx: Tx, conversation: Conversation, now: datetime
) -> tuple[str, Confirmation | None, datetime | None]:
    """The contact's name, the question that waits for their yes, and since when it may be somebody else."""
    wanted = {"contact": conversation.contact_id, "conversation": conversation.id, "now": now}
    name, changed_at, review, key, tool, arguments, digest = (await tx.execute(_CONTACT, wanted)).one()
    # Where names clash, nobody knows who of the two said what before.
    since = now if review else changed_at
    if key is None or since is not None:
        return name, None, since
    return name, Confirmation(id=key, tool=tool, arguments=arguments, digest=digest), since
