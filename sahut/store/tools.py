"""What tools leave behind: the journal of their calls, and tickets. Knows no tool and no conversation's text.

Both are bound to a call's key, so that a turn that runs twice finds what its first run did.
"""

from datetime import datetime

from sqlmodel import select

from sahut.ids import ConversationId
from sahut.models import Ticket, ToolCallRow
from sahut.store.database import Tx, insert_once
from sahut.turn import ToolCall


async def finished_call(tx: Tx, key: str) -> ToolCall | None:
    """The call that was done under `key`, with its result."""
    row = await tx.get(ToolCallRow, key)
    return None if row is None else _call(row)


async def record_call(tx: Tx, call: ToolCall, *, conversation_id: ConversationId, now: datetime) -> ToolCall:
    """Write a call into the journal; where one stands there already, that one is the truth and is returned."""
    row = ToolCallRow(
        key=call.key,
        conversation_id=conversation_id,
        name=call.name,
        arguments=call.arguments,
        state=call.state,
        result=call.result,
        created_at=now,
    )
    if await insert_once(tx, row):
        return call
    return await finished_call(tx, call.key) or call


async def open_ticket(tx: Tx, ticket: Ticket) -> Ticket | None:
    """Insert a ticket once for its `call_key`; the one that stands, or `None` where the reference is taken."""
    await insert_once(tx, ticket)
    query = select(Ticket).where(Ticket.call_key == ticket.call_key)
    return (await tx.execute(query)).scalar_one_or_none()


def _call(row: ToolCallRow) -> ToolCall:
    state = "done" if row.state == "done" else "failed"
    return ToolCall(name=row.name, arguments=row.arguments, state=state, key=row.key, result=row.result)
