"""The Graph double keeps Meta's rules, seen through the real client and through a small signed webhook."""

from datetime import timedelta

import httpx
import pytest

from api.simulator.graph import TOKEN
from api.whatsapp.outgoing import addressed, text
from sahut.testing.clock import START
from tests.whatsapp.world import World, code_of


async def test_a_question_an_answer_and_its_statuses():
    world = World()
    asked = await world.ana.says("Berapa dendanya?")
    (question,) = world.service.events
    assert (question.wamid, question.phone, question.name) == (asked, "6281255501234", "Ana")
    assert question.sent_at == START

    await world.client.mark_read(world.double.number, asked, typing=True)
    wamid = await world.send("Dua persen.", context={"message_id": asked})
    (sent,) = world.ana.received
    assert (sent.text, sent.wamid, sent.callback, sent.quotes) == ("Dua persen.", wamid, "out:1", asked)
    assert sent.window_open
    assert [(mark.wamid, mark.typing) for mark in world.double.read_marks] == [(asked, True)]

    assert world.service.states == []
    assert await world.double.deliver_statuses() == 3
    assert world.service.states == ["sent", "delivered", "read"]
    delivery = world.service.events[-1]
    assert (delivery.wamid, delivery.callback_id) == (wamid, "out:1")


async def test_webhooks_are_written_as_meta_writes_them():
    world = World()
    await world.ana.says("é 😀 https://x.example/a")
    (body,) = world.service.bodies
    assert rb"\u00e9 \ud83d\ude00 https:\/\/x.example\/a" in body
    assert body.isascii()


async def test_wamids_look_real_and_repeat_with_the_seed():
    first, again = World(), World()
    wamid = await first.ana.says("a")
    assert wamid.startswith("wamid.HBgN")
    assert wamid == await again.ana.says("a")
    assert await first.send() == await again.send()


async def test_batches_duplicates_and_order_are_the_tests_choice():
    world = World()
    one, two = world.ana.text("satu"), world.ana.text("dua", wamid="wamid.two", at=START - timedelta(minutes=1))
    await world.double.deliver(two, one)
    assert world.service.said == ["dua", "satu"]
    assert [event.wamid for event in world.service.events] == ["wamid.two", one["id"]]
    payload = world.double.payload_of(one)
    assert [await world.double.mail.post(payload) for _ in range(2)] == [200, 200]
    assert world.service.said == ["dua", "satu", "satu", "satu"]


async def test_other_kinds_and_people_without_a_phone():
    world = World()
    bo = world.double.customer(None, "Bo", user_id="ID.1349")
    await bo.sends(bo.presses("yes", "Ya"))
    await bo.sends(bo.message("image", {"id": "9", "caption": "ini"}))
    await bo.sends(bo.message("request_welcome"))
    assert [(e.kind, e.text, e.user_id, e.phone) for e in world.service.events] == [
        ("interactive", "Ya", "ID.1349", None),
        ("image", "ini", "ID.1349", None),
        ("request_welcome", "", "ID.1349", None),
    ]
    await world.client.send(world.double.number, addressed(text("halo"), user_id="ID.1349", callback_id="c"))
    assert [sent.text for sent in bo.received] == ["halo"]
    with pytest.raises(ValueError, match="phone"):
        world.double.customer(None)


async def test_the_window_is_24_hours_from_what_the_customer_wrote():
    world = World(window="sync", pair_rate=False)
    assert await code_of(world.send()) == 131047
    await world.ana.says("halo")
    world.clock.advance(24 * 3600 - 1)
    await world.send()
    world.clock.advance(1)
    assert await code_of(world.send()) == 131047
    template = {"type": "template", "template": {"name": "n", "language": {"code": "id"}}}
    await world.client.send(world.double.number, addressed(template, phone=world.ana.phone, callback_id="t"))
    assert [sent.window_open for sent in world.double.sent] == [True, False]


async def test_a_closed_window_may_be_told_late():
    world = World(window="late")
    await world.send()
    await world.double.deliver_statuses()
    (failed,) = world.service.events
    assert (failed.state, failed.error_code, failed.callback_id) == ("failed", 131047, "out:1")
    assert world.ana.received == []
    assert world.double.sent[0].error_code == 131047


async def test_a_window_opens_by_a_webhook_written_by_hand():
    world = World(window="sync")
    message = {
        "id": "wamid.hand",
        "from": world.ana.phone,
        "type": "text",
        "timestamp": str(int(START.timestamp())),
    }
    world.double.sees({"entry": [{"changes": [{"value": {"messages": [message, "odd"]}}, None]}]})
    await world.send()
    await world.client.mark_read(world.double.number, "wamid.hand", typing=False)


async def test_pair_pace_is_one_in_six_seconds_with_a_burst_on_credit():
    world = World(window="off")
    for _ in range(20):
        await world.send()
    world.clock.advance(6)
    assert await code_of(world.send()) == 131056
    world.clock.advance(113.9)
    assert await code_of(world.send()) == 131056
    await world.send(to="628999")
    world.clock.advance(0.1)
    for _ in range(45):
        await world.send()
    assert await code_of(world.send()) == 131056


async def test_throughput_is_counted_over_all_pairs():
    world = World(window="off", messages_per_s=3)
    await world.ana.says("a")
    await world.send(to="6281111")
    await world.send(to="6282222")
    assert await code_of(world.send(to="6283333")) == 130429
    world.clock.advance(1)
    await world.send(to="6283333")


async def test_bad_requests():
    world = World(window="off")
    assert await code_of(world.client_with("wrong").send(world.double.number, {})) == 190
    assert await code_of(world.client_with("wrong").number_status(world.double.number)) == 190
    assert await code_of(world.client.send("999", {})) == 33
    assert await code_of(world.client.send(world.double.number, {})) == 131008
    assert await code_of(world.send(to="15550783881")) == 131021
    assert await code_of(world.send(surprise=1)) == 100
    assert await code_of(world.client.mark_read(world.double.number, "wamid.unknown", typing=True)) == 100
    async with httpx.AsyncClient(transport=world.double.transport(), base_url="http://double") as http:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = await http.post(f"/v26.0/{world.double.number}/messages", content=b"{broken", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)
    assert world.double.sent == []


async def test_number_status():
    world = World()
    status = await world.client.number_status(world.double.number)
    assert status["quality_rating"] == "GREEN"
