"""The store on both databases: all or nothing, once, in order, and silent about what customers wrote."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import select

from sahut.errors import StoreUnavailable
from sahut.events import Inbound
from sahut.ids import new_id
from sahut.models import Contact, Conversation, Message
from sahut.store import Store, inbox, insert_once
from sahut.testing.clock import START
from tests.journeys.stage import until

NUMBER = "106500000000001"
LONG = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000000) SELECT max(x) FROM n"


@pytest.fixture
async def store(blank_url: str) -> AsyncIterator[Store]:
    store = Store(blank_url)
    yield store
    await store.close()


def contact(name: str = "Ani", **more: str) -> Contact:
    return Contact(name=name, created_at=START, **more)


async def names(store: Store) -> list[str]:
    async with store.reading() as tx:
        return list((await tx.execute(select(Contact.name).order_by(Contact.id))).scalars())


async def receive(store: Store, wamid: str, **more: str | None) -> None:
    inbound = Inbound(number=NUMBER, wamid=wamid, sent_at=START, body={}, **{"phone": "62811", **more})
    async with store.transaction() as tx:
        await inbox.receive(tx, inbound, now=START, wait=inbox.Wait())


def test_ids_grow():
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert {len(made) for made in ids} == {36}


async def test_a_transaction_is_all_or_nothing(store: Store):
    async def fail() -> None:
        async with store.transaction() as tx:
            tx.add(contact())
            await tx.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await names(store) == []
    async with store.transaction() as tx:
        tx.add(contact())
    assert await names(store) == ["Ani"]


async def test_a_row_is_inserted_once(store: Store):
    row_id = new_id()
    outcomes = []
    for name in ("first", "second"):
        async with store.transaction() as tx:
            outcomes.append(await insert_once(tx, contact(name, id=row_id)))
    assert outcomes == [True, False]
    assert await names(store) == ["first"]


async def test_many_writers_wait_for_each_other(store: Store):
    await receive(store, "wamid.0")

    async def count_up() -> None:
        async with store.transaction() as tx:
            row = (await tx.execute(select(Conversation).with_for_update())).scalar_one()
            await asyncio.sleep(0)
            await inbox.update_conversation(tx, row.id, fence=row.fence + 1)

    await asyncio.gather(*(count_up() for _ in range(20)))
    async with store.reading() as tx:
        assert (await tx.execute(select(Conversation.fence))).scalar_one() == 20


async def test_a_time_without_a_zone_is_refused(store: Store):
    with pytest.raises(StatementError, match="naive"):
        async with store.transaction() as tx:
            tx.add(Contact(name="x", created_at=datetime(2026, 1, 1)))  # noqa: DTZ001


async def test_times_come_back_in_utc(store: Store):
    given = datetime.fromisoformat("2026-11-23T15:00:00.123456+07:00")
    async with store.transaction() as tx:
        tx.add(Contact(name="x", created_at=given))
    async with store.reading() as tx:
        back = (await tx.execute(select(Contact.created_at))).scalar_one()
    assert (back, back.tzinfo) == (given, UTC)


async def test_an_error_tells_nothing_of_what_customers_wrote(store: Store):
    row_id = new_id()

    async def write() -> None:
        async with store.transaction() as tx:
            await tx.execute(sa.insert(Contact).values(id=row_id, name="rahasia", created_at=START))

    await write()
    with pytest.raises(IntegrityError) as error:
        await write()
    assert "rahasia" not in str(error.value)


async def test_the_same_message_at_once_is_one_row_of_one_contact(store: Store):
    await asyncio.gather(*(receive(store, "wamid.1") for _ in range(20)))
    async with store.reading() as tx:
        for kind in (Message, Contact, Conversation):
            assert (await tx.execute(select(sa.func.count()).select_from(kind))).scalar_one() == 1


async def test_a_person_is_one_contact_by_phone_and_by_user_id(store: Store):
    await receive(store, "wamid.1", phone="62811")
    await receive(store, "wamid.2", phone="62811", user_id="ID.1")
    await receive(store, "wamid.3", phone=None, user_id="ID.1")
    await receive(store, "wamid.4", phone="62899", user_id=None)
    assert len(await names(store)) == 2


@pytest.mark.parametrize("how", ["reading", "transaction"])
async def test_who_is_cancelled_in_the_middle_of_a_statement_ends_as_cancelled(store: Store, how: str):
    begun = asyncio.Event()

    async def takes_long() -> None:
        async with getattr(store, how)() as tx:
            begun.set()
            await tx.execute(sa.text(LONG))

    task = asyncio.create_task(takes_long())
    await begun.wait()
    # On its way to the database by then; whichever moment it is, it ends alike.
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names(store) == []


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all/x.db", "postgresql+psycopg://sahut:hidden@127.0.0.1:1/sahut"]
)
async def test_a_database_that_is_not_there_is_named_without_its_password(url: str):
    store = Store(url)
    with pytest.raises(StoreUnavailable) as error:
        await store.ping()
    assert "hidden" not in str(error.value)
    await store.close()
    # The driver's thread says goodbye to this loop, which must still be there.
    await until(lambda: not any("_connection_worker" in thread.name for thread in threading.enumerate()))
