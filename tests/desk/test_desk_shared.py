"""What all open pages look at together: who holds what, what is unread, what happened before; on both databases."""

from sahut.models import AuditEntry, Holder, Operator
from sahut.store import Store, desk
from sahut.testing.clock import START
from tests.desk.test_desk_queries import asked, budi, conversation, operator, said, store, write

__all__ = ["budi", "store"]


async def test_who_holds_what(store: Store, budi: Operator):
    held = await conversation(store, "held", holder=Holder.OPERATOR, held_by=budi.id, held_by_name="budi")
    free = await conversation(store, "free")
    async with store.reading() as tx:
        assert await desk.holders(tx, frozenset([held.id, free.id, "no such"])) == {held.id: budi.id}


async def test_what_is_unread_is_each_operators_own(store: Store, budi: Operator):
    citra, row = await operator(store, "citra@example.com"), await conversation(store)
    first, second = said(row, "one"), said(row, "two")
    await write(store, first, second)
    async with store.transaction() as tx:
        await desk.mark_seen(tx, budi.id, row.id, first.id)
    async with store.reading() as tx:
        assert await desk.unread(tx, budi.id, [row.id]) == {row.id: 1}
        assert await desk.unread(tx, citra.id, [row.id, "no such"]) == {row.id: 2}
        assert await desk.unread(tx, budi.id, []) == {}


async def test_the_past_is_told_newest_first(store: Store):
    row, other = await conversation(store), await conversation(store, "other")
    await write(store, asked(row, state="returned", note="first"), asked(other))
    await write(store, asked(row, note="second"))
    for action in ("take_over", "return"):
        await write(store, AuditEntry(at=START, actor="budi", action=action, conversation_id=row.id))
    async with store.reading() as tx:
        past = await desk.past(tx, row.id)
        nothing = await desk.past(tx, "no such")
    assert [handoff.note for handoff in past.handoffs] == ["second", "first"]
    assert [entry.action for entry in past.audit] == ["return", "take_over"]
    assert (list(nothing.handoffs), list(nothing.audit)) == ([], [])
