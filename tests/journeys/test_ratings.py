"""What a customer thought of a session: a tap on its closing message, and the words after it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from knowledge.embed import LocalEmbedder
from sahut.models import Closing, TurnRecord
from tests.journeys.closing import DAY_S, HOUR_S, NEAR_THE_END_S, buttons_of, closed, closings_of, satisfaction, taps
from tests.journeys.lines import FINE, LOST
from tests.journeys.stage import World, open_world


@pytest.fixture
async def world(learned_url: str, embedder: LocalEmbedder, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(learned_url, embedder, tmp_path, closing=True) as world:
        yield world


async def test_a_tap_is_stored_and_thanked_for_without_a_turn(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    closing = await closed(world, ani)
    assert (await satisfaction(budi, ani))["score"] is None
    turns = len(await world.rows(TurnRecord))
    await taps(ani, closing, 3)
    await world.settles()

    assert (await satisfaction(budi, ani))["score"] == 3
    assert "penilaian" in world.sent_to(ani)[-1]
    assert len(await world.rows(TurnRecord)) == turns
    report = await budi.rest.get("reports/satisfaction")
    assert (report["asked"], report["answered"], report["scores"]["3"], report["happy"]) == (1, 1, 1, 1.0)


async def test_a_tap_does_not_open_a_resolved_conversation(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    await budi.resolves(ani)
    await world.passes(1)
    await taps(ani, closings_of(ani)[0], 2)
    await world.settles()

    assert (await budi.conversation(ani))["status"] == "resolved"
    assert (await satisfaction(budi, ani))["score"] == 2
    await world.passes(3 * DAY_S)
    assert len(closings_of(ani)) == 1


async def test_a_second_tap_may_correct_the_first_and_is_not_thanked_for(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    closing = await closed(world, ani)
    for score in (3, 3, 1):
        await taps(ani, closing, score)
        await world.passes(5)

    assert (await satisfaction(budi, ani))["score"] == 1
    assert len(world.sent_to(ani)) == 3  # the answer, the closing, one word of thanks


async def test_the_same_tap_brought_three_times_is_one_tap(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    button = buttons_of(await closed(world, ani))[0]
    letter = world.double.payload_of(ani.presses(button["id"], button["title"]))
    for _ in range(3):
        assert await world.post(letter) == 200
    await world.settles()
    assert (await satisfaction(budi, ani))["score"] == 3
    assert len(world.sent_to(ani)) == 3


async def test_a_button_pressed_days_later_counts_for_its_own_session(world: World):
    ani = world.customer("Ani")
    old = await closed(world, ani)
    await world.passes(3 * DAY_S)
    await ani.says(LOST)
    await world.passes(NEAR_THE_END_S)
    await taps(ani, closings_of(ani)[-1], 3)
    await taps(ani, old, 1)
    await world.passes(DAY_S)
    await taps(ani, old, 3)  # a day after the first word it stands
    await world.settles()
    assert [row.score for row in await world.rows(Closing)] == [1, 3]


async def test_another_customers_button_counts_for_nobody(world: World):
    ani, eve = world.customer("Ani"), world.customer("Eve")
    closing = await closed(world, ani)
    await eve.says("Halo")
    await world.settles()
    await taps(eve, closing, 1)
    await eve.sends(eve.presses("rating:nobody:3", "😀 Puas"))
    await eve.sends(eve.presses("rating:" + "9" * 300 + ":3", "😀 Puas"))
    await world.settles()
    (row,) = await world.rows(Closing)
    assert row.score is None


async def test_the_words_after_a_tap_are_its_comment(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    await budi.resolves(ani)
    await world.passes(1)
    await taps(ani, closings_of(ani)[0], 1)
    await world.settles()
    await ani.says("Aplikasinya muter-muter terus dari kemarin, capek")
    await world.settles()

    found = await satisfaction(budi, ani)
    assert (found["score"], found["comment"]) == (1, "Aplikasinya muter-muter terus dari kemarin, capek")
    assert (await budi.conversation(ani))["status"] == "resolved"
    assert await budi.handoffs(ani) == []
    assert "masukan" in world.sent_to(ani)[-1]


async def test_a_question_after_a_tap_is_answered_and_is_no_comment(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await taps(ani, await closed(world, ani), 3)
    await ani.says(FINE)
    await world.settles()
    assert "2%" in world.sent_to(ani)[-1]
    assert (await satisfaction(budi, ani))["comment"] == ""
    await ani.says("Kantor lagi buka lowongan pegawai tahun ini")
    await world.settles()
    assert len(await budi.handoffs(ani)) == 1


async def test_words_long_after_a_tap_are_no_comment(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await taps(ani, await closed(world, ani), 3)
    await world.passes(2 * HOUR_S)
    await ani.says("Aplikasinya muter-muter terus dari kemarin, capek")
    await world.settles()
    assert (await satisfaction(budi, ani))["comment"] == ""


async def test_the_report_says_nothing_of_what_was_not_asked(world: World):
    budi = await world.operator()
    report = await budi.rest.get("reports/satisfaction")
    assert (report["asked"], report["happy"]) == (0, None)
    since = (world.clock.now() - timedelta(days=1)).replace(tzinfo=None).isoformat()
    assert (await budi.rest.call("GET", f"reports/satisfaction?since={since}")).status_code == 422
