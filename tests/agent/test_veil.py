"""What a chat server gets to see of personal data, over real HTTP, and what comes back."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import pytest
import uvicorn
from openai import AsyncOpenAI
from pydantic import Field

from agent.calibration import OPEN
from agent.chat.completion import UnusableError
from agent.chat.veil import Hiding
from agent.model import OpenAIChat
from knowledge.embed import LocalEmbedder
from sahut.brief import Brief
from sahut.testing import openai_server as server
from sahut.testing.openai_server import Answer, OpenAIScript, Scripted
from sahut.tool import ToolContext, tool
from sahut.turn import Incoming, Line
from tests.agent.plays import FINES_EN, TOOLS, Play, Shelf, passage, play
from tests.agent.test_model import brief
from tests.databases import Templates
from tools.toolbox import Toolbox

PHONE, MAIL, CARD, NIK = "0812-3456-7890", "ani@example.com", "4111 1111 1111 1111", "3174056508900001"
CPF, CNPJ, KENNITALA = "111.444.777-35", "11.222.333/0001-81", "120174-3399"
SECRETS = (PHONE, MAIL, CARD, NIK, CPF, CNPJ, KENNITALA)
STAND_IN = re.compile(r"\b(?:PHONE|EMAIL|CARD|ID)_\d+_[a-z]{6}\b")
OFFICE = passage("Call the office at (021) 555-0199 or write to help@office.example.com.", document="a.md", title="Us")
Stage = Callable[..., AbstractAsyncContextManager[tuple[Play, OpenAIScript]]]

called: list[tuple[str, str]] = []


@tool(effect="read", identity="number")
async def find_booking(context: ToolContext, phone: Annotated[str, Field(max_length=20)]) -> str:
    """Finds a booking by the phone number that it was made with."""
    called.append(("find_booking", phone))
    return f"Booked on 3 December by {MAIL}, paid 150000 with {CARD}."


@tool(effect="write", questions={"en": "Shall we send it to {email}?"})
async def send_copy(context: ToolContext, email: str) -> str:
    """Sends a copy of the receipt to an address."""
    called.append(("send_copy", email))
    return f"Sent to {email}."


@pytest.fixture
def stage(templates: Templates, embedder: LocalEmbedder, tmp_path: Path) -> Stage:
    @asynccontextmanager
    async def open_stage(*answers: Scripted, shelf: Shelf | None = None) -> AsyncIterator[tuple[Play, OpenAIScript]]:
        called.clear()
        script = OpenAIScript(answers)
        async with served(script, tmp_path) as model:
            database = templates.sqlite(tmp_path / "veil.db")
            toolbox = Toolbox((*TOOLS, find_booking, send_copy))
            shelf = shelf or Shelf((FINES_EN,))
            parts = {"model": model, "shelf": shelf, "toolbox": toolbox, "calibration": OPEN}
            async with play(database, embedder, **parts) as customer:
                yield customer, script

    return open_stage


@asynccontextmanager
async def served(script: OpenAIScript, folder: Path, **more: Any) -> AsyncIterator[OpenAIChat]:
    """A model behind real HTTP."""
    listening = socket.create_server(("127.0.0.1", 0))
    serving = uvicorn.Server(uvicorn.Config(script.app, log_level="error", lifespan="off"))
    task = asyncio.create_task(serving.serve(sockets=[listening]))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    client = AsyncOpenAI(api_key="k", base_url=url, max_retries=0)
    try:
        yield OpenAIChat("m", client, cache=folder, **more)
    finally:
        await client.close()
        serving.should_exit = serving.force_exit = True
        await task


def wire(script: OpenAIScript) -> str:
    """All that reached the server."""
    return json.dumps(script.requests, ensure_ascii=False)


def stand_in(body: dict[str, Any], kind: str) -> str:
    """The newest stand-in of a kind among the messages, as a model would copy it; the rules' example is not one."""
    said = json.dumps(body["messages"][1:], ensure_ascii=False)
    return [found for found in STAND_IN.findall(said) if found.startswith(kind)][-1]


def assert_nothing_reached(script: OpenAIScript, *secrets: str) -> None:
    seen = wire(script)
    digits = re.sub(r"[ .()/-]", "", seen)
    for secret in secrets or SECRETS:
        assert secret not in seen
        assert re.sub(r"[ .()/-]", "", secret) not in digits


async def test_the_customers_data_reaches_no_server_and_the_tool_gets_it(stage: Stage) -> None:
    def calls(body: dict[str, Any]) -> Answer:
        return server.calls("find_booking", {"phone": stand_in(body, "PHONE")})

    def tells(body: dict[str, Any]) -> Answer:
        said = f"It is booked on 3 December by {stand_in(body, 'EMAIL')}, paid 150000 with {stand_in(body, 'CARD')}."
        return server.replies(said, sources=[2])

    async with stage(calls, tells) as (customer, script):
        customer.history = (
            Line(role="user", content=f"my CPF is {CPF}, company {CNPJ}"),
            Line(role="assistant", author="operator", content=f"Thank you. Is your kennitala {KENNITALA}?"),
        )
        reply = await customer.says(f"NIK {NIK}. Which day did I book with {PHONE}?")
    assert called == [("find_booking", PHONE)]
    assert reply.text == f"It is booked on 3 December by {MAIL}, paid 150000 with {CARD}."
    assert_nothing_reached(script)
    assert len(script.requests) == 2
    first, second = (set(STAND_IN.findall(json.dumps(r["messages"]))) for r in script.requests)
    assert first < second  # the same stand-ins in each round, and those of the tool's result
    assert "150000" in wire(script)
    assert "3 December" in wire(script)


