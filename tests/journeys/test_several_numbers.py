"""Two numbers in one house: each with its own token, app, documents, voice and hours."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.sending.standing import Standing
from api.simulator.graph import GraphDouble
from api.simulator.samples import picture
from api.whatsapp import outgoing
from knowledge.learn import learn
from sahut.models import AuditEntry, Author, Conversation, Message, NumberSettings, PhoneNumber, Purpose
from sahut.sealing import Seal
from sahut.store import desk, number_settings, numbers, outbox
from tests.journeys.lines import FINE, UNKNOWN
from tests.journeys.people import Rest
from tests.journeys.stage import KEY, World

BRANCH = "106500000000002"
LINE = {"account": "222000111000888", "token": "branch-token", "secret": "branch-secret"}
OWN = {"account": LINE["account"], "access_token": LINE["token"], "app_secret": LINE["secret"]}
PARKING = "How much does parking cost for visitors?"


@pytest.fixture
async def branch(world: World) -> GraphDouble:
    """A second number, served with all that it needs."""
    admin = await admin_of(world)
    assert (await admin.post("numbers", {"number": BRANCH, **OWN})).status_code == 201
    return world.line(BRANCH, **LINE)


async def admin_of(world: World) -> Rest:
    return world.rest(await world.key("eva", "admin"))


async def changes(world: World, number: str, **given: Any) -> dict[str, Any]:
    answer = await (await admin_of(world)).call("PATCH", f"numbers/{number}", json=given)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _set_apart(world: World) -> list[str]:
    async with world.house.store.reading() as tx:
        return [row.number for row in await number_settings.listed(tx)]


async def shelves(world: World, folder: Path) -> None:
    """What both numbers tell, and what each tells alone."""
    for collection, price in (("main", "10.000"), ("branch", "2.000")):
        shelf = folder / collection
        shelf.mkdir()
        page = f"# Parking for visitors\n\nParking for visitors at the office costs Rp {price} for a whole day.\n"
        (shelf / f"parking-{collection}.md").write_text(page)
        await learn(world.house.store, world.house.embedder, [shelf], collection=collection)


async def test_each_answers_from_its_own_documents_with_its_own_token(
    world: World, branch: GraphDouble, tmp_path: Path
):
    await shelves(world, tmp_path)
    await changes(world, world.double.number, collections=["main"])
    await changes(world, BRANCH, collections=["branch"])
    budi = await world.operator()
    ani, bela = world.customer("Ani"), branch.customer("6281300000002", "Bela")
    for customer in (ani, bela):
        await customer.says(PARKING)
    await world.settles()

    assert "10.000" in ani.received[0].text
    assert "2.000" in bela.received[0].text
    for customer, path, number in ((ani, "parking-main.md", world.double.number), (bela, "parking-branch.md", BRANCH)):
        receipt = await budi.receipt(customer, customer.received[0])
        assert {cited["document"] for cited in receipt["citations"]} == {path}
        assert receipt["guidance_edition"] == f"{number}/1"
    assert [sent.number for sent in branch.sent] == [BRANCH]
    assert (world.double.refused, branch.refused) == ([], [])
    assert len(branch.read_marks) == 1


async def test_what_belongs_to_no_collection_is_told_by_every_number(world: World, branch: GraphDouble):
    await changes(world, BRANCH, collections=[])
    bela = branch.customer("6281300000002", "Bela")
    await bela.says("Berapa denda kalau telat bayar pajak kendaraan?")
    await world.settles()
    assert "2%" in bela.received[0].text


async def test_each_speaks_in_its_own_name_and_tone(world: World, branch: GraphDouble):
    await changes(world, BRANCH, organisation="Kantor Cabang Timur", persona="Warm and brief.")
    ani, bela = world.customer("Ani"), branch.customer("6281300000002", "Bela")
    for customer in (ani, bela):
        await customer.says("Halo")
        await world.settles()
        await customer.says("Berapa denda kalau telat bayar pajak kendaraan?")
        await world.settles()
    assert [customer.received[0].text.count("Kantor Cabang Timur") for customer in (ani, bela)] == [0, 1]
    assert "Samsat Nusa Raya" in ani.received[0].text
    told = [brief.turn.guidance for brief in world.model.briefs]
    assert [guidance.persona for guidance in told] == ["", "Warm and brief."]


async def test_each_keeps_its_own_hours(world: World, branch: GraphDouble):
    # The play begins on a Monday at 03:00 UTC.
    await changes(world, BRANCH, business_hours="Tue 08:00-16:00", timezone="Asia/Jakarta")
    budi = await world.operator()
    ani, bela = world.customer("Ani"), branch.customer("6281300000002", "Bela")
    for customer in (ani, bela):
        await customer.says("I want to talk to a human")
    await world.settles()
    (mine,), (theirs,) = await budi.handoffs(ani), await budi.handoffs(bela)
    now = world.clock.now()
    assert datetime.fromisoformat(mine["due_at"]) == now + timedelta(minutes=15)
    due = datetime.fromisoformat(theirs["due_at"])
    assert due > now + timedelta(minutes=15)
    assert (due.weekday(), due.hour, due.minute) == (1, 1, 15)


async def test_a_file_is_fetched_with_the_token_of_its_number(world: World, branch: GraphDouble):
    bela = branch.customer("6281300000002", "Bela")
    await bela.deliver(bela.message("image", branch.file("image/png", picture())))
    await world.settles()
    (row,) = await world.files()
    assert (row.number, row.state) == (BRANCH, "kept")


async def test_a_token_that_ended_rests_its_number_alone_until_a_new_one_is_set(world: World, branch: GraphDouble):
    branch.token = "another-token"
    ani, bela = world.customer("Ani"), branch.customer("6281300000002", "Bela")
    for customer in (ani, bela):
        await customer.says("Berapa denda kalau telat bayar pajak kendaraan?")
    await world.settles()
    assert (len(ani.received), len(bela.received)) == (1, 0)
    paused = {row.number for row in await _numbers(world) if row.paused_at is not None}
    assert paused == {BRANCH}

    await changes(world, BRANCH, access_token="another-token")
    house = world.house
    await Standing(house.store, house.channel, world.clock, house.metrics).look()
    await world.sweep()
    assert len(bela.received) == 1


async def test_a_secret_is_sealed_at_rest_and_told_to_nobody(world: World, branch: GraphDouble):
    admin = await admin_of(world)
    shown = await changes(world, BRANCH, app_secret="another-secret", team="east")
    seen = [str(shown), str(await admin.get("numbers")), str(world.logs), str(await world.rows(AuditEntry))]
    seen += [str(world.house.switchboard.known), str(await admin.get(f"numbers/{BRANCH}/editions"))]
    async with world.house.store.reading() as tx:
        row = await tx.get_one(NumberSettings, BRANCH)
    seen += [str(row)]
    for secret in (*LINE.values(), "another-secret"):
        assert secret == LINE["account"] or not [place for place in seen if secret in place]
    assert Seal([KEY]).open(f"number:{BRANCH}:access_token", row.access_token or "") == LINE["token"]
    since = shown["access_token"]["since"]
    assert shown["access_token"] == {"is_set": True, "since": since, "until": None, "from": "number"}
    assert shown["old_app_secret"]["is_set"]
    audited = [(one.actor, one.detail["fields"]) for one in await world.rows(AuditEntry) if "fields" in one.detail]
    assert audited == [
        ("eva", ["access_token", "account", "app_secret"]),
        ("eva", ["app_secret", "old_app_secret", "team"]),
    ]


async def test_what_shapes_answers_has_editions(world: World, branch: GraphDouble):
    await changes(world, BRANCH, persona="Formal.")
    await changes(world, BRANCH, team="east")
    await changes(world, BRANCH, persona="Warm.", timezone="Asia/Jakarta")
    await changes(world, BRANCH, persona="Warm.")
    found = (await (await admin_of(world)).get(f"numbers/{BRANCH}/editions"))["items"]
    assert [(one["name"], one["changed"], one["changed_by"]) for one in found] == [
        (f"{BRANCH}/2", ["persona", "timezone"], "eva"),
        (f"{BRANCH}/1", ["persona"], "eva"),
    ]
    assert [one["own"]["persona"] for one in found] == ["Warm.", "Formal."]


async def test_a_team_sees_the_requests_of_its_numbers_and_nobodys(world: World, branch: GraphDouble):
    await changes(world, BRANCH, team="east")
    ani, bela = world.customer("Ani"), branch.customer("6281300000002", "Bela")
    for customer in (ani, bela):
        await customer.says("I want to talk to a human")
    await world.settles()
    assert await _seen(world, "east") == {BRANCH, world.double.number}
    assert await _seen(world, "west") == {world.double.number}
    await changes(world, world.double.number, team="west")
    assert await _seen(world, "east") == {BRANCH}
    assert await _seen(world, "") == {BRANCH, world.double.number}

    rest = (await world.operator()).rest
    for query, count in (("team=east", 1), ("team=", 2), ("number=" + BRANCH, 1), ("number=1", 0), ("", 2)):
        assert len(await rest.items(f"handoffs?{query}")) == count


async def _seen(world: World, team: str) -> set[str]:
    """The numbers behind the requests in a team's queue; the badge counts the same."""
    async with world.house.store.reading() as tx:
        waiting = await desk.queue(tx, "support", now=world.clock.now(), team=team)
        badges = await desk.counts(tx, "nobody", team=team)
        found = {(await tx.get_one(Conversation, item.conversation_id)).number for item in waiting}
    assert badges.support == len(waiting)
    return found


