"""The 24-hour window: by the customer's own clock, looked at when sending, with a margin, whatever comes late."""

from dataclasses import replace
from datetime import timedelta

from sahut.rules import WINDOW_CLOSED
from sahut.testing.clock import START
from tests.journeys.lines import FINE, LOST
from tests.journeys.stage import World

DAY_S, MARGIN_S = 24 * 3600, 60
TEMPLATE = {"type": "template", "template": {"name": "reminder", "language": {"code": "id"}}}
REMINDER = {
    "id": "1",
    "name": "reminder",
    "language": "id",
    "status": "APPROVED",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Kami sudah menjawab."}],
}


async def test_complaint_05_free_form_is_refused_from_the_margin_on(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.passes(DAY_S - MARGIN_S - 1)
    assert (await budi.writes(ani, "Masih ada pertanyaan?")).status_code == 202
    await world.passes(1)
    late = await budi.writes(ani, "Halo?")

    assert late.status_code == 403
    assert "template" in late.json()["detail"]
    assert world.sent_to(ani)[1:] == ["Masih ada pertanyaan?"]
    assert all(sent.window_open for sent in world.double.sent)


async def test_complaint_05_a_template_goes_through_the_closed_window(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.passes(2 * DAY_S)
    world.double.templates = [REMINDER]
    conversation = await budi.conversation(ani)
    assert (await budi.rest.post(f"conversations/{conversation['id']}/messages", TEMPLATE)).status_code == 202
    await world.settles()
    assert ani.received[-1].kind == "template"


async def test_complaint_05_a_reply_that_comes_too_late_is_dropped_and_a_human_told(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE, at=START - timedelta(seconds=DAY_S - MARGIN_S))
    await world.settles()

    assert world.double.sent == []
    reply = (await budi.messages(ani))[-1]
    assert (reply["state"], reply["error"]) == ("dropped", WINDOW_CLOSED)
    (handoff,) = await budi.handoffs(ani)
    assert WINDOW_CLOSED in handoff["summary"]


async def test_complaint_05_a_late_webhook_does_not_open_the_window(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE, at=START - timedelta(seconds=DAY_S + 3600))
    await world.settles()

    assert world.double.sent == []
    assert (await budi.conversation(ani))["window_closes_at"] < START.isoformat()
    assert len(await budi.handoffs(ani)) == 1


async def test_an_older_message_that_comes_later_does_not_move_the_window_back(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("Halo")
    await world.settles()
    before = (await budi.conversation(ani))["window_closes_at"]
    await ani.says(FINE, at=START - timedelta(hours=3))
    await world.settles()
    assert (await budi.conversation(ani))["window_closes_at"] == before


async def test_complaint_05_a_failure_that_comes_as_a_status_closes_the_window_and_calls_a_human(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.double.rules = replace(world.double.rules, statuses=("sent",))
    await ani.says(FINE)
    await world.settles()
    (sent,) = ani.received
    assert await world.post(world.double.status_payload(sent, "failed", code=131047)) == 200

    assert [message["state"] for message in await budi.messages(ani)][-1] == "failed"
    assert len(await budi.handoffs(ani)) == 1
    assert (await budi.writes(ani, "Halo?")).status_code == 403
    await world.passes(60)
    await ani.says(LOST)
    assert (await budi.writes(ani, "Halo lagi.")).status_code == 202


async def test_the_same_failure_twice_is_one_handoff(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.double.rules = replace(world.double.rules, statuses=("sent",))
    await ani.says(FINE)
    await world.settles()
    failed = world.double.status_payload(ani.received[0], "failed", code=131026)
    for _ in range(3):
        assert await world.post(failed) == 200
    assert len(await budi.handoffs(ani)) == 1
