"""A person who wants to be forgotten is: no row and no file says what they wrote."""

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from sahut.models import ScreenMark
from tests.journeys.lines import COMPLAINT, FINE, UNKNOWN
from tests.journeys.stage import World

SECRET = "kucing oranye bernama Mochi"


async def tables_with(world: World, words: str) -> set[str]:
    """Where the words stand, in whatever column of whatever table."""
    async with world.house.store.reading() as tx:
        found = set()
        for table in SQLModel.metadata.sorted_tables:
            rows = (await tx.execute(sa.select(table))).all()
            if any(words in str(value) for row in rows for value in row):
                found.add(table.name)
    return found


@pytest.fixture
async def customer(world: World):
    """Ani, who has been through most of what the house does."""
    ani, budi = world.customer("Ani"), await world.operator()
    for text in (FINE, f"{COMPLAINT} Saksinya {SECRET}.", "ya", f"{UNKNOWN} Untuk {SECRET}."):
        await ani.says(text)
        await world.settles()
    await budi.claims(ani)
    await budi.writes(ani, f"Kami akan menghubungi Ibu besok soal {SECRET}.")
    conversation = (await budi.conversation(ani))["id"]
    await budi.rest.post(f"conversations/{conversation}/notes", {"text": f"Catatan: {SECRET}"})
    await budi.rest.post(f"conversations/{conversation}/spam")
    await world.settles()
    return ani


async def test_who_is_erased_is_in_no_table_and_their_mark_is_unlearned(world: World, customer):
    admin, budi = world.rest(await world.key("admin", "admin")), await world.operator("citra")
    contact = (await budi.conversation(customer))["contact"]["id"]
    assert {"message", "turn", "ticket", "note", "promise", "tool_call"} <= await tables_with(world, SECRET)
    async with world.house.store.reading() as tx:
        assert (await tx.execute(sa.select(ScreenMark))).first() is not None

    answer = await admin.post(f"contacts/{contact}/erase")
    assert answer.status_code == 200, answer.text
    erased = answer.json()["erased"]
    assert (erased["contact"], erased["conversation"], erased["screen_mark"]) == (1, 1, 1)
    assert await tables_with(world, SECRET) == set()
    assert await tables_with(world, customer.phone) == set()
    assert await tables_with(world, contact) == {"audit"}
    assert (await admin.post(f"contacts/{contact}/erase")).status_code == 404


async def test_who_writes_again_is_a_stranger_and_is_answered(world: World, customer):
    admin, budi = world.rest(await world.key("admin", "admin")), await world.operator("citra")
    before = await budi.conversation(customer)
    await admin.post(f"contacts/{before['contact']['id']}/erase")
    await customer.says(FINE)
    await world.settles()
    after = await budi.conversation(customer)
    assert after["id"] != before["id"]
    assert "2%" in world.sent_to(customer)[-1]


async def test_a_turn_that_is_under_way_writes_nothing_of_the_erased(world: World):
    ani, admin = world.customer("Ani"), world.rest(await world.key("admin", "admin"))
    budi = await world.operator()
    world.model.hold()
    await ani.says(f"{FINE} Untuk {SECRET}.")
    await world.settles()
    contact = (await budi.conversation(ani))["contact"]["id"]
    assert (await admin.post(f"contacts/{contact}/erase")).status_code == 200
    world.model.go_on()
    await world.settles()
    assert await tables_with(world, SECRET) == set()
    assert world.sent_to(ani) == []


async def test_only_an_admin_erases(world: World, customer):
    budi = await world.operator("citra")
    contact = (await budi.conversation(customer))["contact"]["id"]
    assert (await budi.rest.post(f"contacts/{contact}/erase")).status_code == 403
    assert await tables_with(world, SECRET)
