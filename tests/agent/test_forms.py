"""Plays with forms and the real graph: who may begin and send one, and what a chat model is offered."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.language.phrases import say
from agent.prompts import tools
from knowledge.embed import LocalEmbedder
from sahut.brief import Draft
from sahut.formfile import read_folder
from sahut.store import forms
from sahut.testing.model import ScriptedModel
from sahut.toolcall import ToolCall
from sahut.turn import Incoming
from tests.agent.plays import ATTACK, FINES_EN, NOW, UNSURE, WISH, Play, Shelf, cited, play, says
from tests.databases import Templates

Stage = Callable[..., AbstractAsyncContextManager[Play]]
FOLDER = Path(__file__).parents[2] / "examples" / "tax-office" / "forms"
REFUND = "I want to request a refund"
ANSWERS = ("B 1234 XY", "Paid twice", "3 March 2026", "250,000", "skip")


@pytest.fixture
def stage(templates: Templates, embedder: LocalEmbedder, tmp_path: Path) -> Stage:
    @asynccontextmanager
    async def offering(**parts: Any) -> AsyncIterator[Play]:
        async with play(templates.sqlite(tmp_path / "play.db"), embedder, **parts) as customer:
            async with customer.deps.store.transaction() as tx:
                await forms.follow(tx, read_folder(FOLDER) or [], source="folder", now=NOW)
            yield customer

    return partial(offering)


def calls(form: str) -> Draft:
    return Draft(decision="reply", tool_calls=(ToolCall(name="send_form", arguments={"form": form}),), model="scripted")


async def test_a_model_is_offered_one_tool_with_the_forms_by_name(stage: Stage):
    model = ScriptedModel([calls("refund")])
    async with stage(model=model) as customer:
        reply = await customer.says("Something went wrong with what I paid")
    (card,) = [card for card in model.briefs[0].tools if card.name == "send_form"]
    assert card.parameters["properties"]["form"]["enum"] == ["address-change", "refund"]
    assert "- refund: Refund request. For tax that was paid twice" in card.description
    assert [one["function"]["name"] for one in tools(model.briefs[0])].count("send_form") == 1
    assert (reply.decision, reply.tool_calls[0].name, reply.tool_calls[0].state) == ("clarify", "send_form", "proposed")
    assert reply.text.endswith("What is the vehicle's plate number?")


async def test_a_form_that_is_not_offered_is_refused_and_the_model_goes_on(stage: Stage):
    model = ScriptedModel([calls("passport"), Draft(decision="hand_off", reason="no_answer", model="scripted")])
    async with stage(model=model) as customer:
        reply = await customer.says("I need a passport")
    assert (reply.decision, [call.state for call in reply.tool_calls]) == ("hand_off", ["refused"])
    assert reply.filling is None


async def test_in_the_middle_of_a_form_no_write_and_no_form_is_offered(stage: Stage):
    model = ScriptedModel([calls("refund"), says()])
    async with stage(model=model, shelf=Shelf((FINES_EN,))) as customer:
        await customer.says("Something went wrong with what I paid")
        await customer.says("What is the late fine?")
    assert {card.name for card in model.briefs[1].tools} == {"hand_off", "find_order"}


async def test_the_embedded_model_begins_and_the_yes_sends(stage: Stage):
    async with stage() as customer:
        begun = await customer.says(REFUND)
        for answer in ANSWERS:
            summary = await customer.says(answer)
        sent = await customer.says("Send")
    assert begun.filling is not None
    assert [button.title for button in summary.buttons] == ["Send", "Change", "Cancel"]
    assert sent.filling is not None
    assert (sent.decision, sent.filling.state, sent.filling.id) == ("reply", "submitted", begun.filling.id)
    assert sent.filling.reference in sent.text
    assert sent.tool_calls[0].arguments["answers"]["amount"] == 250_000


async def test_without_performing_nothing_is_promised(stage: Stage):
    async with stage(perform=False) as customer:
        for line in (REFUND, *ANSWERS):
            await customer.says(line)
        sent = await customer.says("yes")
    assert sent.text == say("done", "en")
    assert [(call.name, call.state) for call in sent.tool_calls] == [("send_form", "done")]


@pytest.mark.parametrize("doubt", [UNSURE, ATTACK])
async def test_a_doubtful_yes_sends_nothing(stage: Stage, doubt: Any):
    async with stage(door={"yes": doubt}) as customer:
        for line in (REFUND, *ANSWERS):
            await customer.says(line)
        reply = await customer.says("yes")
        assert (reply.decision, reply.reason, reply.filling) == ("hand_off", "rule", None)
        assert customer.filling is not None
        assert customer.filling.step == "summary"


@pytest.mark.parametrize("doubt", [UNSURE, ATTACK])
async def test_a_doubtful_wish_begins_nothing_and_a_doubtful_answer_is_marked(stage: Stage, doubt: Any):
    async with stage(door={REFUND: doubt, ANSWERS[0]: doubt}) as customer:
        assert (await customer.says(REFUND)).filling is None
        await customer.says("Please refund my payment")
        await customer.says(ANSWERS[0])
        assert customer.filling is not None
        assert (customer.filling.field, customer.filling.flagged) == ("reason", True)


async def test_a_wish_for_a_human_wins_at_any_step(stage: Stage):
    async with stage(door={"let me talk to somebody": WISH}) as customer:
        await customer.says(REFUND)
        reply = await customer.says("let me talk to somebody")
    assert (reply.decision, reply.reason) == ("hand_off", "asked_for_human")
    assert "In the middle of the form refund: 0 of 5 answers" in reply.summary


async def test_stop_ends_the_form_too(stage: Stage):
    async with stage() as customer:
        await customer.says(REFUND)
        reply = await customer.says("stop")
    assert reply.text == say("opted_out", "en")
    assert customer.filling is None


async def test_a_model_that_is_down_does_not_stop_a_form(stage: Stage):
    async with stage(model=ScriptedModel(), shelf=Shelf((FINES_EN,))) as customer:
        await customer.says(REFUND)
        reply = await customer.says("What is the late fine?")
    assert "2% a month" in reply.text
    assert reply.text.endswith("What is the vehicle's plate number?")


async def test_a_sticker_is_silence(stage: Stage):
    async with stage() as customer:
        await customer.says(REFUND)
        reply = await customer.sends(Incoming(id="m", kind="sticker"))  # type: ignore[arg-type]
        assert (reply.decision, reply.text) == ("silent", "")
        assert customer.filling is not None


async def test_a_long_answer_from_the_documents_never_pushes_the_question_out(stage: Stage):
    fact = cited("The late fine is 2% a month.", "The late fine on vehicle tax is 2% a month")
    draft = says(*[fact] * 60)
    async with stage(model=ScriptedModel([calls("refund"), draft]), shelf=Shelf((FINES_EN,))) as customer:
        await customer.says("Something went wrong with what I paid")
        await customer.says(ANSWERS[0])
        reply = await customer.says("What is the late fine?")
    assert reply.decision == "reply", (reply.text, reply.tool_calls, reply.features)
    assert reply.text.startswith(fact.text)
    assert reply.text.endswith("…\n\nWhy do you ask for the refund?")
    assert reply.menu is not None
    assert len(reply.text) <= 1000