async def test_a_lost_key_loses_no_message(world: World, branch: GraphDouble):
    async with world.house.store.transaction() as tx:
        row = await number_settings.locked(tx, BRANCH, now=world.clock.now())
        other = "A" * 43 + "="
        row.access_token = Seal([other]).close(f"number:{BRANCH}:access_token", LINE["token"])
        row.revision += 1
    world.clock.advance(3)
    bela = branch.customer("6281300000002", "Bela")
    await bela.says("Berapa denda kalau telat bayar pajak kendaraan?")
    await world.settles()
    assert (bela.received, branch.refused, world.double.refused) == ([], [], [])
    shown = await (await admin_of(world)).get(f"numbers/{BRANCH}")
    assert "SAHUT_ENCRYPTION_KEYS" in shown["troubles"]["access_token"]
    assert shown["waiting"] == 1

    await changes(world, BRANCH, access_token=LINE["token"])
    await world.passes(30)
    assert len(bela.received) == 1


async def _numbers(world: World) -> list[PhoneNumber]:
    async with world.house.store.reading() as tx:
        found = [await tx.get(PhoneNumber, number) for number in (world.double.number, BRANCH)]
    return [row for row in found if row is not None]


async def test_a_number_is_removed_and_its_history_stays(world: World, branch: GraphDouble):
    admin, budi = await admin_of(world), await world.operator()
    await changes(world, BRANCH, organisation="East branch")
    bela = branch.customer("6281300000002", "Bela")
    await bela.says(FINE)
    await world.settles()
    seen = len(bela.received)
    assert (await admin.call("DELETE", f"numbers/{BRANCH}")).status_code == 204

    assert BRANCH not in [item["number"] for item in await admin.items("numbers")]
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/resume")):
        assert (await admin.call(method, f"numbers/{BRANCH}{path}")).status_code == 404
    assert await _set_apart(world) == []
    assert (await budi.messages(bela))[0]["text"] == FINE
    editions = await admin.items(f"numbers/{BRANCH}/editions")
    assert [(item["edition"], item["own"]["organisation"]) for item in editions] == [(2, None), (1, "East branch")]
    removed = [entry for entry in await world.rows(AuditEntry) if entry.action == "number_remove"]
    assert [(entry.actor, entry.detail["number"]) for entry in removed] == [("eva", BRANCH)]
    # Nothing is taken from it, and nothing leaves.
    await bela.says("Halo?")
    answer = await budi.writes(bela, "Halo.")
    assert (answer.status_code, "not served any more" in answer.json()["detail"]) == (409, True)
    await world.passes(2 * 24 * 3600)
    assert (len(await budi.messages(bela)), len(bela.received)) == (1 + seen, seen)


