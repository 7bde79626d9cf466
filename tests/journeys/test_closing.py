"""The end of a session: one closing message inside the window, and none where it would not be welcome."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.simulator.faults import Down, LoseAnswer, LoseRequest, Refuse
from knowledge.embed import LocalEmbedder
from sahut.models import AuditEntry, Closing, Conversation
from tests.journeys.closing import DAY_S, HOUR_S, NEAR_THE_END_S, buttons_of, closed, closings_of, is_closing, taps
from tests.journeys.lines import COMPLAINT, FINE, LOST, SPAM, UNKNOWN
from tests.journeys.stage import World, open_world


@pytest.fixture
async def world(learned_url: str, embedder: LocalEmbedder, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(learned_url, embedder, tmp_path, closing=True) as world:
        yield world


# --- when


async def test_an_answered_session_is_closed_once_an_hour_before_its_window_ends(world: World):
    ani = world.customer("Ani")
    await ani.says(FINE)
    await world.passes(NEAR_THE_END_S - 1)
    assert len(ani.received) == 1
    await world.passes(1)
    (closing,) = closings_of(ani)
    await world.passes(3 * DAY_S)

    assert closings_of(ani) == [closing]
    assert all(sent.window_open for sent in world.double.sent)
    assert "Samsat Nusa Raya" in closing.text
    assert [button["title"] for button in buttons_of(closing)] == ["😀 Puas", "😐 Biasa saja", "🙁 Kurang puas"]


async def test_a_resolved_conversation_is_closed_at_once(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.settles()
    await budi.claims(ani)
    await budi.writes(ani, "Belum ada lowongan tahun ini.")
    await world.settles()
    assert closings_of(ani) == []
    await budi.resolves(ani)
    await world.passes(1)

    assert is_closing(ani.received[-1])
    await world.passes(2 * DAY_S)
    assert len(closings_of(ani)) == 1
    assert (await budi.conversation(ani))["status"] == "resolved"


async def test_the_closing_waits_for_the_operators_last_message(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.settles()
    world.double.fail_next(Down(), Down())
    await budi.writes(ani, "Belum ada lowongan tahun ini.")
    await budi.resolves(ani)
    await world.settles()
    await world.sweep()
    assert closings_of(ani) == []
    await world.passes(60)
    assert [is_closing(sent) for sent in ani.received] == [False, False, True]


@pytest.mark.parametrize("words", ["Halo", "Terima kasih", SPAM, "stop"])
async def test_no_closing_where_nothing_was_answered(world: World, words: str):
    ani = world.customer("Ani")
    await ani.says(words)
    await world.passes(2 * DAY_S)
    assert closings_of(ani) == []


async def test_no_closing_after_the_word_stop_ever(world: World):
    ani = world.customer("Ani")
    await ani.says(FINE)
    await world.settles()
    await ani.says("STOP")
    await world.passes(2 * DAY_S)
    await ani.says(FINE)
    await world.passes(2 * DAY_S)
    assert closings_of(ani) == []


async def test_no_closing_after_opting_out_over_rest_and_one_after_opting_in_again(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    contact = (await budi.conversation(ani))["contact"]["id"]
    first = (await budi.rest.post(f"contacts/{contact}/opt-out")).json()["opted_out_at"]
    assert (await budi.rest.post(f"contacts/{contact}/opt-out")).json()["opted_out_at"] == first
    await world.passes(NEAR_THE_END_S)
    assert closings_of(ani) == []
    answered = len(ani.received)
    await ani.says(FINE)
    await world.settles()
    assert len(ani.received) == answered + 1
    assert (await budi.rest.post(f"contacts/{contact}/opt-in")).json()["opted_out_at"] is None
    await world.passes(NEAR_THE_END_S)
    assert len(closings_of(ani)) == 1
    noted = [entry for entry in await world.rows(AuditEntry) if entry.action.startswith("opt_")]
    assert [(entry.actor, entry.action, entry.detail["contact"]) for entry in noted] == [
        ("budi", "opt_out", contact),
        ("budi", "opt_in", contact),
    ]


async def test_no_closing_while_a_human_is_asked_for(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    await ani.says(UNKNOWN)
    await world.passes(2 * DAY_S)
    assert closings_of(ani) == []
    await budi.resolves(ani)
    await world.passes(DAY_S)
    assert closings_of(ani) == []


async def test_no_closing_while_a_human_holds_and_one_after_the_return(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    await budi.takes_over(ani)
    await world.passes(NEAR_THE_END_S + 60)
    assert closings_of(ani) == []
    await budi.returns(ani)
    await world.passes(1)
    assert len(closings_of(ani)) == 1


async def test_no_closing_while_a_question_of_ours_is_open(world: World):
    ani = world.customer("Ani")
    await ani.says(FINE)
    await world.settles()
    await ani.says(COMPLAINT)
    await world.passes(2 * DAY_S)
    assert closings_of(ani) == []


async def test_what_was_answered_in_an_earlier_session_closes_no_later_one(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    await budi.takes_over(ani)
    await world.passes(2 * DAY_S)
    await budi.returns(ani)
    await ani.says("Halo")
    await world.passes(2 * DAY_S)
    assert closings_of(ani) == []


async def test_every_session_has_its_own_closing(world: World):
    ani = world.customer("Ani")
    await ani.says(FINE)
    await world.passes(3 * DAY_S)
    await ani.says(LOST)
    await world.passes(3 * DAY_S)
    assert len(closings_of(ani)) == 2
    assert len(await world.rows(Closing)) == 2


async def test_a_service_that_was_down_closes_late_but_inside_the_window(world: World):
    ani, bela = world.customer("Ani"), world.customer("Bela")
    await ani.says(FINE)
    await world.settles()
    world.clock.advance(1800)
    await bela.says(FINE)
    await world.settles()
    world.clock.advance(DAY_S - 1800 - 30)
    await world.sweep()
    assert closings_of(ani) == []  # in the margin of her window
    assert len(closings_of(bela)) == 1


async def test_what_an_operator_adds_after_the_closing_needs_no_second_one(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    closing = await closed(world, ani)
    await taps(ani, closing, 3)
    await budi.writes(ani, "Oh ya, bawa juga KTP asli.")
    await budi.resolves(ani)
    await world.passes(2 * DAY_S)
    assert closings_of(ani) == [closing]


# --- the customer wins at the border


async def test_a_message_that_waits_for_its_answer_keeps_the_closing_away(world: World):
    ani = world.customer("Ani")
    await ani.says(FINE)
    await world.passes(NEAR_THE_END_S - 1)
    world.model.hold()
    await ani.says(LOST)
    await world.passes(30)
    assert closings_of(ani) == []
    world.model.go_on()
    await world.passes(NEAR_THE_END_S - 60)
    assert closings_of(ani) == []
    await world.passes(HOUR_S)
    assert len(closings_of(ani)) == 1


async def test_a_message_after_the_closing_was_queued_drops_it_and_it_comes_again_later(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    world.clock.advance(NEAR_THE_END_S)
    assert await world.house.worker.look() != []  # queued, and not yet sent
    await ani.says("Terima kasih")
    await world.settles()
    assert closings_of(ani) == []
    assert "dropped" in [message["state"] for message in await budi.messages(ani)]

    await world.passes(NEAR_THE_END_S)
    assert len(closings_of(ani)) == 1
    assert len(await world.rows(Closing)) == 1


async def test_a_takeover_after_the_closing_was_queued_drops_it(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    world.clock.advance(NEAR_THE_END_S)
    await world.house.worker.look()
    await budi.takes_over(ani)
    await world.passes(60)
    assert closings_of(ani) == []


# --- faults


@pytest.mark.parametrize("fault", [LoseAnswer(), LoseRequest(), Down(), Refuse(131016)])
async def test_one_closing_whatever_the_network_does(world: World, fault):
    ani = world.customer("Ani")
    await ani.says(FINE)
    await world.settles()
    world.double.fail_next(fault)
    await world.passes(2 * DAY_S)
    assert len(closings_of(ani)) == 1


async def test_a_closing_that_meta_refuses_calls_no_human(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    world.double.fail_next(Refuse(131026))
    await world.passes(2 * DAY_S)
    assert closings_of(ani) == []
    assert await budi.handoffs(ani) == []


@pytest.mark.parametrize(("language", "question"), [("en", LOST), ("id", FINE)])
async def test_the_closing_speaks_the_customers_language(world: World, language: str, question: str):
    ani = world.customer("Ani")
    await ani.says(question)
    await world.passes(NEAR_THE_END_S)
    titles = [button["title"] for button in buttons_of(closings_of(ani)[0])]
    assert titles[0] == {"en": "😀 Happy", "id": "😀 Puas"}[language]


async def test_the_house_that_closes_nothing(learned_url: str, embedder: LocalEmbedder, tmp_path: Path):
    async with open_world(learned_url, embedder, tmp_path) as world:
        ani = world.customer("Ani")
        await ani.says(FINE)
        await world.passes(2 * DAY_S)
        assert len(ani.received) == 1
        (conversation,) = await world.rows(Conversation)
        assert conversation.answered_at is not None
