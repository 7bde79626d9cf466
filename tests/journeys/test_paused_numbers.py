"""Errors of the account: the number rests instead of being burnt, a person sees it, and nothing is lost."""

from datetime import timedelta

import pytest

from api.sending.standing import Standing
from api.simulator.faults import Refuse
from api.simulator.graph import NUMBER, TOKEN
from sahut.models import AuditEntry
from tests.journeys.lines import FINE, LOST
from tests.journeys.stage import World

DAY = 86_400


def standing(world: World) -> Standing:
    house = world.house
    return Standing(house.store, house.channel, world.clock, house.metrics)


def tries_of(world: World) -> list[str]:
    tried: list[str] = []
    fault = world.double.fault_for

    def note(body):
        tried.append(body["biz_opaque_callback_data"])
        return fault(body) if fault else None

    world.double.fault_for = note
    return tried


async def numbers(world: World) -> list:
    return await world.rest(await world.key("eva", "read")).items("numbers")


async def test_a_token_that_expires_in_the_middle_of_a_conversation_loses_nothing(world: World):
    ani, bela, budi = world.customer("Ani"), world.customer("Bela"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    world.double.token = "another"
    await ani.says(FINE)
    await bela.says(FINE)
    await world.passes(1200)
    assert (len(world.sent_to(ani)), world.sent_to(bela)) == (1, [])
    assert {message["state"] for message in await budi.messages(bela)} == {"received", "queued"}

    (number,) = await numbers(world)
    assert (number["number"], number["state"], number["paused_code"]) == (NUMBER, "paused", 190)
    await standing(world).look()
    assert (await numbers(world))[0]["state"] == "paused"

    world.double.token = TOKEN
    await standing(world).look()
    await world.passes(5)
    assert (await numbers(world))[0]["state"] == "sending"
    assert ["2%" in text for text in world.sent_to(ani)] == [True, True]
    assert len(world.sent_to(bela)) == 1
    assert await budi.handoffs(ani) == await budi.handoffs(bela) == []


@pytest.mark.parametrize("code", [368, 131031, 131042, 131045, 134011, 133010])
async def test_a_fault_of_the_account_is_met_once_and_waits_for_a_person(world: World, code: int):
    ani, bela, admin = world.customer("Ani"), world.customer("Bela"), world.rest(await world.key("eva", "admin"))
    world.double.fault_for = lambda _: Refuse(code)
    tried = tries_of(world)
    await ani.says(FINE)
    await world.settles()
    await ani.says(LOST)
    await bela.says(FINE)
    await world.passes(3600)
    assert len(tried) == 1
    assert (await numbers(world))[0]["paused_code"] == code
    # The token is not at fault: that it works says nothing.
    await standing(world).look()
    assert (await numbers(world))[0]["state"] == "paused"

    world.double.fault_for = None
    assert (await admin.post(f"numbers/{NUMBER}/resume")).status_code == 200
    await world.passes(5)
    assert ["2%" in text for text in world.sent_to(ani)] == [True, False]
    assert len(world.sent_to(bela)) == 1
    assert [row.action for row in await world.rows(AuditEntry)] == ["number_resume"]


async def test_who_waits_beyond_the_window_is_handed_to_a_human(world: World):
    ani, budi, admin = world.customer("Ani"), await world.operator(), world.rest(await world.key("eva", "admin"))
    world.double.fault_for = lambda _: Refuse(131042)
    await ani.says(FINE)
    await world.settles()
    world.clock.advance(2 * DAY)
    await world.sweep()
    world.double.fault_for = None
    await admin.post(f"numbers/{NUMBER}/resume")
    await world.passes(60)
    assert world.sent_to(ani) == []
    assert [row["state"] for row in await budi.handoffs(ani)] == ["queued"]


async def test_a_fault_that_is_told_late_pauses_the_number_too(world: World):
    ani = world.customer("Ani")
    await ani.says(FINE)
    world.double.mail.pending.clear()
    await world.settles()
    failed = world.double.status_payload(ani.received[0], "failed", code=131042)
    assert await world.post(failed) == 200
    assert (await numbers(world))[0]["paused_code"] == 131042


async def test_a_person_may_stop_a_number_and_only_an_admin(world: World):
    ani, admin = world.customer("Ani"), world.rest(await world.key("eva", "admin"))
    clerk = world.rest(await world.key("budi", "read", "write"))
    assert (await clerk.post(f"numbers/{NUMBER}/pause", {"why": "no"})).status_code == 403
    assert (await admin.post("numbers/999/pause", {"why": "no"})).status_code == 404
    assert (await admin.post(f"numbers/{NUMBER}/pause", {"why": ""})).status_code == 422
    answer = await admin.post(f"numbers/{NUMBER}/pause", {"why": "we move"})
    assert (answer.status_code, answer.json()["state"]) == (200, "paused")
    await ani.says(FINE)
    await world.passes(300)
    assert world.sent_to(ani) == []
    await admin.post(f"numbers/{NUMBER}/resume")
    await world.passes(5)
    assert len(world.sent_to(ani)) == 1
    assert [row.action for row in await world.rows(AuditEntry)] == ["number_pause", "number_resume"]


async def test_a_number_that_sends_too_fast_rests_for_all(world: World):
    ani, bela = world.customer("Ani"), world.customer("Bela")
    world.double.fail_next(Refuse(130429))
    await ani.says(FINE)
    await world.settles()
    await bela.says(FINE)
    await world.settles()
    assert world.sent_to(ani) == world.sent_to(bela) == []
    await world.passes(10)
    assert len(world.sent_to(ani)) == len(world.sent_to(bela)) == 1
    waited = world.double.sent[0].at - (await world.row_of(world.double.sent[0])).created_at
    assert waited >= timedelta(seconds=0.1)


async def test_a_spam_limit_keeps_back_what_nobody_waits_for_and_answers_who_asks(world: World):
    ani, bela = world.customer("Ani"), world.customer("Bela")
    await ani.says(FINE)
    await world.settles()
    world.double.fail_next(Refuse(131048))
    await bela.says(FINE)
    await world.settles()
    await ani.says(FINE)
    await world.settles()
    assert (len(world.sent_to(ani)), len(world.sent_to(bela))) == (2, 0)
    (number,) = await numbers(world)
    assert number["bulk_after"] is not None
    await world.passes(5 * 3600)
    assert len(world.sent_to(bela)) == 1
