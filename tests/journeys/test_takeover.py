"""Who speaks: a human who takes over silences the assistant, at every point of its work."""

from api.simulator.faults import Down
from tests.journeys.lines import FINE, LOST
from tests.journeys.stage import World


async def test_complaint_01_the_bot_never_talks_over_the_human(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.model.hold()
    await ani.says(FINE)
    await world.settles()
    assert world.model.holding == 1
    await budi.takes_over(ani)
    world.model.go_on()
    await world.passes(60)

    assert world.sent_to(ani) == []


async def test_complaint_01_a_queued_reply_is_dropped_when_a_human_comes(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.double.fail_next(Down())
    await ani.says(FINE)
    await world.settles()
    await budi.writes(ani, "Saya bantu.")
    await world.passes(60)

    assert world.sent_to(ani) == ["Saya bantu."]
    assert [message["state"] for message in await budi.messages(ani)] == ["received", "dropped", "read"]


async def test_complaint_01_the_assistant_is_silent_while_a_human_holds(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("Halo")
    await world.settles()
    await budi.takes_over(ani)
    for text in (FINE, LOST):
        await ani.says(text)
        await world.passes(600)

    assert len(world.sent_to(ani)) == 1
    assert world.model.briefs == []
    assert [message["text"] for message in await budi.messages(ani)][-2:] == [FINE, LOST]


async def test_complaint_01_a_draft_from_before_the_takeover_stays_dropped_after_the_return(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.model.hold()
    await ani.says(FINE)
    await world.settles()
    await budi.takes_over(ani)
    await budi.returns(ani)
    world.model.go_on()
    await world.passes(60)
    assert world.sent_to(ani) == []

    await ani.says(LOST)
    await world.settles()
    (reply,) = world.sent_to(ani)
    assert "police" in reply


async def test_the_assistant_knows_what_the_human_said(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("Halo")
    await world.settles()
    await budi.writes(ani, "Kantor kami di Jalan Melati.")
    await world.settles()
    await budi.returns(ani)
    await ani.says(FINE)
    await world.settles()

    said = [(line.author, line.content) for line in world.model.briefs[-1].turn.history]
    assert said[-1] == ("operator", "Kantor kami di Jalan Melati.")


async def test_a_message_that_nobody_has_read_is_answered_although_the_matter_is_resolved(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.model.hold()
    await ani.says(FINE)
    await world.settles()
    assert world.model.holding == 1
    assert (await budi.resolves(ani)).status_code == 200
    world.model.go_on()
    await world.passes(60)

    (reply,) = world.sent_to(ani)
    assert "2%" in reply
    assert (await budi.conversation(ani))["status"] == "open"