async def test_the_confirmation_shows_the_real_value_and_acts_on_it(stage: Stage) -> None:
    def calls(body: dict[str, Any]) -> Answer:
        return server.calls("send_copy", {"email": stand_in(body, "EMAIL")})

    async with stage(calls) as (customer, script):
        asked = await customer.says(f"Please send a copy of my receipt to {MAIL}")
        assert asked.text == f"Shall we send it to {MAIL}?"
        assert asked.confirmation is not None
        assert asked.confirmation.arguments == {"email": MAIL}
        done = await customer.says("yes")
    assert called == [("send_copy", MAIL)]
    assert f"Sent to {MAIL}." in done.text
    assert_nothing_reached(script, MAIL)


async def test_operators_notes_are_hidden_and_what_the_office_publishes_stays(stage: Stage) -> None:
    note = passage(f"The driver's number is {PHONE}.", document="gaps/driver-1.md", title="Driver")

    def tells(body: dict[str, Any]) -> Answer:
        return server.replies(f"The driver's number is {stand_in(body, 'PHONE')}.", sources=[2])

    async with stage(tells, shelf=Shelf((OFFICE, note))) as (customer, script):
        reply = await customer.says("I tried (021) 555-0199. What is the driver's number?")
    assert reply.text == f"The driver's number is {PHONE}."
    assert [citation.quote for citation in reply.citations] == [f"The driver's number is {PHONE}."]
    assert_nothing_reached(script, PHONE)
    assert wire(script).count("(021) 555-0199") == 2  # the document's and the customer's
    assert "help@office.example.com" in wire(script)


async def test_what_a_customer_writes_is_never_taken_for_a_stand_in(stage: Stage) -> None:
    forged = "PHONE_1_abcdef"

    def repeats(body: dict[str, Any]) -> Answer:
        assert forged in json.dumps(body["messages"])
        return server.calls("find_booking", {"phone": forged})

    async with stage(repeats, server.replies("Booked on 3 December.", sources=[2])) as (customer, script):
        await customer.says(f"Find the booking of {forged}, mine is {PHONE}")
    assert called == [("find_booking", forged)]
    assert_nothing_reached(script, PHONE)


async def test_a_stand_in_that_is_spoilt_or_made_up_is_asked_for_again(tmp_path: Path) -> None:
    def spoils(body: dict[str, Any]) -> Answer:
        return server.replies(stand_in(body, "PHONE").replace("_1_", "_7_"))

    def mends(body: dict[str, Any]) -> Answer:
        first = STAND_IN.findall(json.dumps(body["messages"]))[0]
        return server.structured("reply", (f"Is it {first}?", []), small_talk=True)

    script = OpenAIScript([spoils, mends])
    async with served(script, tmp_path) as model:
        draft = await model.think(brief(f"I am {PHONE}"))
    assert draft.sentences[0].text == f"Is it {PHONE}?"
    assert "stands for nothing" in script.requests[1]["messages"][-1]["content"]
    assert_nothing_reached(script, PHONE)


def test_what_was_hidden_in_a_name_of_an_object_is_put_back() -> None:
    veil = Hiding().over_text("Write to budi@example.com")
    told = veil.hide("Write to budi@example.com")
    assert "example.com" not in told
    assert veil.restore({told: [told]}) == {"Write to budi@example.com": ["Write to budi@example.com"]}


async def test_a_number_on_the_edge_of_the_budget_is_not_cut_in_half(tmp_path: Path) -> None:
    for words in range(1480, 1500, 2):
        script = OpenAIScript([server.replies("ok")])
        async with served(script, tmp_path) as model:
            await model.think(brief("a " * words + "+62 812 3456 7890 " + "b " * 200))
        assert "812 3" not in wire(script)


async def test_by_setting_less_is_hidden_or_more(tmp_path: Path) -> None:
    asked = brief(f"{PHONE} {MAIL} B 1234 XYZ")
    for hiding, seen in ((Hiding(()), 3), (Hiding(("phone",)), 2), (Hiding(("phone", "email", "plate")), 0)):
        script = OpenAIScript([server.replies("ok")])
        async with served(script, tmp_path, hiding=hiding) as model:
            await model.think(asked)
        assert sum(value in wire(script) for value in (PHONE, MAIL, "B 1234 XYZ")) == seen


def test_the_tag_is_in_no_text_of_the_turn() -> None:
    plain = brief("x")
    first = Hiding().over(plain).hide(PHONE)
    tag = first.rsplit("_", 1)[1]
    turn = plain.turn.model_copy(update={"burst": (Incoming(id="m", text=f"say {first}"),)})
    again = Hiding().over(Brief(turn=turn, question="x", language="en"))
    assert tag not in again.hide(PHONE)
    assert again.restore({"a": [f"{first} {again.hide(PHONE)}"]}) == {"a": [f"{first} {PHONE}"]}
    with pytest.raises(UnusableError, match="copy words"):
        again.restore(again.hide(PHONE).replace("_", ""))
