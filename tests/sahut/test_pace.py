"""Two workers with a backlog: nothing too fast in any window of the double's log, next to nothing left unused."""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from api.metrics import Metrics
from api.sending.sender import PATIENCE, Sender
from api.simulator.graph import NUMBER, TOKEN, GraphDouble
from api.simulator.rules import Rules
from api.whatsapp.client import GraphClient
from sahut.events import Inbound
from sahut.ids import ConversationId
from sahut.models import Author, Conversation, Purpose
from sahut.pacing import HORIZON, Rate
from sahut.shelf import Shelf
from sahut.store import Store, inbox, numbers, outbox, rows
from sahut.testing.clock import START, VirtualClock
from tests.databases import Templates

ALLOWED = 20
SECOND = timedelta(seconds=1)
FIRST = """
    INSERT INTO phone_number (number, free_at_us, paused_why, paused_by, created_at)
    VALUES (%(number)s, 0, '', '', %(at)s) ON CONFLICT DO NOTHING
"""


class Yard:
    """Two senders over one database, each with connections of its own, and a sweep that finds what is due."""

    def __init__(self, url: str, home: Path, rules: Rules) -> None:
        self.clock = VirtualClock()
        self.double = GraphDouble(clock=self.clock, rules=rules, seed=1)
        self.stores = [Store(url), Store(url)]
        self.channel = GraphClient(url="http://g", version="v26.0", token=TOKEN, transport=self.double.transport())
        self.senders = [
            Sender(
                store=store,
                channel=self.channel,
                clock=self.clock,
                metrics=Metrics(),
                margin=timedelta(minutes=1),
                unknown_wait=timedelta(minutes=1),
                listening_since=START,
                shelf=Shelf(home),
                rate=Rate(rules.messages_per_s or 80),
            )
            for store in self.stores
        ]
        self._at_work: dict[str, asyncio.Task[bool]] = {}

    async def queue(self, phone: str, count: int, purpose: Purpose = Purpose.REPLY) -> str:
        inbound = Inbound(number=NUMBER, wamid=f"in-{phone}", phone=phone, text="hi", sent_at=START, body={})
        body = {"type": "text", "text": {"body": purpose}}
        async with self.stores[0].transaction() as tx:
            received = await inbox.receive(tx, inbound, now=self.clock.now(), wait=inbox.Wait())
            conversation = await rows.lock_conversation(tx, received.conversation_id)
            assert conversation is not None
            facts = {"author": Author.ASSISTANT, "purpose": purpose, "now": self.clock.now()}
            tx.add_all(outbox.draft(conversation, text="a", body=body, **facts) for _ in range(count))
        return received.conversation_id

    async def work(self, seconds: float) -> None:
        """Both workers sweep once a second, out of step, and deliver what they find."""
        end = self.clock.now() + timedelta(seconds=seconds)
        turn = 0
        while self.clock.now() < end:
            await self.sweep(turn % 2)
            turn += 1
            step = self.clock.now() + SECOND / 2
            while self.clock.now() < step:
                await self.rest()
                soon = min(self.clock.next_due or step, step)
                self.clock.advance(max(0.0, (soon - self.clock.now()).total_seconds()))
        await self.rest()

    async def looks(self, worker: int = 0) -> list[ConversationId]:
        """The conversations that a worker finds due."""
        async with self.stores[worker].reading() as tx:
            return await outbox.due(tx, now=self.clock.now(), ahead=PATIENCE, limit=200, rate=self.senders[worker].rate)

    async def sweep(self, worker: int) -> None:
        """Deliver what a worker finds."""
        for key in await self.looks(worker):
            if key not in self._at_work or self._at_work[key].done():
                self._at_work[key] = asyncio.create_task(self.senders[worker].deliver(key))

    async def rest(self) -> None:
        """Until everybody waits for the clock."""
        while sum(not task.done() for task in self._at_work.values()) > self.clock.sleepers:
            await asyncio.sleep(0)

    @property
    def moments(self) -> list[datetime]:
        return [sent.at for sent in self.double.sent]

    async def close(self) -> None:
        for task in self._at_work.values():
            task.cancel()
        await asyncio.gather(*self._at_work.values(), return_exceptions=True)
        await self.channel.close()
        for store in self.stores:
            await store.close()


@asynccontextmanager
async def yard(url: str, home: Path, **rules) -> AsyncIterator[Yard]:
    opened = Yard(url, home, Rules(window="off", statuses=(), **rules))
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def narrow(blank_url: str, tmp_path: Path) -> AsyncIterator[Yard]:
    async with yard(blank_url, tmp_path, messages_per_s=ALLOWED) as opened:
        yield opened


async def test_a_number_is_never_too_fast_and_hardly_ever_idle(narrow: Yard):
    for customer in range(150):
        await narrow.queue(f"62811{customer:04}", 1)
    await narrow.work(6)
    sent = narrow.moments
    assert narrow.double.refused == []
    busiest = max(
        at + 1 - bisect_left(sent, moment - SECOND + timedelta(microseconds=1)) for at, moment in enumerate(sent)
    )
    assert busiest <= ALLOWED
    assert len(sent) >= 0.95 * ALLOWED * 6


