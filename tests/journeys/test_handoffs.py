"""Handoffs: acknowledged once, claimed by one, answered by a human, given back cleanly."""

import asyncio

import pytest

from agent.language.phrases import say
from tests.journeys.lines import FINE, LOST, UNKNOWN
from tests.journeys.stage import World

DUE_S = 15 * 60


@pytest.mark.parametrize(
    ("question", "language"),
    [(UNKNOWN, "id"), ("Do you know which of my neighbours owns the red car that blocks our street?", "en")],
)
async def test_complaint_06_a_handoff_is_acknowledged_once_in_the_customers_language(world: World, question, language):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(question)
    await world.settles()
    (handoff,) = await budi.handoffs(ani)
    assert handoff["language"] == language
    assert handoff["due_at"] > handoff["created_at"]
    assert (await budi.conversation(ani))["status"] == "waiting"

    for text in ("Halo?", FINE, UNKNOWN):
        await ani.says(text)
        await world.settles()
    assert len(world.sent_to(ani)) == 1
    assert len(await budi.handoffs(ani)) == 1


async def test_complaint_07_a_handoff_is_one_text(world: World):
    ani = world.customer("Ani")
    await ani.says("Saya mau bicara dengan petugas, tolong.")
    await world.passes(DUE_S - 1)

    assert len(world.sent_to(ani)) == 1


async def test_complaint_06_the_wait_is_noticed_once_when_it_is_due(world: World):
    ani = world.customer("Ani")
    await ani.says(UNKNOWN)
    await world.passes(DUE_S - 1)
    assert len(world.sent_to(ani)) == 1
    await world.passes(1)
    assert world.sent_to(ani)[1:] == [say("notice", "id")]
    await world.passes(3600)
    assert len(world.sent_to(ani)) == 2


async def test_no_notice_once_a_human_came(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.settles()
    await budi.claims(ani)
    await world.passes(2 * DUE_S)
    assert len(world.sent_to(ani)) == 1


async def test_complaint_13_a_handoff_is_claimed_by_one_alone(world: World):
    ani, budi, citra = world.customer("Ani"), await world.operator("budi"), await world.operator("citra")
    await ani.says(UNKNOWN)
    await world.settles()

    answers = await asyncio.gather(budi.claims(ani), citra.claims(ani))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    winner = next(answer.json()["claimed_by"] for answer in answers if answer.status_code == 200)
    loser = next(answer.json() for answer in answers if answer.status_code == 409)
    assert winner in loser["detail"]
    (handoff,) = await budi.handoffs(ani)
    assert (handoff["state"], handoff["claimed_by"]) == ("claimed", winner)


async def test_an_operators_reply_reaches_the_customer(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.settles()
    await budi.claims(ani)
    answer = await budi.writes(ani, "Tahun ini belum ada lowongan.")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    await world.settles()

    assert world.sent_to(ani)[-1] == "Tahun ini belum ada lowongan."
    last = (await budi.messages(ani))[-1]
    assert (last["author"], last["author_name"], last["state"]) == ("operator", "budi", "read")


async def test_an_operator_may_write_without_a_claim(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.settles()
    await budi.writes(ani, "Saya bantu.")
    await world.settles()

    assert world.sent_to(ani)[-1] == "Saya bantu."
    assert (await budi.conversation(ani))["holder"] == "operator"
    assert [item["state"] for item in await budi.handoffs(ani)] == ["claimed"]


async def test_complaint_06_what_is_given_back_is_answered_by_the_assistant(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.settles()
    await budi.claims(ani)
    await ani.says(FINE)
    await world.settles()
    assert (await budi.returns(ani)).json()["holder"] == "assistant"
    await world.settles()
    assert len(world.sent_to(ani)) == 1

    await ani.says(FINE)
    await world.settles()
    assert "2%" in world.sent_to(ani)[-1]
    assert [item["state"] for item in await budi.handoffs(ani)] == ["returned"]


async def test_complaint_06_a_resolved_conversation_opens_again_with_the_assistant(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.settles()
    await budi.claims(ani)
    assert (await budi.resolves(ani)).json()["status"] == "resolved"

    await ani.says(LOST)
    await world.passes(2 * DUE_S)
    assert "police" in world.sent_to(ani)[-1]
    assert len(world.sent_to(ani)) == 2
    assert (await budi.conversation(ani))["status"] == "open"
    assert [item["state"] for item in await budi.handoffs(ani)] == ["resolved"]


async def test_a_second_handoff_may_follow_the_first(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    for _ in range(2):
        await ani.says(UNKNOWN)
        await world.settles()
        await budi.claims(ani)
        await budi.resolves(ani)

    assert [item["state"] for item in await budi.handoffs(ani)] == ["resolved", "resolved"]
    assert len(world.sent_to(ani)) == 2


async def test_a_handoff_is_resolved_from_the_queue_without_a_claim(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.settles()
    await budi.resolves(ani)
    assert [item["state"] for item in await budi.handoffs(ani)] == ["resolved"]
    assert (await budi.claims(ani)).status_code == 409
