"""Two contacts who are one person: a human sees it and makes them one, all of it or nothing."""

from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from api.desk.conversations import Desk
from knowledge.embed import LocalEmbedder
from sahut.errors import Forbidden
from sahut.models import AuditEntry, Contact, ContactIdentity, HookEvent, Role
from sahut.rules import Actor
from tests.journeys.lines import COMPLAINT, SPAM, UNKNOWN
from tests.journeys.people import Json, Operator
from tests.journeys.stage import World, open_world
from tests.journeys.test_wire_in import seconds, tell

FINE, LOST = "Berapa denda telat bayar?", "Nama saya Ani Wijaya. Saya kehilangan STNK"


async def merges(budi: Operator, kept: Json, other: Json) -> httpx.Response:
    return await budi.rest.post(f"contacts/{kept['contact']['id']}/merge", {"contact": other["contact"]["id"]})


async def asked_for(budi: Operator) -> list[tuple[str, str, str | None]]:
    return [(item["lane"], item["state"], item["claimed_by"]) for item in await budi.rest.items("handoffs")]


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
    assert (await merges(budi, old, new)).status_code == 200

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
    answer = await merges(budi, old, new)
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


@pytest.mark.parametrize("first_stays", [True, False])
async def test_who_has_two_phones_is_answered_at_the_one_they_wrote_from(world: World, first_stays: bool):
    ani, again, budi, old, new = await two_of_one(world)
    kept, other = (old, new) if first_stays else (new, old)
    assert (await merges(budi, kept, other)).status_code == 200
    path, text = f"conversations/{kept['id']}/messages", {"type": "text", "text": {"body": "Kami cek."}}
    seen = len(ani.received), len(again.received)
    for writes, more in ((None, (0, 1)), (ani, (1, 1)), (again, (1, 2))):
        if writes is not None:
            await writes.says("Halo?")
            await world.settles()
        assert (await budi.rest.post(path, text)).status_code == 202
        await world.settles()
        assert (len(ani.received) - seen[0], len(again.received) - seen[1]) == more


async def test_a_thread_with_another_number_is_answered_where_it_was_heard(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    branch = world.line("106500000000002", account="222000111000998", token="t2", secret="s2")
    own = {"number": branch.number, "account": branch.account, "access_token": "t2", "app_secret": "s2"}
    assert (await world.rest(await world.key("eva", "admin")).post("numbers", own)).status_code == 201
    again = branch.customer("6281299999999", "Ani")
    for customer in (again, ani):
        await customer.says(FINE)
        await world.settles()
    assert (await merges(budi, await budi.conversation(ani), await budi.conversation(again))).status_code == 200
    seen = len(ani.received), len(again.received)
    for item in await budi.rest.items("conversations"):
        text = {"type": "text", "text": {"body": "Kami cek."}}
        await budi.rest.post(f"conversations/{item['id']}/messages", text)
    await world.settles()
    assert (len(ani.received) - seen[0], len(again.received) - seen[1]) == (1, 1)


async def test_a_group_is_merged_with_nobody(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await tell(
        world,
        "group_lifecycle_update",
        groups=[{"timestamp": seconds(), "group_id": "1203", "type": "group_create", "subject": "Warga RT 5"}],
    )
    one = await budi.conversation(ani)
    group = next(item for item in await budi.rest.items("conversations") if item["contact"]["name"] == "Warga RT 5")
    for kept, other in ((one, group), (group, one)):
        answer = await merges(budi, kept, other)
        assert (answer.status_code, "no person" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize("spam_stays", [True, False])
async def test_a_request_for_a_human_comes_before_a_suspicion_of_spam(world: World, spam_stays: bool):
    ani, again, budi = await world.asked("Ani", SPAM), await world.asked("Again", UNKNOWN), await world.operator()
    spam, asks = await budi.conversation(ani), await budi.conversation(again)
    kept, other = (spam, asks) if spam_stays else (asks, spam)
    assert (await merges(budi, kept, other)).status_code == 200
    (only,) = await budi.rest.items("conversations")
    assert only["status"] == "waiting"
    assert [item for item in await asked_for(budi) if item[1] == "queued"] == [("support", "queued", None)]


@pytest.mark.parametrize("held_stays", [True, False])
async def test_whoever_holds_one_thread_has_the_request_of_both(world: World, held_stays: bool):
    ani, again, budi = await world.asked("Ani", UNKNOWN), await world.asked("Again", UNKNOWN), await world.operator()
    await budi.claims(again)
    waits, held = await budi.conversation(ani), await budi.conversation(again)
    kept, other = (held, waits) if held_stays else (waits, held)
    assert (await merges(budi, kept, other)).status_code == 200
    (only,) = await budi.rest.items("conversations")
    assert (only["status"], only["holder"]) == ("waiting", "operator")
    assert sorted(item[1] for item in await asked_for(budi)) == ["claimed", "returned"]


async def test_a_withdrawal_that_came_before_the_merger_finds_its_message(world: World):
    ani, again, budi = await world.asked("Ani", FINE), world.customer("Again"), await world.operator()
    message = again.text(FINE)
    await again.deliver(again.message("revoke", {"original_message_id": message["id"]}))
    await world.settles()
    assert (await merges(budi, await budi.conversation(ani), await budi.conversation(again))).status_code == 200
    await again.deliver(message)
    await world.settles()
    assert again.received == []


async def test_who_was_merged_is_erased_with_what_other_systems_were_told_of_them(
    learned_url: str, embedder: LocalEmbedder, tmp_path: Path
):
    async with open_world(learned_url, embedder, tmp_path, webhooks_allow_private=True) as world:
        ani, cici, budi = world.customer("Ani"), await world.asked("Cici", FINE), await world.operator()
        admin, again = world.rest(await world.key("rina", "admin")), world.customer("Again")
        hook = {"url": "http://127.0.0.1:9/hook", "events": ["ticket.created", "handoff.opened"]}
        assert (await admin.post("webhooks", hook)).status_code == 201
        await ani.says(FINE)
        for text in (COMPLAINT, "ya", UNKNOWN):
            await again.says(text)
            await world.settles()
        assert {event.type for event in await world.rows(HookEvent)} == {"ticket.created", "handoff.opened"}
        # What became of them in two steps is found too.
        first, second = await budi.conversation(ani), await budi.conversation(cici)
        assert (await merges(budi, first, await budi.conversation(again))).status_code == 200
        assert (await merges(budi, second, first)).status_code == 200
        assert (await admin.post(f"contacts/{second['contact']['id']}/erase")).status_code == 200
        assert await world.rows(HookEvent) == []
