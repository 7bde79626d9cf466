"""Questions and their answers: cited, in the customer's language, once."""

from pathlib import Path

import pytest

from agent.calibration import ANY_LANGUAGE, FILE_NAME, NEVER, Calibration, SendRule
from agent.prompts import PROMPT_VERSION
from knowledge.embed import LocalEmbedder
from sahut.brief import Draft, Sentence
from sahut.errors import ModelFailed
from tests.journeys.lines import FINE, LOST, UNKNOWN
from tests.journeys.stage import World, open_world


@pytest.mark.parametrize(
    ("question", "document", "words", "language"),
    [(FINE, "denda-keterlambatan.md", "2%", "id"), (LOST, "lost-papers.md", "police", "en")],
)
async def test_an_answer_quotes_the_version_that_it_cites(world: World, question, document, words, language):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(question)
    await world.settles()

    (reply,) = ani.received
    assert words in reply.text
    receipt = await budi.receipt(ani, reply)
    assert receipt["decision"] == "reply"
    assert document in {citation["document"] for citation in receipt["citations"]}
    for citation in receipt["citations"]:
        text = await budi.text_of(citation["document"], citation["version"])
        assert text[citation["start"] : citation["end"]] == citation["quote"]
        assert citation["quote"] in reply.text
    assert (await budi.conversation(ani))["language"] == language


async def test_complaint_08_a_figure_that_no_document_holds_is_not_sent(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.model.says(Draft(decision="reply", sentences=(Sentence(text="The fine is Rp 999.999 until 3 May."),)))
    await ani.says(FINE)
    await world.settles()

    (sent,) = world.sent_to(ani)
    assert "999" not in sent
    assert (await budi.receipt(ani, ani.received[0]))["decision"] == "hand_off"


async def test_complaint_08_what_nobody_wrote_down_goes_to_a_human(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(UNKNOWN)
    await world.settles()

    (handoff,) = await budi.handoffs(ani)
    assert (handoff["state"], handoff["lane"]) == ("queued", "support")
    assert handoff["reason"] in {"no_answer", "low_confidence"}
    assert UNKNOWN in handoff["summary"]


async def test_an_answer_that_is_not_sure_enough_is_suggested_to_the_human(
    learned_url: str, embedder: LocalEmbedder, tmp_path: Path
):
    nothing_is_sent = SendRule(max_wrong=0.05, confidence=0.95, thresholds={ANY_LANGUAGE: NEVER})
    (tmp_path / FILE_NAME).write_text(Calibration(send=nothing_is_sent).model_dump_json())
    async with open_world(learned_url, embedder, tmp_path) as world:
        ani, bela, budi = world.customer("Ani"), world.customer("Bela"), await world.operator()
        await ani.says(FINE)
        await bela.says(UNKNOWN)
        await world.settles()

        (handoff,) = await budi.handoffs(ani)
        assert handoff["reason"] == "low_confidence"
        assert "2%" in handoff["suggestion"]
        assert "2%" not in world.sent_to(ani)[0]
        (far_off,) = await budi.handoffs(bela)
        assert far_off["suggestion"] == ""


async def test_a_model_that_is_down_is_replaced_by_quotes(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.model.says(ModelFailed("the server is down"))
    await ani.says(FINE)
    await world.settles()

    assert "2%" in world.sent_to(ani)[0]
    assert (await budi.receipt(ani, ani.received[0]))["model"] == "extractive"


async def test_a_model_that_is_down_and_no_quote_calls_a_human(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    world.model.says(ModelFailed("the server is down"))
    await ani.says(UNKNOWN)
    await world.settles()

    assert len(world.sent_to(ani)) == 1
    assert [item["reason"] for item in await budi.handoffs(ani)] == ["model_failed"]


async def test_every_message_that_the_assistant_sends_has_a_receipt(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    for text in ("Halo", FINE, UNKNOWN):
        await ani.says(text)
        await world.settles()

    receipts = [await budi.receipt(ani, sent) for sent in ani.received]
    assert [receipt["decision"] for receipt in receipts] == ["reply", "reply", "hand_off"]
    for receipt in receipts:
        assert receipt["prompt_version"] == PROMPT_VERSION
        assert receipt["verdict"]["label"] == "fine"
        assert receipt["window_closes_at"] == (await budi.conversation(ani))["window_closes_at"]


async def test_a_reply_that_comes_is_announced_by_blue_ticks(world: World):
    ani = world.customer("Ani")
    wamid = await ani.says(FINE)
    await world.settles()

    assert [(mark.wamid, mark.typing) for mark in world.double.read_marks] == [(wamid, True)]


async def test_the_log_names_conversations_and_never_what_was_said(world: World):
    ani = world.customer("Ani")
    await ani.says(FINE)
    await ani.says("rahasia saya: kucing oranye")
    world.model.says(RuntimeError("boom"))
    await world.passes(10)

    assert any(entry["event"] == "turn taken" for entry in world.logs)
    assert "denda" not in str(world.logs).lower()
    assert "kucing" not in str(world.logs)
