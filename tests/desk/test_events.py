"""Live events: every change is told after its commit, to every watcher, in this process and in the others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import psycopg
import pytest

from api.app import create_app
from api.desk.conversations import Desk
from api.events import WAITING_MOST, Change, Events, Subscription
from api.server import listen, served
from api.simulator.faults import Down
from sahut.errors import Conflict
from sahut.ids import new_id
from sahut.models import Conversation, Message, Role
from sahut.rules import Actor
from sahut.store import Store, outcomes, rows
from sahut.store.database import changed
from sahut.store.wire import CHANNEL
from sahut.testing.clock import VirtualClock
from tests.databases import Templates
from tests.journeys.stage import World, until

BUDI = Actor(id="id-budi", name="Budi", role=Role.OPERATOR)
HUMAN = "Saya mau bicara dengan petugas, tolong."


def taken(changes: Subscription) -> list[str | None]:
    """What waits there now."""
    found = list(changes._waiting)
    changes._waiting.clear()
    return [key or None for key in found]


async def only(world: World) -> Conversation:
    (conversation,) = await world.rows(Conversation)
    assert isinstance(conversation, Conversation)
    return conversation


async def test_everything_that_operators_see_is_told(world: World):
    """From the webhook to the blue ticks, and each act of an operator."""
    ani, desk = world.customer("Ani"), Desk(world.house)
    with world.house.events.subscribe() as changes:

        async def told(what: Awaitable[Any]) -> bool:
            taken(changes)
            await what
            return taken(changes) == [(await only(world)).id]

        assert await told(ani.says("Halo"))
        assert await told(world.settles())
        assert [message.state for message in await world.rows(Message)] == ["received", "read"]
        row = await only(world)
        assert await told(desk.note(BUDI, row.id, "Pelanggan lama"))
        assert await told(desk.take_over(BUDI, row.id))
        assert await told(ani.says("Halo?"))
        assert await told(desk.reply(BUDI, row.id, "Saya bantu."))
        assert await told(world.settles())
        assert await told(desk.give_back(BUDI, row.id))
        assert await told(ani.says(HUMAN))
        assert await told(world.settles())
        assert await told(desk.resolve(BUDI, row.id))
        assert await told(desk.mark_spam(BUDI, row.id))
        assert await told(desk.unmark_spam(BUDI, row.id))


async def test_each_step_of_a_message_is_told(world: World):
    """Put off, lost, dropped, refused: the ticks of a message that goes wrong move too."""
    ani = world.customer("Ani")
    await ani.says("Halo")
    world.double.fail_next(Down())
    with world.house.events.subscribe() as changes:
        await world.settles()
        (_, message) = await world.rows(Message)
        assert message.state == "queued"
        assert taken(changes)
        for work in (
            lambda tx: rows.update_message(tx, message, state="sending"),
            lambda tx: outcomes.lose(tx, message, "lost", message.created_at),
            lambda tx: outcomes.fail_message(tx, message, why="no", code=1, now=message.created_at),
        ):
            async with world.house.store.transaction() as tx:
                await work(tx)
                assert taken(changes) == []
            assert taken(changes) == [message.conversation_id]


async def test_what_is_rolled_back_or_refused_is_not_told(world: World):
    await world.customer("Ani").says("Halo")
    row, desk = await only(world), Desk(world.house)
    await desk.take_over(BUDI, row.id)
    with world.house.events.subscribe() as changes:
        with pytest.raises(Conflict):
            await desk.give_back(Actor("other", "Citra", Role.OPERATOR), row.id)
        with pytest.raises(RuntimeError):
            await fail(world.house.store, row)
        assert taken(changes) == []


async def fail(store: Store, row: Conversation) -> None:
    async with store.transaction() as tx:
        await rows.update_conversation(tx, row.id, language="id")
        raise RuntimeError


async def test_what_says_nothing_new_is_not_told(small: World):
    ani = small.customer("Ani")
    await ani.says("Halo", wamid="wamid.1")
    await small.settles()
    with small.house.events.subscribe() as changes:
        await small.sweep()
        await ani.says("Halo", wamid="wamid.1")
        await Desk(small.house).note(BUDI, (await only(small)).id, "x")
        assert taken(changes) == [(await only(small)).id]


def events_of(store: Store) -> Events:
    return Events(store, VirtualClock(), retry_s=0.01)


@pytest.fixture
async def store(blank_url: str) -> AsyncIterator[Store]:
    store = Store(blank_url)
    yield store
    await store.close()


async def test_a_slow_watcher_hears_of_each_conversation_once(store: Store):
    events = events_of(store)
    slow, gone = events.subscribe(), events.subscribe()
    gone.close()
    for ids in ({"a"}, {"b"}, {"a", "b"}, {"b"}):
        events.announce(ids)
    assert [(await anext(slow)).conversation_id for _ in range(2)] == ["a", "b"]
    events.announce({"a"})
    assert taken(slow) == ["a"]
    assert taken(gone) == []


async def test_too_much_to_tell_becomes_look_at_everything(store: Store):
    events = events_of(store)
    with events.subscribe() as changes:
        for n in range(WAITING_MOST + 1):
            events.announce({f"c{n}"})
        events.announce({"one more"})
        change = await anext(changes)
        assert change == Change(None, change.at)
        events.announce({"a"})
        assert taken(changes) == ["a"]


async def test_a_closed_subscription_ends(store: Store):
    events = events_of(store)
    changes = events.subscribe()
    waiting = asyncio.create_task(anext(changes, None))
    await asyncio.sleep(0)
    events.close()
    assert await waiting is None
    assert [change async for change in changes] == []


# --- several processes


@pytest.fixture
def postgres(templates: Templates, postgres_server: str) -> str:
    return templates.postgres()


@asynccontextmanager
async def process(url: str) -> AsyncIterator[tuple[Store, Events]]:
    """The events of one process of several, listening."""
    store = Store(url)
    events = events_of(store)
    with events.subscribe() as changes:
        async with events.between_processes():
            # It listens when it says that nobody knows what was said before.
            assert (await anext(changes)).conversation_id is None
            changes.close()
            yield store, events
    await store.close()


async def change(store: Store, *ids: str) -> None:
    async with store.transaction() as tx:
        for key in ids:
            changed(tx, key)


async def heard(changes: Subscription, many: int) -> set[str | None]:
    async with asyncio.timeout(30):
        return {(await anext(changes)).conversation_id for _ in range(many)}


async def test_another_process_hears_of_it_and_nobody_twice(postgres: str):
    async with process(postgres) as (here, events_here), process(postgres) as (_, events_there):
        with events_here.subscribe() as mine, events_there.subscribe() as theirs:
            a, b = new_id(), new_id()
            await change(here, a)
            await change(here, a, b)
            assert taken(mine) == [a, b]
            assert await heard(theirs, 2) == {a, b}
            await change(here, b)
            assert await heard(theirs, 1) == {b}
            assert taken(mine) == [b]


async def test_a_thousand_at_once_fit_through_the_wire(postgres: str):
    async with process(postgres) as (here, _), process(postgres) as (_, events_there):
        with events_there.subscribe() as theirs:
            ids = {new_id() for _ in range(900)}
            await change(here, *ids)
            assert await heard(theirs, 900) == ids


async def test_many_changes_are_few_notifications(postgres: str):
    plain = postgres.replace("+psycopg", "")
    async with await psycopg.AsyncConnection.connect(plain, autocommit=True) as ear, process(postgres) as (here, _):
        await ear.execute(f"LISTEN {CHANNEL}")
        ids = [new_id() for _ in range(100)]
        for key in ids:
            await change(here, key)
        told: list[list[str]] = []
        async with asyncio.timeout(30):
            async for notification in ear.notifies():
                told.append(notification.payload.split(" ")[1:])
                if sum(map(len, told)) >= len(ids):
                    break
        assert sorted(key for some in told for key in some) == sorted(ids)
        assert len(told) < 50


CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND (query LIKE 'LISTEN%%') = %s
"""