async def test_nobody_is_told_anything_on_a_number_that_was_removed(world: World, branch: GraphDouble):
    admin, house = await admin_of(world), world.house
    standing = Standing(house.store, house.channel, house.clock, house.metrics)
    bela = branch.customer("6281300000002", "Bela")
    await bela.says(UNKNOWN)
    await world.settles()
    assert (await admin.post(f"numbers/{BRANCH}/pause", {"why": "moving"})).status_code == 200
    await standing.look()
    assert f'sahut_number_paused{{number="{BRANCH}"}} 1.0' in (await world.web.get("/metrics")).text
    assert (await admin.call("DELETE", f"numbers/{BRANCH}")).status_code == 204

    seen = len(await world.rows(Message))
    await world.passes(2 * 24 * 3600)
    assert len(await world.rows(Message)) == seen
    assert [entry for entry in await world.rows(AuditEntry) if entry.action == "window_ending"] == []
    await standing.look()
    assert f'number="{BRANCH}"' not in (await world.web.get("/metrics")).text


async def test_a_number_that_is_added_again_goes_on(world: World, branch: GraphDouble):
    admin, budi = await admin_of(world), await world.operator()
    await changes(world, BRANCH, organisation="East branch")
    bela = branch.customer("6281300000002", "Bela")
    await bela.says(FINE)
    await world.settles()
    seen = len(bela.received)
    await admin.call("DELETE", f"numbers/{BRANCH}")
    again = await admin.post("numbers", {"number": BRANCH, **OWN, "organisation": "West branch"})
    assert (again.status_code, again.json()["state"], again.json()["edition"]) == (201, "sending", 3)
    await bela.says(FINE)
    await world.settles()
    assert len(bela.received) > seen
    assert len({item["id"] for item in await budi.rest.items("conversations")}) == 1


