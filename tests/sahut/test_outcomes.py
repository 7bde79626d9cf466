"""What became of a send, on both databases: each outcome belongs to its POST, and statuses come when they like."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from sahut.events import Delivery, Inbound
from sahut.models import Author, Conversation, Handoff, Message, Purpose, Role, State, Status
from sahut.rules import Actor, Window
from sahut.store import Store, handoffs, inbox, outbox, outcomes, rows, turns
from sahut.store.sending import Rest, Sending
from sahut.testing.clock import START

NUMBER = "106500000000001"
MINUTE = timedelta(minutes=1)
ANI = Actor(id="ani", name="ani", role=Role.OPERATOR)
RULES = {"margin": MINUTE, "unknown_wait": MINUTE, "listening_since": START}


@pytest.fixture
async def store(blank_url: str) -> AsyncIterator[Store]:
    store = Store(blank_url)
    yield store
    await store.close()


async def written(store: Store, wamid: str = "in", at: datetime = START, phone: str = "62811") -> str:
    inbound = Inbound(number=NUMBER, wamid=wamid, phone=phone, text="hi", sent_at=at, body={})
    async with store.transaction() as tx:
        return (await inbox.receive(tx, inbound, now=at, wait=inbox.Wait())).conversation_id


async def queue(store: Store, conversation_id: str, *, now: datetime = START) -> None:
    async with store.transaction() as tx:
        conversation = await rows.lock_conversation(tx, conversation_id)
        body = {"type": "text", "text": {"body": "answer"}}
        facts = {"author": Author.ASSISTANT, "purpose": Purpose.REPLY, "now": now, "answers": "in"}
        tx.add(outbox.draft(conversation, text="answer", body=body, **facts))


async def claim(store: Store, conversation_id: str, now: datetime = START) -> Sending | Rest:
    async with store.transaction() as tx:
        return await outbox.claim(tx, conversation_id, now=now, **RULES)


async def all_of(store: Store, kind):
    async with store.reading() as tx:
        return list((await tx.execute(select(kind).order_by(kind.id))).scalars())


async def outgoing(store: Store) -> Message:
    return next(row for row in await all_of(store, Message) if row.author == Author.ASSISTANT)


def status(sending: Sending, state: str, at: datetime, **more) -> Delivery:
    return Delivery(number=NUMBER, wamid="out", state=state, at=at, callback_id=sending.callback_id, **more)


async def test_a_status_that_comes_while_a_claim_looks_is_not_overwritten(store: Store):
    conversation_id = await written(store)
    await queue(store, conversation_id)
    sending = await claim(store, conversation_id)
    async with store.transaction() as tx:
        await outcomes.lost(tx, sending, why="lost", unknown_wait=MINUTE)
    later, settled, go_on = START + 2 * MINUTE, asyncio.Event(), asyncio.Event()

    async def webhook() -> None:
        async with store.transaction() as tx:
            await outcomes.settle(tx, status(sending, "delivered", later), now=later, window_closed=False)
            settled.set()
            await go_on.wait()

    bringing = asyncio.create_task(webhook())
    await settled.wait()
    looking = asyncio.create_task(claim(store, conversation_id, later))
    await asyncio.sleep(0.05)
    go_on.set()
    await bringing

    assert isinstance(await looking, Rest)
    message = await outgoing(store)
    assert (message.state, message.attempts) == (State.DELIVERED, 1)


async def test_a_late_answer_of_the_first_post_does_not_touch_the_second(store: Store):
    conversation_id = await written(store)
    await queue(store, conversation_id)
    first = await claim(store, conversation_id)
    second = await claim(store, conversation_id, START + 2 * MINUTE)
    assert isinstance(second, Sending)
    async with store.transaction() as tx:
        await outcomes.put_off(tx, first, at=START, why="late", code=None)
        await outcomes.lost(tx, first, why="late", unknown_wait=MINUTE)
        await outcomes.refused(tx, first, why="late", code=100, window_closed=False, now=START)
    message = await outgoing(store)
    assert (message.state, message.attempts) == (State.SENDING, 2)


async def test_a_house_that_was_down_listens_before_it_sends_again(store: Store):
    conversation_id = await written(store)
    await queue(store, conversation_id)
    await claim(store, conversation_id)
    up_again = START + 10 * MINUTE
    for now, kind in ((up_again + MINUTE / 2, Rest), (up_again + MINUTE, Sending)):
        async with store.transaction() as tx:
            found = await outbox.claim(tx, conversation_id, now=now, **{**RULES, "listening_since": up_again})
        assert isinstance(found, kind)


async def test_a_refusal_does_not_overrule_a_delivery(store: Store):
    conversation_id = await written(store)
    await queue(store, conversation_id)
    sending = await claim(store, conversation_id)
    async with store.transaction() as tx:
        await outcomes.settle(tx, status(sending, "delivered", START), now=START, window_closed=False)
        await outcomes.refused(tx, sending, why="no", code=100, window_closed=False, now=START)
    assert (await outgoing(store)).state == State.DELIVERED
    assert await all_of(store, Handoff) == []


@pytest.mark.parametrize("told", [START, START + MINUTE, START + 20 * MINUTE])
async def test_a_late_131047_closes_the_window_of_its_own_post(store: Store, told: datetime):
    """The customer wrote after the POST: whatever moment Meta gives the failure, the window that they opened stays."""
    conversation_id = await written(store)
    await queue(store, conversation_id)
    sending = await claim(store, conversation_id)
    again = START + 10 * MINUTE
    await written(store, "in2", again)
    failed = status(sending, "failed", told, error_code=131047, error="closed")
    async with store.transaction() as tx:
        await outcomes.settle(tx, failed, now=again + MINUTE, window_closed=True)
    (conversation,) = await all_of(store, Conversation)
    assert conversation.window_closed_at == START
    assert Window(conversation.window_opened_at, conversation.window_closed_at).is_open(again + MINUTE)


async def test_the_reason_of_a_failure_outlives_the_answer_to_its_post(store: Store):
    conversation_id = await written(store)
    await queue(store, conversation_id)
    sending = await claim(store, conversation_id)
    failed = status(sending, "failed", START, error_code=131026, error="not there")
    async with store.transaction() as tx:
        await outcomes.settle(tx, failed, now=START, window_closed=False)
        await outcomes.sent(tx, sending, "out", now=START)
    message = await outgoing(store)
    assert (message.state, message.error_code, message.error) == (State.FAILED, 131026, "not there")


async def test_a_failure_that_came_before_the_answer_is_told_to_a_human(store: Store):
    conversation_id = await written(store)
    await queue(store, conversation_id)
    sending = await claim(store, conversation_id)
    stray = Delivery(number=NUMBER, wamid="out", state="failed", at=START, error_code=131026, error="not there")
    async with store.transaction() as tx:
        assert await outcomes.settle(tx, stray, now=START, window_closed=False) is None
        await outcomes.sent(tx, sending, "out", now=START)
    message = await outgoing(store)
    assert (message.state, message.error_code) == (State.FAILED, 131026)
    (handoff,) = await all_of(store, Handoff)
    assert "not there" in handoff.summary


async def test_a_status_never_touches_a_customers_message(store: Store):
    await written(store)
    odd = Delivery(number=NUMBER, wamid="in", state="read", at=START)
    async with store.transaction() as tx:
        assert await outcomes.settle(tx, odd, now=START, window_closed=False) is None
    (message,) = await all_of(store, Message)
    assert message.state == State.RECEIVED


async def test_tries_are_counted_for_each_reason(store: Store):
    conversation_id = await written(store)
    await queue(store, conversation_id)
    for tries, code in ((1, 190), (2, 190), (1, 130429)):
        sending = await claim(store, conversation_id)
        assert sending.tries_under(code) == tries
        async with store.transaction() as tx:
            await outcomes.put_off(tx, sending, at=START, why="later", code=code)


async def test_a_failure_does_not_disturb_what_a_human_has_settled(store: Store):
    conversation_id = await written(store)
    await queue(store, conversation_id)
    sending = await claim(store, conversation_id)
    async with store.transaction() as tx:
        await handoffs.mark_spam(tx, conversation_id, actor=ANI, now=START)
        failed = status(sending, "failed", START, error_code=131026)
        await outcomes.settle(tx, failed, now=START, window_closed=False)
    (conversation,) = await all_of(store, Conversation)
    assert conversation.status == Status.SPAM
    assert await all_of(store, Handoff) == []


async def test_what_waits_behind_a_held_message_does_not_hide_others_from_the_sweep(store: Store):
    conversation_id = await written(store)
    await queue(store, conversation_id)
    await queue(store, conversation_id)
    sending = await claim(store, conversation_id)
    async with store.transaction() as tx:
        await outcomes.put_off(tx, sending, at=START + 60 * MINUTE, why="later", code=80007)
    assert isinstance(await claim(store, conversation_id), Rest)
    async with store.reading() as tx:
        assert await outbox.due(tx, now=START + MINUTE, limit=10) == []


async def test_not_spam_takes_up_only_what_was_not_answered(store: Store):
    conversation_id = await written(store)
    await queue(store, conversation_id)
    async with store.transaction() as tx:
        await turns.finish_burst(tx, conversation_id, now=START)
        await handoffs.mark_spam(tx, conversation_id, actor=ANI, now=START)
        await handoffs.mark_not_spam(tx, conversation_id, actor=ANI, now=START)
    (conversation,) = await all_of(store, Conversation)
    assert (conversation.status, conversation.undone_since) == (Status.OPEN, None)
