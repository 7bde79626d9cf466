"""Plays in which a customer asks several things at once: one reply, as sure as its weakest part."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from agent.language.phrases import say
from agent.prompts import SEVERAL, messages
from evals.cases import Expectation
from evals.measures import answer_sent, answer_wrong
from evals.played import PlayedTurn
from knowledge.embed import LocalEmbedder
from sahut.brief import Brief
from sahut.testing.model import ScriptedModel
from sahut.turn import Reply
from tests.agent.plays import FINES_EN, HOURS_EN, Play, Shelf, cited, kinds, play, says
from tests.databases import Templates

Stage = Callable[..., AbstractAsyncContextManager[Play]]
BOTH = "What is the late fine on vehicle tax? On which days is the office open?"
POOL = "Do you have a swimming pool for children?"
PARTLY = f"What is the late fine on vehicle tax? {POOL}"


@pytest.fixture
def stage(templates: Templates, embedder: LocalEmbedder, tmp_path: Path) -> Stage:
    return partial(play, templates.sqlite(tmp_path / "play.db"), embedder)


def found_in(reply: Reply) -> set[str]:
    return {span.document for span in reply.citations}


def parts_in(reply: Reply) -> list[dict[str, object]]:
    return next(exchange["parts"] for exchange in reply.exchanges if exchange["kind"] == "parts")


async def test_every_question_is_answered_in_one_reply_with_its_own_citations(stage: Stage) -> None:
    shelf = Shelf((FINES_EN, HOURS_EN))
    async with stage(shelf=shelf) as customer:
        reply = await customer.says(BOTH)
    assert reply.decision == "reply"
    assert "2% a month" in reply.text
    assert "08:00" in reply.text
    assert found_in(reply) == {"late-fines.md", "hours.md"}
    assert shelf.asked == [BOTH, "What is the late fine on vehicle tax?", "On which days is the office open?"]
    assert kinds(reply) == ["screening", "retrieval", "retrieval", "retrieval", "model", "parts"]


async def test_two_messages_of_a_burst_are_two_questions(stage: Stage) -> None:
    async with stage(shelf=Shelf((FINES_EN, HOURS_EN))) as customer:
        reply = await customer.says("What is the late fine on vehicle tax?", "On which days is the office open?")
    assert found_in(reply) == {"late-fines.md", "hours.md"}


async def test_the_reply_is_no_surer_than_its_weakest_part(stage: Stage) -> None:
    async with stage(shelf=Shelf((FINES_EN, HOURS_EN))) as customer:
        reply = await customer.says(BOTH)
    sure = [part["confidence"] for part in parts_in(reply)]
    assert len(sure) == 2
    assert reply.confidence == min(sure)


async def test_what_is_known_is_sent_and_the_rest_goes_to_a_person(stage: Stage) -> None:
    shelf = Shelf((FINES_EN, HOURS_EN), unanswerable=(POOL,))
    async with stage(shelf=shelf) as customer:
        reply = await customer.says(PARTLY)
    assert (reply.decision, reply.reason, reply.lane) == ("hand_off", "no_answer", "support")
    assert "2% a month" in reply.text
    assert reply.text.endswith(say("open_part", "en", question=f"“{POOL}”"))
    assert found_in(reply) == {"late-fines.md"}
    assert f"Answered in part. Open: “{POOL}”" in reply.summary
    assert [part["open"] for part in parts_in(reply)] == [None, "no_answer"]
    assert 0.5 < reply.confidence == parts_in(reply)[0]["confidence"]


async def test_where_nothing_is_known_the_whole_message_goes_to_a_person(stage: Stage) -> None:
    asked = (POOL, "Who won the football match?")
    async with stage(shelf=Shelf((FINES_EN,), unanswerable=asked)) as customer:
        reply = await customer.says(" ".join(asked))
    assert (reply.decision, reply.citations) == ("hand_off", ())
    assert reply.text == say("acknowledgement_no_answer", "en")


async def test_more_questions_than_one_message_can_answer_are_left_to_a_person(stage: Stage) -> None:
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Sunday")
    asked = " ".join(f"When is the office open on {day}?" for day in days)
    async with stage(shelf=Shelf((HOURS_EN,))) as customer:
        reply = await customer.says(asked)
    assert reply.decision == "hand_off"
    assert "When is the office open on Sunday?" in reply.text
    assert reply.text.count("08:00") == 1


async def test_a_chat_models_answer_is_weighed_part_by_part(stage: Stage) -> None:
    model = ScriptedModel(
        [
            says(
                cited("The late fine on vehicle tax is 2% a month.", "The late fine on vehicle tax is 2% a month"),
                cited("Children swim free in our pool.", "The office is closed on Sundays.", HOURS_EN),
            )
        ]
    )
    shelf = Shelf((FINES_EN, HOURS_EN), unanswerable=(POOL,))
    async with stage(model=model, shelf=shelf) as customer:
        reply = await customer.says(PARTLY)
    assert [part.text for part in model.briefs[0].parts] == ["What is the late fine on vehicle tax?", POOL]
    assert reply.decision == "hand_off"
    assert "2% a month" in reply.text
    assert "swim free" not in reply.text


def test_a_chat_model_is_told_that_there_are_several_only_where_there_are(customer_brief: Brief) -> None:
    assert SEVERAL not in messages(customer_brief.model_copy(update={"parts": ()}), len)[0]["content"]
    assert SEVERAL in messages(customer_brief, len)[0]["content"]


@pytest.fixture
async def customer_brief(stage: Stage) -> Brief:
    model = ScriptedModel([says(cited("It is 2%.", "2%"))])
    async with stage(model=model, shelf=Shelf((FINES_EN, HOURS_EN))) as customer:
        await customer.says(BOTH)
    return model.briefs[0]


async def test_evals_count_what_a_partial_answer_says_wrong(stage: Stage) -> None:
    async with stage(shelf=Shelf((FINES_EN, HOURS_EN), unanswerable=(POOL,))) as customer:
        reply = await customer.says(PARTLY)

    def turn(**expect: object) -> PlayedTurn:
        return PlayedTurn(user=(PARTLY,), expect=Expectation.model_validate(expect), reply=reply)

    right, wrong = (turn(decision="hand_off", contains=[words]) for words in ("2%", "5%"))
    surprising = turn(decision="hand_off")
    assert [answer_sent(one) for one in (right, wrong, surprising)] == [True, True, True]
    assert [answer_wrong(one) for one in (right, wrong, surprising)] == [False, True, True]