async def test_what_a_process_was_too_late_for_takes_another_moment(narrow: Yard):
    for customer in range(100):
        await narrow.queue(f"62811{customer:04}", 1)
    await narrow.work(1.5)
    narrow.clock.advance(0.7)
    await narrow.work(8)
    assert narrow.double.refused == []
    assert len(narrow.double.sent) == 100
    async with narrow.stores[0].reading() as tx:
        bursts = set((await tx.execute(sa.select(Conversation.pair_burst))).scalars())
    assert bursts == {1}


async def test_a_process_that_is_always_late_sends_all_the_same(narrow: Yard):
    for customer in range(60):
        await narrow.queue(f"62811{customer:04}", 1)
    for _ in range(40):
        await narrow.sweep(0)
        await narrow.rest()
        narrow.clock.advance(0.3)
    assert len(narrow.double.sent) == 60


async def test_of_a_backlog_only_what_may_leave_soon_is_looked_at(narrow: Yard):
    for customer in range(150):
        await narrow.queue(f"62811{customer:04}", 1)
    await narrow.work(2)
    narrow.clock.advance(1)
    looked_at = await narrow.looks()
    assert 0 < len(looked_at) <= ALLOWED * (HORIZON / SECOND)


async def test_a_customer_is_never_sent_too_much_and_waits_no_longer_than_needed(blank_url: str, tmp_path: Path):
    async with yard(blank_url, tmp_path) as patient:
        await patient.queue("62811", 60)
        await patient.queue("62812", 2)
        await patient.work(300)
        assert patient.double.refused == []
        assert len(patient.double.sent) == 62


async def test_who_waits_for_an_answer_goes_before_what_nobody_waits_for(narrow: Yard):
    for customer in range(100):
        await narrow.queue(f"62811{customer:04}", 1, Purpose.CLOSING)
    await narrow.work(1)
    for customer in range(30):
        await narrow.queue(f"62812{customer:04}", 1)
    await narrow.work(8)
    kinds = [sent.text for sent in narrow.double.sent]
    last = max(at for at, kind in enumerate(kinds) if kind == "reply")
    assert (kinds.count("reply"), kinds.count("closing")) == (30, 100)
    assert kinds[:last].count("closing") <= 65
    assert narrow.double.refused == []


async def test_what_was_posted_before_a_number_was_resumed_pauses_it_no_more(narrow: Yard):
    refused = {"code": 131042, "why": "payment", "by": "Meta"}
    mended, told = START + timedelta(hours=1), START + timedelta(hours=2)
    async with narrow.stores[0].transaction() as tx:
        assert await numbers.pause(tx, NUMBER, **refused, now=START, posted_at=START)
        assert await numbers.resume(tx, NUMBER, now=mended)
        assert not await numbers.pause(tx, NUMBER, **refused, now=told, posted_at=START)
        assert await numbers.pause(tx, NUMBER, **refused, now=told, posted_at=mended)


async def test_a_paused_number_takes_no_moment_and_gives_it_back(narrow: Yard):
    conversation_id = await narrow.queue("62811", 1)
    async with narrow.stores[0].transaction() as tx:
        assert await numbers.pause(tx, NUMBER, code=368, why="blocked", by="Meta", now=START)
        assert not await numbers.pause(tx, NUMBER, code=190, why="again", by="Meta", now=START)
    await narrow.work(3)
    assert narrow.double.sent == []
    async with narrow.stores[0].transaction() as tx:
        assert (await numbers.get(tx, NUMBER)).paused_code == 368
        assert await numbers.resume(tx, NUMBER, now=START)
    async with narrow.stores[0].transaction() as tx:
        await outbox.look_now(tx, NUMBER, now=narrow.clock.now())
    await narrow.work(1)
    assert len(narrow.double.sent) == 1
    assert conversation_id


async def test_a_sender_that_was_held_up_leaves_the_message_to_whoever_took_it(blank_url: str, tmp_path: Path):
    async with yard(blank_url, tmp_path) as held:
        slow, other = held.senders
        key = await held.queue("62811", 1)
        async with held.stores[0].transaction() as tx:
            step = await slow.next_step(tx, key)
        held.clock.advance(100)
        await other.deliver(key)
        assert len(held.double.sent) == 1
        await slow.go_on(step)
        held.clock.advance(100)
        await other.deliver(key)
        assert len(held.double.sent) == 1


async def test_a_number_that_came_between_two_looks_may_send_at_once(templates: Templates):
    store = Store(url := templates.postgres())

    def another_worker_was_first(_connection, _cursor, statement: str, *_) -> None:
        if "FOR UPDATE" in statement:
            with psycopg.connect(url.replace("+psycopg", "")) as other:
                other.execute(FIRST, {"number": NUMBER, "at": START})

    sa.event.listen(store.engine.sync_engine, "before_cursor_execute", another_worker_was_first)
    async with store.transaction() as tx:
        slot = await numbers.take_slot(tx, NUMBER, now=START, bulk=False, rate=Rate())
    await store.close()

    assert slot == numbers.Slot(START)
