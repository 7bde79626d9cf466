"""Webhooks as Meta brings them: twice, late, in any order, several at once. One burst, one reply."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from api.simulator.faults import Down
from knowledge.embed import LocalEmbedder
from sahut.models import Message, TurnRecord
from tests.journeys.lines import FINE, LOST
from tests.journeys.stage import World, open_world


@pytest.fixture
async def patient(learned_url: str, embedder: LocalEmbedder, tmp_path: Path) -> AsyncIterator[World]:
    """A house that waits a second and a half for the end of a burst."""
    async with open_world(learned_url, embedder, tmp_path, burst_wait_ms=1500) as world:
        yield world


async def test_complaint_02_the_same_webhook_thirty_times_at_once_is_one_row_and_one_reply(world: World):
    ani = world.customer("Ani")
    payload = world.double.payload_of(ani.text(FINE))
    statuses = await asyncio.gather(*(world.post(payload) for _ in range(30)))
    await world.settles()

    assert set(statuses) == {200}
    assert [row.text for row in await world.rows(Message) if row.author == "contact"] == [FINE]
    assert len(world.sent_to(ani)) == 1


async def test_complaint_02_a_webhook_that_comes_again_after_the_reply_changes_nothing(world: World):
    ani = world.customer("Ani")
    payload = world.double.payload_of(ani.text(FINE))
    for _ in range(3):
        assert await world.post(payload) == 200
        await world.passes(60)

    assert len(world.sent_to(ani)) == 1
    assert len(await world.rows(TurnRecord)) == 1


async def test_complaint_02_an_album_is_one_conversation(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    pictures = [ani.message("image", {"id": f"media-{n}", "mime_type": "image/jpeg"}) for n in range(4)]
    posts = [world.post(world.double.payload_of(picture)) for picture in pictures]
    assert set(await asyncio.gather(*posts)) == {200}
    await world.settles()

    assert len(await budi.rest.items("conversations")) == 1
    assert len(await budi.handoffs(ani)) == 1
    assert len(world.sent_to(ani)) == 1


async def test_complaint_03_a_burst_of_three_messages_is_one_reply(patient: World):
    ani = patient.customer("Ani")
    for text in ("Halo", "mau tanya", "saya punya motor"):
        await ani.says(text)
        await patient.passes(0.5)
    assert world_is_silent(patient)
    await ani.says(FINE)
    await patient.passes(1.5)

    (reply,) = patient.sent_to(ani)
    assert "2%" in reply
    (turn,) = await patient.rows(TurnRecord)
    assert [line["text"] for line in turn.turn["burst"]] == ["Halo", "mau tanya", "saya punya motor", FINE]


async def test_complaint_03_a_question_is_answered_at_once_and_a_beginning_is_waited_on(patient: World):
    ani, bela = patient.customer("Ani"), patient.customer("Bela")
    await ani.says(FINE)
    await bela.says("Halo, mau tanya")
    await patient.passes(0.5)
    assert len(patient.sent_to(ani)) == 1
    await patient.passes(1.2)
    assert patient.sent_to(bela) == []
    await bela.says(FINE)
    await patient.passes(0.5)

    assert len(patient.sent_to(bela)) == 1
    assert len(await patient.rows(TurnRecord)) == 2


async def test_complaint_03_messages_that_come_in_the_wrong_order_are_read_in_the_right_one(patient: World):
    ani = patient.customer("Ani")
    now = patient.clock.now()
    texts = ["Halo", "mau tanya", FINE]
    written = [ani.text(text, at=now - timedelta(seconds=10 - n)) for n, text in enumerate(texts)]
    random.Random(3).shuffle(written)
    for message in written:
        await ani.sends(message)
    await patient.passes(2)

    (turn,) = await patient.rows(TurnRecord)
    assert [line["text"] for line in turn.turn["burst"]] == texts
    assert len(patient.sent_to(ani)) == 1


async def test_complaint_03_a_newer_message_drops_the_draft(world: World):
    ani = world.customer("Ani")
    world.model.hold()
    await ani.says(LOST)
    await world.settles()
    await ani.says(FINE)
    world.model.go_on()
    await world.settles()

    assert len(world.sent_to(ani)) == 1
    assert [turn.outcome for turn in await world.rows(TurnRecord)] == ["newer_message", "recorded"]
    assert [line.text for line in world.model.briefs[-1].turn.burst] == [LOST, FINE]


async def test_a_message_that_overtakes_a_reply_which_was_put_off_makes_it_a_quote(world: World):
    ani = world.customer("Ani")
    world.double.fail_next(Down())
    first = await ani.says(FINE)
    await world.settles()
    await ani.says(LOST)
    await world.settles()
    assert ani.received == []
    await world.passes(5)

    assert [sent.quotes for sent in ani.received] == [first, None]


async def test_a_batch_of_many_customers_answers_each(world: World):
    people = [world.customer(name) for name in ("Ani", "Budi", "Citra")]
    payload = world.double.payload_of(*(person.text(FINE) for person in people))
    assert await world.post(payload) == 200
    await world.settles()

    assert [len(world.sent_to(person)) for person in people] == [1, 1, 1]


async def test_statuses_in_any_order_end_in_the_last_one(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.double.mail.pending.clear()
    await ani.says(FINE)
    world.engine.waiting.sort()
    await world.settles()
    (sent,) = ani.received
    for status in ("sent", "read", "delivered", "sent"):
        await world.post(world.double.status_payload(sent, status))

    assert (await budi.messages(ani))[-1]["state"] == "read"


async def test_a_reaction_asks_for_no_answer(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("Halo")
    await world.settles()
    await ani.sends(ani.message("reaction", {"message_id": ani.received[0].wamid, "emoji": "👍"}))
    await world.passes(60)

    assert len(world.sent_to(ani)) == 1
    assert [message["kind"] for message in await budi.messages(ani)] == ["text", "text", "reaction"]


def world_is_silent(world: World) -> bool:
    return world.double.sent == []
