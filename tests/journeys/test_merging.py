"""Two contacts who are one person: a human sees it and makes them one, all of it or nothing."""

import pytest
from sqlmodel import select

from api.desk.conversations import Desk
from sahut.errors import Forbidden
from sahut.models import AuditEntry, Contact, ContactIdentity, Role
from sahut.rules import Actor
from tests.journeys.stage import World

FINE, LOST = "Berapa denda telat bayar?", "Nama saya Ani Wijaya. Saya kehilangan STNK"


async def two_of_one(world: World):
    """Ani writes from two numbers; the operator, and both conversations, the older first."""
    ani, again, budi = world.customer("Ani"), world.double.customer("6281299999999", "Ani"), await world.operator()
    await ani.says("Nama saya Ani Wijaya.")
    await ani.says(FINE)
    await world.settles()
    world.clock.advance(3600)
    await again.says(LOST)
    await world.settles()
    return ani, again, budi, await budi.conversation(ani), await budi.conversation(again)


async def test_one_thread_holds_what_both_wrote_and_the_later_window(world: World):
    ani, again, budi, old, new = await two_of_one(world)
    merged = await budi.rest.post(f"contacts/{old['contact']['id']}/merge", {"contact": new["contact"]["id"]})
    assert merged.status_code == 200

    (only,) = await budi.rest.items("conversations")
    assert (only["id"], only["window_closes_at"]) == (old["id"], new["window_closes_at"])
    lines = [line["text"] for line in await budi.rest.items(f"conversations/{old['id']}/messages")]
    assert {FINE, LOST} <= set(lines)
    await again.says(FINE)
    await ani.says(FINE)
    await world.settles()
    assert len(await budi.rest.items("conversations")) == 1
    async with world.house.store.reading() as tx:
        owners = set((await tx.execute(select(ContactIdentity.contact_id))).scalars())
        acts = list((await tx.execute(select(AuditEntry).where(AuditEntry.action == "contacts_merge"))).scalars())
    assert owners == {old["contact"]["id"]}
    assert acts[0].detail["merged"] == new["contact"]["id"]


async def test_nothing_is_merged_while_somebody_is_answered(world: World):
    _, again, budi, old, new = await two_of_one(world)
    await again.deliver(again.text(FINE))
    answer = await budi.rest.post(f"contacts/{old['contact']['id']}/merge", {"contact": new["contact"]["id"]})
    assert (answer.status_code, "Try again" in answer.json()["detail"]) == (409, True)
    async with world.house.store.reading() as tx:
        assert len(list((await tx.execute(select(Contact.id))).scalars())) == 2
    await world.settles()


async def test_a_contact_is_not_merged_with_itself_or_with_nobody(world: World):
    _, _, budi, old, _ = await two_of_one(world)
    path = f"contacts/{old['contact']['id']}/merge"
    assert (await budi.rest.post(path, {"contact": old["contact"]["id"]})).status_code == 409
    assert (await budi.rest.post(path, {"contact": "nobody"})).status_code == 404


async def test_an_operator_who_is_set_over_nobody_merges_nobody(world: World):
    _, _, budi, old, new = await two_of_one(world)
    actor = Actor(id="o", name="Citra", role=Role.OPERATOR)
    with pytest.raises(Forbidden, match="Only supervisors"):
        await Desk(world.house).merge(actor, old["contact"]["id"], new["contact"]["id"])
    assert len(await budi.rest.items("conversations")) == 2
