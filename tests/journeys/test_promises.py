"""Promises: kept in a ledger with an owner and a time, seen when they are overdue, settled once."""

from datetime import datetime, timedelta

from sahut.brief import Draft, Sentence
from sahut.models import AuditEntry, Promise
from tests.journeys.lines import COMPLAINT, FINE, UNKNOWN
from tests.journeys.people import Json, Operator
from tests.journeys.stage import World

PROMISE = "Baik Bu. Kami akan menghubungi Ibu dalam 2 jam."


async def ledger(operator: Operator, query: str = "") -> list[Json]:
    return await operator.rest.items(f"promises{query}")


async def test_what_an_operator_promises_is_in_the_ledger_and_overdue_when_its_time_has_passed(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.settles()
    await budi.claims(ani)
    await budi.writes(ani, PROMISE)
    await world.settles()

    (promise,) = await ledger(budi, "?state=open")
    assert promise["text"] == "Kami akan menghubungi Ibu dalam 2 jam."
    assert (promise["author"], promise["owner"], promise["kind"]) == ("operator", "budi", "contact")
    assert datetime.fromisoformat(promise["due_at"]) == world.clock.now() + timedelta(hours=2)
    said = next(line for line in await budi.messages(ani) if line["id"] == promise["message_id"])
    assert said["text"] == PROMISE
    assert not promise["overdue"]
    assert await ledger(budi, "?overdue=true") == []

    await world.passes(2 * 3600)
    (late,) = await ledger(budi, "?overdue=true")
    assert (late["id"], late["overdue"]) == (promise["id"], True)


async def test_a_promise_is_settled_once_and_by_name(world: World):
    ani, budi, citra = world.customer("Ani"), await world.operator(), await world.operator("citra")
    await ani.says(UNKNOWN)
    await world.settles()
    await budi.claims(ani)
    await budi.writes(ani, PROMISE)
    (promise,) = await ledger(budi)

    kept = await citra.rest.post(f"promises/{promise['id']}/kept")
    assert (kept.status_code, kept.json()["state"], kept.json()["settled_by"]) == (200, "kept", "citra")
    again = await budi.rest.post(f"promises/{promise['id']}/broken")
    assert again.status_code == 409
    assert "kept already, said by citra" in again.json()["detail"]
    assert (await budi.rest.post("promises/nowhere/kept")).status_code == 404
    assert (await budi.rest.post(f"promises/{promise['id']}/forgotten")).status_code == 422
    assert await ledger(budi, "?state=open") == []
    (entry,) = [row for row in await world.rows(AuditEntry) if row.action.startswith("promise_")]
    assert (entry.action, entry.actor) == ("promise_kept", "citra")


async def test_a_key_that_may_only_read_settles_nothing(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.settles()
    await budi.claims(ani)
    await budi.writes(ani, PROMISE)
    (promise,) = await ledger(budi)
    reader = world.rest(await world.key("reader", "read"))
    assert (await reader.post(f"promises/{promise['id']}/broken")).status_code == 403
    assert [row.state for row in await world.rows(Promise)] == ["open"]


async def test_a_ticket_makes_a_promise_true_and_keeping_it_is_telling_the_customer(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await tirta.says(COMPLAINT)
    await world.settles()
    assert await ledger(budi) == []
    await tirta.says("ya")
    await world.settles()

    (ticket,) = await budi.rest.items("tickets")
    (promise,) = await ledger(budi)
    assert (promise["author"], promise["owner"], promise["kind"]) == ("assistant", "", "contact")
    assert (promise["ticket_id"], promise["state"]) == (ticket["id"], "open")

    told = await budi.rest.post(f"tickets/{ticket['id']}/updates", {"text": "Sudah kami tegur.", "public": True})
    assert told.status_code < 300, told.text
    (kept,) = await ledger(budi)
    assert (kept["state"], kept["settled_by"]) == ("kept", "budi")


async def test_a_private_note_on_a_ticket_keeps_no_promise(world: World):
    tirta, budi = world.customer("Tirta"), await world.operator()
    await tirta.says(COMPLAINT)
    await world.settles()
    await tirta.says("ya")
    await world.settles()
    (ticket,) = await budi.rest.items("tickets")
    await budi.rest.post(f"tickets/{ticket['id']}/updates", {"text": "Cek CCTV.", "public": False})
    assert [promise["state"] for promise in await ledger(budi)] == ["open"]


async def test_complaint_08_the_assistants_empty_promise_never_leaves_the_house(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.model.says(
        Draft(decision="reply", sentences=(Sentence(text="Kami akan menelepon Anda besok."),), model="scripted")
    )
    await ani.says(FINE)
    await world.settles()
    assert not any("menelepon" in text for text in world.sent_to(ani))
    assert await ledger(budi) == []
    assert len(await budi.handoffs(ani)) == 1


async def test_the_next_handoff_names_what_was_promised(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.settles()
    await budi.claims(ani)
    await budi.writes(ani, PROMISE)
    await budi.returns(ani)
    await world.passes(3 * 3600)
    await ani.says("Does the office have wifi for visitors?")
    await world.settles()
    summary = (await budi.handoffs(ani))[-1]["summary"]
    assert "Open promise: “Kami akan menghubungi Ibu dalam 2 jam.”, overdue since" in summary
    assert summary.endswith("budi")
