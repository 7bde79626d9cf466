"""Who locks what first: two who meet on PostgreSQL wait for each other in one order, and never both at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from api.webhook import _in_lock_order
from sahut.errors import Conflict
from sahut.events import Delivery, Inbound
from sahut.ids import ContactId, ConversationId
from sahut.models import Author, Contact, Conversation, InboundFile, Message, Purpose, Role, State
from sahut.rules import Actor
from sahut.store import Store, Tx, erasure, files, inbox, merging, outbox, outcomes, people, rows
from sahut.testing.clock import START
from tests.databases import Templates
from tests.sahut.test_outcomes import RULES

NUMBER, BRANCH = "106500000000001", "106500000000002"
BUDI = Actor(id="budi", name="budi", role=Role.ADMIN)
_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
Act = Callable[[Tx], Awaitable[object]]


@pytest.fixture
async def store(templates: Templates, postgres_server: str) -> AsyncIterator[Store]:
    store = Store(templates.postgres())
    yield store
    await store.close()


async def meet(store: Store, first: Act, second: Act, last: Act) -> None:
    """One does `first` and `last` in a transaction; `second` is done in another, begun between them, that waits."""
    async with asyncio.timeout(20):
        async with store.transaction() as tx:
            await first(tx)
            other = asyncio.create_task(_does(store, second))
            async with store.reading() as look:
                while not await look.scalar(sa.text(_WAITS)) and not other.done():
                    await asyncio.sleep(0.01)
            await last(tx)
        await other


async def _does(store: Store, act: Act) -> None:
    async with store.transaction() as tx:
        await act(tx)


def says(phone: str, number: str = NUMBER) -> Inbound:
    return Inbound(number=number, wamid=f"in-{phone}-{number}", phone=phone, text="hi", sent_at=START, body={})


async def written(store: Store, phone: str) -> tuple[ConversationId, str]:
    """A thread, and whose it is."""
    async with store.transaction() as tx:
        key = (await inbox.receive(tx, says(phone), now=START, wait=None)).conversation_id
        thread = await rows.lock_conversation(tx, key)
        assert thread is not None
        return key, thread.contact_id


async def test_a_turn_that_is_recorded_meets_a_merger(store: Store):
    (thread, ani), (_, again) = await written(store, "62811"), await written(store, "62812")
    await meet(
        store,
        lambda tx: rows.lock_conversation(tx, thread),
        lambda tx: merging.merge(tx, again, ani, actor=BUDI, now=START),
        lambda tx: people.opt_out(tx, ContactId(ani), now=START),
    )
    async with store.reading() as tx:
        (left,) = (await tx.execute(select(Contact))).scalars()
    assert (left.id, left.opted_out_at) == (again, START)


@pytest.mark.parametrize("act", ["erase", "merge"])
async def test_who_writes_to_another_number_at_that_moment_is_neither_erased_nor_merged(store: Store, act: str):
    (_, ani), (_, again) = await written(store, "62811"), await written(store, "62812")

    async def acts(tx: Tx) -> None:
        if act == "erase":
            await erasure.erase(tx, ani, actor=BUDI, now=START)
        else:
            await merging.merge(tx, again, ani, actor=BUDI, now=START)

    with pytest.raises(Conflict, match="at this very moment"):
        await meet(store, lambda tx: inbox.receive(tx, says("62811", BRANCH), now=START, wait=None), acts, _nothing)
    async with store.reading() as tx:
        assert len((await tx.execute(select(Conversation.id))).all()) == 3


async def _nothing(tx: Tx) -> None: ...


async def test_a_retention_passes_by_what_somebody_is_at(store: Store):
    """An erasure takes one file after the other: a retention that waited for one of them would hold another."""
    thread, _ = await written(store, "62811")
    async with store.transaction() as tx:
        (message,) = (await tx.execute(select(Message))).scalars()
        tx.add(
            InboundFile(message_id=message.id, conversation_id=thread, number=NUMBER, state="kept", created_at=START)
        )
    late = START + timedelta(days=1)

    async def forgets() -> int:
        async with store.transaction() as tx:
            return await files.forget(tx, before=late, error="", limit=10)

    async with asyncio.timeout(20):
        async with store.transaction() as tx:
            await tx.execute(sa.update(InboundFile).values(error="looked at"))
            assert await forgets() == 0
        assert await forgets() == 1


async def test_statuses_of_one_thread_meet_its_sender(store: Store):
    thread, _ = await written(store, "62811")
    async with store.transaction() as tx:
        conversation = await rows.lock_conversation(tx, thread)
        assert conversation is not None
        for wamid, state in (("a", State.SENDING), ("b", State.SENT)):
            facts = {"author": Author.ASSISTANT, "purpose": Purpose.REPLY, "now": START}
            message = outbox.draft(conversation, text="answer", body={"type": "text"}, **facts)
            message.wamid, message.state, message.sending_since = wamid, state, START
            tx.add(message)
    events = [
        Delivery(number=NUMBER, wamid=wamid, state=state, at=START) for wamid, state in (("a", "sent"), ("b", "failed"))
    ]
    first, last = _in_lock_order(events)
    await meet(
        store,
        lambda tx: outcomes.settle(tx, first, now=START, window_closed=False),
        lambda tx: outbox.claim(tx, thread, now=START, **RULES),
        lambda tx: outcomes.settle(tx, last, now=START, window_closed=False),
    )
    async with store.reading() as tx:
        states = (await tx.execute(select(Message.state).where(Message.author == Author.ASSISTANT))).scalars().all()
    assert sorted(states) == ["failed", "sent"]


def test_a_groups_thread_is_locked_by_the_groups_name_whoever_wrote_there():
    ani, bela = (says(phone).model_copy(update={"group": group}) for phone, group in (("62811", "g2"), ("62812", "g1")))
    assert [event.group for event in _in_lock_order([ani, bela])] == ["g1", "g2"]
