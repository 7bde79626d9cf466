"""A chat server that answers anything, over real HTTP and the real client: every turn has an outcome that was decided.

What the client does with each answer alone is tried in `tests/agent/test_model.py`; here the whole turn is.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from openai import AsyncOpenAI

from agent.model import OpenAIChat
from knowledge.embed import LocalEmbedder
from sahut.models import Ticket, ToolCallRow
from sahut.testing import openai_server as server
from sahut.testing.openai_server import OpenAIScript, Scripted
from sahut.turn import Reply
from tests.agent.plays import FINES_EN, Play, Shelf, play
from tests.agent.test_acting import rows
from tests.databases import Templates

QUESTION = "What is the late fine on my vehicle tax?"
RIGHT = "The late fine on vehicle tax is 2% a month, for at most 24 months."
Stage = Callable[..., AbstractAsyncContextManager[tuple[Play, OpenAIScript]]]


@pytest.fixture
def stage(templates: Templates, embedder: LocalEmbedder, tmp_path: Path) -> Stage:
    @asynccontextmanager
    async def open_stage(*answers: Scripted) -> AsyncIterator[tuple[Play, OpenAIScript]]:
        script = OpenAIScript(answers)
        listening = socket.create_server(("127.0.0.1", 0))
        serving = uvicorn.Server(uvicorn.Config(script.app, log_level="error", lifespan="off"))
        task = asyncio.create_task(serving.serve(sockets=[listening]))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        client = AsyncOpenAI(api_key="k", base_url=url, max_retries=0)
        model = OpenAIChat("m", client, cache=tmp_path)
        try:
            database = templates.sqlite(tmp_path / "server.db")
            async with play(database, embedder, model=model, shelf=Shelf((FINES_EN,))) as customer:
                yield customer, script
        finally:
            await client.close()
            serving.should_exit = serving.force_exit = True
            await task

    return open_stage


def is_embedded(reply: Reply) -> bool:
    """Whether the embedded model answered instead, with a quote."""
    return (reply.decision, reply.model) == ("reply", "extractive") and "2%" in reply.text and bool(reply.citations)


UNUSABLE = {
    "broken JSON": server.broken(),
    "an answer that breaks off": server.text('{"decision": "reply", "sentences": [{"text": "2'),
    "no JSON at all": server.text("Just pay 5% at https://evil.example"),
    "an empty text": server.text(""),
    "a nested abyss": server.text('{"decision": ' + "[" * 50_000),
    "an unknown decision": server.structured("pay", ("5%", [])),
    "an unknown tool": server.calls("launch_rocket", {"at": "dawn"}),
    "a tool's arguments as a list": server.calls("create_ticket", [1, 2]),
    "a tool's arguments in pieces": server.calls("create_ticket", '{"topic": '),
    "an error": server.fails(500),
    "a refusal of the key": server.fails(401),
}


@pytest.mark.parametrize("what", UNUSABLE)
async def test_what_cannot_be_used_is_answered_by_a_quote(stage: Stage, what: str) -> None:
    async with stage(UNUSABLE[what]) as (customer, script):
        reply = await customer.says(QUESTION)
        store = customer.deps.store
        left = [await rows(store, Ticket), await rows(store, ToolCallRow)]
    assert is_embedded(reply), reply.text
    assert left == [[], []]
    assert 1 <= len(script.requests) <= 4


WRONG: dict[str, Any] = {
    "a number for a text": {"topic": 7, "description": "x"},
    "a list for a text": {"topic": ["a"], "description": "x"},
    "nothing for a text": {"topic": None, "description": "x"},
    "an argument too many": {"topic": "a", "description": "x", "contact_id": "victim"},
    "one too few": {"topic": "a"},
    "a text too long": {"topic": "a", "description": "x" * 50_000},
    "an object for a text": {"topic": {"$ne": 1}, "description": "x"},
}


@pytest.mark.parametrize("what", WRONG)
async def test_wrong_arguments_are_refused_and_told_to_the_model(stage: Stage, what: str) -> None:
    calls = server.calls("create_ticket", WRONG[what])
    async with stage(calls, server.replies(RIGHT, sources=[1])) as (customer, script):
        reply = await customer.says(QUESTION)
        left = await rows(customer.deps.store, Ticket)
    assert [call.state for call in reply.tool_calls] == ["refused"]
    assert script.requests[1]["messages"][-1]["content"].startswith("refused: ")
    assert (reply.decision, reply.model, left) == ("reply", "m", [])


async def test_an_endless_loop_of_tools_ends(stage: Stage) -> None:
    async with stage(server.calls("find_order", {"order": "7"})) as (customer, script):
        reply = await customer.says(QUESTION)
    assert len(script.requests) == 4
    assert [call.state for call in reply.tool_calls] == ["done"] * 4
    assert (reply.decision, reply.model) == ("reply", "extractive")


async def test_a_hundred_calls_at_once_are_cut(stage: Stage) -> None:
    one = {"id": "c", "type": "function", "function": {"name": "note_interest", "arguments": '{"product": "x"}'}}
    many = [{**one, "id": f"c{at}", "function": {**one["function"], "arguments": json.dumps({"product": str(at)})}}
            for at in range(100)]  # fmt: skip
    answer = server.Answer({"content": None, "tool_calls": many}, finish_reason="tool_calls")
    async with stage(answer, server.replies(RIGHT, sources=[1])) as (customer, _):
        reply = await customer.says("I would love to own one of your bicycles")
        done = await rows(customer.deps.store, ToolCallRow)
    # One is within the limit of a turn, the others are not.
    assert len(done) == 1
    assert {call.denied for call in reply.tool_calls if call.state == "refused"} == {"per_turn"}
    assert len(reply.tool_calls) <= 9


async def test_an_answer_of_fifty_thousand_characters_is_no_flood(stage: Stage) -> None:
    long = " ".join([RIGHT] * 700)
    async with stage(server.structured("reply", *[(f"{RIGHT} ({at} words)", [1]) for at in range(700)])) as (ani, _):
        many = await ani.says(QUESTION)
    async with stage(server.replies(long, sources=[1])) as (ani, _):
        one = await ani.says(QUESTION)
    assert len(long) > 45_000
    for reply in (many, one):
        assert len(reply.text) <= 4096
        assert reply.decision in ("reply", "hand_off")


async def test_a_message_of_fifty_thousand_characters_is_no_flood_either(stage: Stage) -> None:
    async with stage(server.replies(RIGHT, sources=[1])) as (customer, script):
        reply = await customer.says(f"{QUESTION} {'please ' * 8000}")
    assert reply.decision in ("reply", "hand_off")
    assert sum(len(json.dumps(row)) for row in script.requests[0]["messages"]) < 30_000


@pytest.mark.parametrize(
    "said",
    [
        "Pajak kendaraan yang terlambat dibayar dikenai denda dua persen setiap bulan, paling lama dua puluh bulan.",
        "Die Strafe für verspätete Zahlung der Kraftfahrzeugsteuer beträgt zwei Prozent je Monat.",
    ],
)
async def test_an_answer_in_another_language_is_asked_for_once_more(stage: Stage, said: str) -> None:
    async with stage(server.replies(said, sources=[1]), server.replies(RIGHT, sources=[1])) as (customer, script):
        reply = await customer.says(QUESTION)
    assert (reply.decision, reply.text) == ("reply", RIGHT)
    assert "English" in script.requests[1]["messages"][-1]["content"]


async def test_one_that_stays_in_another_language_is_replaced_by_a_quote(stage: Stage) -> None:
    said = "Pajak kendaraan yang terlambat dibayar dikenai denda dua persen setiap bulan, paling lama dua tahun."
    async with stage(server.replies(said, sources=[1])) as (customer, _):
        reply = await customer.says(QUESTION)
    assert is_embedded(reply)


async def test_a_lie_with_a_source_is_not_sent(stage: Stage) -> None:
    lie = server.structured(
        "reply", ("The fine is 9% a month; pay at https://evil.example or call +62 811 9999 0000.", [1])
    )
    async with stage(lie) as (customer, _):
        reply = await customer.says(QUESTION)
    assert "9%" not in reply.text
    assert "evil" not in reply.text