async def cut(url: str, *, listening: bool) -> None:
    """The database ends the connections of those who listen, or of all others."""
    plain = url.replace("+psycopg", "")
    async with await psycopg.AsyncConnection.connect(plain, autocommit=True) as connection:
        await connection.execute(CUT, (listening,))


async def test_a_listener_that_lost_its_connection_says_look_at_everything_and_goes_on(postgres: str):
    async with process(postgres) as (here, _), process(postgres) as (_, events_there):
        with events_there.subscribe() as theirs:
            await cut(postgres, listening=True)
            assert await heard(theirs, 1) == {None}
            key = new_id()
            await change(here, key)
            assert key in await heard(theirs, 1)


async def test_a_notification_that_could_not_be_sent_is_sent_later(postgres: str):
    async with process(postgres) as (here, _), process(postgres) as (_, events_there):
        with events_there.subscribe() as theirs:
            a = new_id()
            await change(here, a)
            assert await heard(theirs, 1) == {a}
            # The pool holds a connection that is dead by now, as after a restart of the database.
            await cut(postgres, listening=False)
            b = new_id()
            here.announce({b})
            assert await heard(theirs, 1) == {b}


async def test_what_was_gathered_is_told_at_the_end(postgres: str):
    async with process(postgres) as (_, events_there):
        with events_there.subscribe() as theirs:
            async with process(postgres) as (here, _):
                key = new_id()
                here.announce({key})
            assert await heard(theirs, 1) == {key}


