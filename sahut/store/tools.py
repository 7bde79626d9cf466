"""The journal of tools' calls: begun before the act, closed after it. Knows no tool and no conversation's text.

An entry is bound to its call's key, so that a turn that runs twice finds what its first run did.
"""

from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlmodel import col, select

from sahut.authority import DAY
from sahut.ids import ContactId, ConversationId
from sahut.models import Contact, Conversation, ToolCallRow
from sahut.store import promises
from sahut.store.database import Tx, insert_once
from sahut.toolcall import ToolCall

BEGUN = "begun"
# What parts a key of a call that nobody confirmed: before it the burst, behind it the call.
BURST_END = "."
# `new`: this run begins it. `again`: an earlier run began it and nobody knows how far it came. `over`: one too many.
Beginning = Literal["new", "again", "over"]


async def finished_call(tx: Tx, key: str) -> ToolCall | None:
    """The call that came to an end under `key`, with its result."""
    row = await tx.get(ToolCallRow, key)
    if row is None or row.state == BEGUN:
        return None
    return _call(row).model_copy(update={"promise": await promises.of_call(tx, key)})


async def of_burst(tx: Tx, call: ToolCall, conversation_id: ConversationId) -> list[ToolCall]:
    """The calls of the tool over the same burst, by their keys' common beginning, in their order."""
    beginning = f"{call.key.partition(BURST_END)[0]}{BURST_END}"
    query = (
        select(ToolCallRow)
        .where(
            ToolCallRow.conversation_id == conversation_id,
            ToolCallRow.name == call.name,
            col(ToolCallRow.key).startswith(beginning, autoescape=True),
        )
        .order_by(col(ToolCallRow.created_at), col(ToolCallRow.key))
    )
    return [_call(row) for row in (await tx.execute(query)).scalars()]


async def today(tx: Tx, contact_id: ContactId, call: ToolCall, *, now: datetime) -> int:
    """How often the tool was called for the contact within 24 hours, beside this call, whatever became of it."""
    query = (
        select(sa.func.count())
        .select_from(ToolCallRow)
        .join(Conversation, col(Conversation.id) == col(ToolCallRow.conversation_id))
        .where(
            Conversation.contact_id == contact_id,
            ToolCallRow.name == call.name,
            ToolCallRow.key != call.key,
            col(ToolCallRow.created_at) > now - DAY,
        )
    )
    return int((await tx.execute(query)).scalar_one())


async def begin_call(
    tx: Tx,
    call: ToolCall,
    *,
    contact_id: ContactId,
    conversation_id: ConversationId,
    per_day: int | None,
    now: datetime,
) -> Beginning:
    """Write down that the call is about to happen, while the contact has calls left.

    Two calls for one contact meet at its row, so that together they are not one too many.
    """
    await tx.execute(select(Contact.id).where(Contact.id == contact_id).with_for_update())
    if await tx.get(ToolCallRow, call.key) is not None:
        return "again"
    if per_day is not None and await today(tx, contact_id, call, now=now) >= per_day:
        return "over"
    begun = _row(call, BEGUN, conversation_id, now)
    return "new" if await insert_once(tx, begun) else "again"


async def end_call(tx: Tx, call: ToolCall, *, conversation_id: ConversationId, now: datetime) -> ToolCall:
    """Write what came of a call; where another run has done so already, that is the truth and is returned.

    What the call promises is written with it.
    """
    mine = sa.update(ToolCallRow).where(col(ToolCallRow.key) == call.key, col(ToolCallRow.state) == BEGUN)
    ended = await tx.execute(mine.values(state=call.state, result=call.result).returning(col(ToolCallRow.key)))
    if ended.scalar_one_or_none() is not None or await insert_once(tx, _row(call, call.state, conversation_id, now)):
        await promises.by_tool(tx, call, conversation_id=conversation_id, now=now)
        return call
    return await finished_call(tx, call.key) or call


async def undo_beginning(tx: Tx, key: str) -> None:
    """The call failed, and its tool can bear to be called again under the same key: the next run begins afresh."""
    await tx.execute(sa.delete(ToolCallRow).where(col(ToolCallRow.key) == key, col(ToolCallRow.state) == BEGUN))


def _row(call: ToolCall, state: str, conversation_id: ConversationId, now: datetime) -> ToolCallRow:
    return ToolCallRow(
        key=call.key,
        conversation_id=conversation_id,
        name=call.name,
        arguments=call.arguments,
        state=state,
        result=call.result,
        created_at=now,
    )


def _call(row: ToolCallRow) -> ToolCall:
    state = "done" if row.state == "done" else "failed"
    return ToolCall(name=row.name, arguments=row.arguments, state=state, key=row.key, result=row.result)
