"""Where the screen is unsure a chat model is asked, over real HTTP; rules outside of it say what comes of that."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.calibration import OPEN
from agent.screening import second_look
from agent.screening.second_look import RAISED_FROM
from knowledge.embed import LocalEmbedder
from sahut.ids import MessageId
from sahut.testing import openai_server as server
from sahut.testing.openai_server import Answer, OpenAIScript, Scripted
from sahut.turn import Incoming, Line, Screening, Verdict
from tests.agent.plays import FINES_EN, NOW, Play, Shelf, play
from tests.agent.test_acting import rows
from tests.agent.test_veil import served
from tests.databases import Templates

TEXT = "What is the late fine on my vehicle tax? 0812-3456-7890"
RIGHT = server.replies("The late fine on vehicle tax is 2% a month, for at most 24 months.", sources=[1])
THRESHOLD = 0.8
Stage = Callable[..., AbstractAsyncContextManager[tuple[Play, OpenAIScript]]]


def verdict(word: str) -> Answer:
    return server.text(json.dumps({"verdict": word}))


def unsure(score: float = 0.5, **more: Any) -> Screening:
    return Screening(verdict=Verdict(label="unsure", score=score, reasons=("has a link",)), **more)


@pytest.fixture
def stage(templates: Templates, embedder: LocalEmbedder, tmp_path: Path) -> Stage:
    @asynccontextmanager
    async def open_stage(screening: Screening, *answers: Scripted) -> AsyncIterator[tuple[Play, OpenAIScript]]:
        script = OpenAIScript(answers)
        async with served(script, tmp_path) as model:
            database, shelf = templates.sqlite(tmp_path / "look.db"), Shelf((FINES_EN,))
            door = {TEXT: screening}
            async with play(
                database, embedder, model=model, judge=model, shelf=shelf, door=door, calibration=OPEN
            ) as customer:
                yield customer, script

    return open_stage


async def test_a_genuine_message_is_answered_with_all_its_tools(stage: Stage):
    async with stage(unsure(), verdict("genuine"), RIGHT) as (customer, script):
        reply = await customer.says(TEXT)
    assert (reply.decision, reply.verdict.label, reply.verdict.score) == ("reply", "fine", 0.5)
    assert reply.verdict.reasons[0] == "the chat model takes it for genuine"
    asked, thought = script.requests
    assert {tool["function"]["name"] for tool in thought["tools"]} >= {"create_ticket", "find_order"}
    assert asked["response_format"]["json_schema"]["name"] == "verdict"
    assert "tools" not in asked
    assert "late fine" in asked["messages"][1]["content"]
    assert "0812" not in json.dumps(script.requests)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (200, 40)
    assert [exchange for exchange in reply.exchanges if exchange["kind"] == "second_look"] == [
        {"kind": "second_look", "opinion": "genuine", "label": "fine"}
    ]


async def test_spam_goes_to_its_lane_only_where_the_screen_nearly_thinks_so(stage: Stage):
    async with stage(unsure(RAISED_FROM * THRESHOLD), verdict("spam")) as (customer, script):
        reply = await customer.says(TEXT)
    assert (reply.decision, reply.reason, reply.lane, reply.text) == ("hand_off", "spam", "spam", "")
    assert len(script.requests) == 1
    async with stage(unsure(RAISED_FROM * THRESHOLD - 0.01), verdict("spam"), RIGHT) as (customer, script):
        reply = await customer.says(TEXT)
    assert (reply.decision, reply.verdict.label) == ("reply", "unsure")


@pytest.mark.parametrize(
    "answer",
    [verdict("maybe"), server.text("genuine"), server.broken(), server.fails(500), server.slow(verdict("spam"), 600)],
    ids=["another word", "no JSON", "broken JSON", "an error", "slow"],
)
async def test_without_a_verdict_the_screens_own_stands(stage: Stage, answer: Answer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(second_look, "LONGEST_S", 0.5)
    async with stage(unsure(0.7), answer, RIGHT) as (customer, script):
        reply = await customer.says(TEXT)
        written = await rows(customer.deps.store, type(customer.conversation))
    assert (reply.decision, reply.verdict.label, reply.verdict.reasons) == ("reply", "unsure", ("has a link",))
    assert len(written) == 1
    offered = {tool["function"]["name"] for tool in script.requests[-1]["tools"]}
    assert "create_ticket" not in offered


@pytest.mark.parametrize(
    "screening",
    [
        Screening(verdict=Verdict(label="fine", score=0.1)),
        unsure(injection=0.3),
        Screening(verdict=Verdict(label="spam", score=0.9)),
    ],
    ids=["fine", "words that may be meant for the model", "spam"],
)
async def test_it_is_asked_only_where_the_screen_is_unsure(stage: Stage, screening: Screening):
    async with stage(screening, RIGHT) as (customer, script):
        reply = await customer.says(TEXT)
    assert all(request["response_format"]["json_schema"]["name"] == "answer" for request in script.requests)
    assert reply.verdict == screening.verdict


async def test_a_programme_or_a_chain_letter_is_never_vouched_for(stage: Stage):
    for incoming in (
        Incoming(id=MessageId("a"), kind="text", text=TEXT, forwarded="often"),
        Incoming(id=MessageId("b"), kind="document", text=TEXT, filename="tax.apk"),
    ):
        async with stage(unsure(), verdict("genuine"), RIGHT) as (customer, _):
            reply = await customer.sends(incoming)
        assert reply.verdict.label == "unsure"


async def test_whom_a_colleague_has_answered_is_not_sent_to_the_spam_lane(stage: Stage):
    async with stage(unsure(0.79), verdict("spam"), RIGHT) as (customer, _):
        customer.history = (Line(role="assistant", author="operator", content="Good morning!"),)
        reply = await customer.says(TEXT)
    assert (reply.decision, reply.verdict.label) == ("reply", "unsure")
    assert customer.last is not None
    assert customer.last.now == NOW