# --- over REST


class Ear:
    """A reader of the stream: its events, in order."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self) -> dict[str, str]:
        event: dict[str, str] = {}
        async with asyncio.timeout(30):
            async for line in self._lines:
                if not line and event:
                    return event
                name, _, value = line.partition(": ")
                if name:
                    event[name] = value
        raise EOFError


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[str]:
    house = world.house
    async with served(create_app(house, roles=("web",)), listen("127.0.0.1", 0), house.events.close) as address:
        yield address


@asynccontextmanager
async def listens(address: str, key: str | None, **headers: str) -> AsyncIterator[Ear]:
    headers |= {} if key is None else {"Authorization": f"Bearer {key}"}
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=address))
        yield Ear(await stack.enter_async_context(client.stream("GET", "/api/v1/events", headers=headers)))


async def test_the_stream_says_where_to_look(small: World):
    key = await small.key("reader", "read")
    async with serving(small) as address:
        async with listens(address, key) as ear:
            assert ear.answer.status_code == 200
            assert ear.answer.headers["content-type"].startswith("text/event-stream")
            hello = await ear.next()
            assert (hello["event"], "retry" in hello, "id" in hello) == ("hello", True, True)
            await small.customer("Ani").says("rahasia")
            told = await ear.next()
            assert told["event"] == "conversation"
            assert (await only(small)).id in told["data"]
            assert "rahasia" not in told["data"]
        async with listens(address, key, **{"Last-Event-ID": told["id"]}) as ear:
            assert (await ear.next())["event"] == "everything"
            await small.customer("Ani").says("Halo")
            assert (await ear.next())["event"] == "conversation"
    await until(lambda: not small.house.events._watchers)


async def test_the_stream_asks_for_a_key_that_may_read(small: World):
    async with serving(small) as address:
        for key, status in ((None, 401), ("nonsense", 401), (await small.key("writer", "write"), 403)):
            async with listens(address, key) as ear:
                assert ear.answer.status_code == status
    assert not small.house.events._watchers


async def test_the_stream_ends_with_its_key(small: World):
    admin = small.rest(await small.key("root", "admin"))
    made = (await admin.post("keys", {"name": "reader", "scopes": ["read"]})).json()
    async with serving(small) as address, listens(address, made["key"]) as ear:
        assert (await ear.next())["event"] == "hello"
        await small.customer("Ani").says("Halo")
        assert (await ear.next())["event"] == "conversation"
        assert (await admin.call("DELETE", f"keys/{made['id']}")).status_code == 204
        small.clock.advance(31)
        await small.customer("Ani").says("Halo")
        with pytest.raises(EOFError):
            await ear.next()


async def test_the_service_ends_with_a_stream_open(small: World):
    """It is ended, not cut off when the server's patience is over: the reader sees a whole answer."""
    key = await small.key("reader", "read")
    async with AsyncExitStack() as ears:
        async with serving(small) as address:
            ear = await ears.enter_async_context(listens(address, key))
            assert (await ear.next())["event"] == "hello"
        with pytest.raises(EOFError):
            await ear.next()
