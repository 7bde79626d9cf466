"""Spam: into its lane before any model call, without a word to the sender, and back again where it was a mistake."""

from tests.journeys.lines import FINE, SPAM
from tests.journeys.stage import World


async def test_complaint_12_spam_is_kept_apart_without_a_word(world: World):
    promo, budi = world.customer("Promo"), await world.operator()
    await promo.says(SPAM)
    await world.settles()

    assert world.sent_to(promo) == []
    assert world.model.briefs == []
    assert (await budi.conversation(promo))["status"] == "spam"
    (handoff,) = await budi.handoffs(promo)
    assert (handoff["lane"], handoff["reason"], handoff["state"]) == ("spam", "spam", "queued")


async def test_complaint_12_a_known_spammer_costs_no_turn(world: World):
    promo, budi = world.customer("Promo"), await world.operator()
    await promo.says(SPAM)
    await world.settles()
    await promo.says(FINE)
    await world.passes(3600)

    assert world.sent_to(promo) == []
    assert world.model.briefs == []
    assert len(await budi.handoffs(promo)) == 1
    assert [message["text"] for message in await budi.messages(promo)] == [SPAM, FINE]


async def test_complaint_12_a_mistake_is_undone_and_answered(world: World):
    promo, budi = world.customer("Promo"), await world.operator()
    await promo.says(SPAM)
    await world.settles()
    await promo.says(FINE)
    await world.settles()
    assert (await budi.undoes_spam(promo)).status_code == 200
    await world.settles()

    (reply,) = world.sent_to(promo)
    assert "2%" in reply
    assert (await budi.conversation(promo))["status"] == "open"
    assert (await budi.undoes_spam(promo)).status_code == 409


async def test_complaint_12_an_operator_may_quarantine_and_nobody_is_answered(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    conversation = await budi.conversation(ani)
    assert (await budi.rest.post(f"conversations/{conversation['id']}/spam")).json()["status"] == "spam"
    await ani.says(FINE)
    await world.settles()
    assert len(world.sent_to(ani)) == 1