async def test_a_number_with_messages_that_wait_is_not_removed(world: World, branch: GraphDouble):
    admin = await admin_of(world)
    assert (await admin.post(f"numbers/{BRANCH}/pause", {"why": "moving"})).status_code == 200
    await branch.customer("6281300000002", "Bela").says(FINE)
    await world.settles()
    answer = await admin.call("DELETE", f"numbers/{BRANCH}")
    assert (answer.status_code, "wait to be sent from it" in answer.json()["detail"]) == (409, True)
    assert len(await _set_apart(world)) == 1
    await admin.post(f"numbers/{BRANCH}/resume")
    await world.passes(1)
    assert (await admin.call("DELETE", f"numbers/{BRANCH}")).status_code == 204


async def test_the_number_of_the_settings_and_an_unknown_one_are_not_removed(world: World):
    admin, budi = await admin_of(world), await world.operator()
    await changes(world, world.double.number, organisation="Main office")
    answer = await admin.call("DELETE", f"numbers/{world.double.number}")
    assert (answer.status_code, "SAHUT_WHATSAPP_PHONE_NUMBER_ID" in answer.json()["detail"]) == (409, True)
    assert (await admin.call("DELETE", f"numbers/{BRANCH}")).status_code == 404
    assert (await budi.rest.call("DELETE", f"numbers/{BRANCH}")).status_code == 403
    assert await world.house.channel.number_status(world.double.number)


async def test_what_is_queued_at_the_moment_of_removal_does_not_leave(world: World, branch: GraphDouble):
    bela = branch.customer("6281300000002", "Bela")
    await bela.says(FINE)
    await world.settles()
    seen = len(bela.received)
    (conversation,) = await world.rows(Conversation)
    async with world.house.store.transaction() as tx:
        await numbers.remove(tx, BRANCH, by="eva", now=world.clock.now())
    async with world.house.store.transaction() as tx:
        given = {"text": "late", "body": outgoing.text("late"), "author": Author.OPERATOR, "purpose": Purpose.OPERATOR}
        tx.add(outbox.draft(conversation, **given, now=world.clock.now()))
    await world.passes(600)
    assert len(bela.received) == seen
    assert [row.state for row in await world.rows(Message) if row.text == "late"] == ["queued"]
