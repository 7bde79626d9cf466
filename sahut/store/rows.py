"""The two rows that turns, sends and takeovers meet at: a conversation and a message, locked, read and changed.

Read as plain rows and changed by statements that are built once: on the way of a message the ORM's objects, their
identity map and its flushes cost more than the queries. Knows no rule.
"""

from collections.abc import Sequence
from typing import Any, cast

import sqlalchemy as sa

from sahut.models import UNSETTLED_SQL, ContactIdentity, Conversation, Message
from sahut.store.database import Tx, changed, table_of
from sahut.store.sending import Attempt

# A phone number, a user id and its parent's.
MOST_NAMES = 3
_KEY: sa.BindParameter[str] = sa.bindparam("key")
_CONVERSATION, _MESSAGE, _IDENTITY = table_of(Conversation), table_of(Message), table_of(ContactIdentity)
# What an outcome is judged by: of a wide row, fetching costs more than finding.
OUTCOME_COLUMNS = [
    _MESSAGE.c[name]
    for name in ("id", "conversation_id", "state", "wamid", "attempts", "losses", "purpose", "sending_since")
]


def _has_name(place: int) -> sa.ColumnElement[bool]:
    """The conversation's customer is called so: a name is one customer's at most."""
    named = (_IDENTITY.c.kind == sa.bindparam(f"kind_{place}"), _IDENTITY.c.value == sa.bindparam(f"value_{place}"))
    return _CONVERSATION.c.contact_id == sa.select(_IDENTITY.c.contact_id).where(*named).scalar_subquery()


_UPDATE_CONVERSATION = sa.update(_CONVERSATION).where(_CONVERSATION.c.id == _KEY)
_UPDATE_MESSAGE = sa.update(_MESSAGE).where(_MESSAGE.c.id == _KEY)
_CONVERSATIONS = sa.select(_CONVERSATION).with_for_update()
_LOCK_CONVERSATION = _CONVERSATIONS.where(_CONVERSATION.c.id == _KEY)
_LOCK_CONVERSATION_OF = _CONVERSATIONS.where(
    _CONVERSATION.c.number == sa.bindparam("number"), _CONVERSATION.c.contact_id == sa.bindparam("contact_id")
)
_LOCK_NAMED = _CONVERSATIONS.where(
    _CONVERSATION.c.number == sa.bindparam("number"), *(_has_name(place) for place in range(MOST_NAMES))
)
_LOCK_MESSAGE = sa.select(*OUTCOME_COLUMNS).where(_MESSAGE.c.id == _KEY).with_for_update()
_LOCK_UNSETTLED = (
    sa.select(_MESSAGE)
    .where(_MESSAGE.c.conversation_id == _KEY, UNSETTLED_SQL)
    .order_by(_MESSAGE.c.id)
    .with_for_update()
)


async def lock_conversation(tx: Tx, conversation_id: str) -> Conversation | None:
    """The conversation's row, locked until the transaction ends. To be read only; it stays as it was read."""
    found = (await tx.execute(_LOCK_CONVERSATION, {"key": conversation_id})).one_or_none()
    return cast("Conversation | None", found)


async def lock_conversation_of(tx: Tx, number: str, contact_id: str) -> Conversation | None:
    """As `lock_conversation`, by what is unique of it."""
    found = await tx.execute(_LOCK_CONVERSATION_OF, {"number": number, "contact_id": contact_id})
    return cast("Conversation | None", found.one_or_none())


async def lock_conversation_named(tx: Tx, number: str, names: Sequence[tuple[str, str]]) -> Conversation | None:
    """As `lock_conversation`, by the names (kind, value) of its customer, of whom each must be a name of theirs.

    At least one name and at most `MOST_NAMES`.
    """
    asked = {"number": number}
    for place in range(MOST_NAMES):
        kind, value = names[min(place, len(names) - 1)]
        asked |= {f"kind_{place}": kind, f"value_{place}": value}
    return cast("Conversation | None", (await tx.execute(_LOCK_NAMED, asked)).one_or_none())


async def update_conversation(tx: Tx, conversation_id: str, **changes: Any) -> None:
    """Set columns of one conversation. What was read of it before stays as it was."""
    await tx.execute(_UPDATE_CONVERSATION, {"key": conversation_id, **changes})
    changed(tx, conversation_id)


async def lock_message(tx: Tx, message_id: str) -> Message:
    """`OUTCOME_COLUMNS` of a message, locked until the transaction ends, after its conversation. To be read only."""
    return cast("Message", (await tx.execute(_LOCK_MESSAGE, {"key": message_id})).one())


async def lock_unsettled(tx: Tx, conversation_id: str) -> list[Message]:
    """The messages of a conversation that have not left for good, in order, locked. To be read only."""
    return cast("list[Message]", list(await tx.execute(_LOCK_UNSETTLED, {"key": conversation_id})))


async def update_message(tx: Tx, message: Message | Attempt, **changes: Any) -> None:
    """Set columns of one message. What was read of it before stays as it was."""
    await tx.execute(_UPDATE_MESSAGE, {"key": message.id, **changes})
    changed(tx, message.conversation_id)
