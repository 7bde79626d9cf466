"""Simulated customers: the real assistant serves a made-up shop, over a scripted chat server and real HTTP.

What broke in an environment is told apart from what the assistant failed at, and no customer or model raises authority.
"""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from openai import AsyncOpenAI
from sqlmodel import select

from agent.model import OpenAIChat
from agent.turn import Deps
from evals.customers import DONE, ModelCustomer, ScriptedCustomer
from evals.environment import End, Heard, Reward, Task, World, WorldTool, load_environment
from evals.html import html
from evals.report import build_report
from evals.shop import Shop, ShopWorld
from evals.shop.scenes import ORDERS, SCENES
from evals.simulate import Simulator, guidance_in
from evals.trials import Trials
from knowledge.embed import LocalEmbedder
from sahut.errors import ConfigurationError, ModelFailed
from sahut.models import ConfirmationRow, ConfirmationState, IdentityProof, ToolCallRow
from sahut.ports import ChatModel
from sahut.testing import openai_server as server
from sahut.testing.model import ScriptedModel
from sahut.testing.obedient import ObedientModel
from sahut.testing.openai_server import Answer, OpenAIScript, Scripted
from sahut.turn import Button, Guidance, Usage
from tests.agent.plays import Shelf, passage, play
from tests.databases import Templates
from tools.sources import Declaration

HELP = passage(
    "You can cancel your order free of charge until we have packed it.", document="orders.md", title="Orders"
)
Body = dict[str, Any]


def clerk(body: Body) -> Answer:
    """A competent chat model: it looks up, asks for the pickup code before an address, and says what tools told."""
    rows = body["messages"]
    told = [row["content"] for row in rows if row["role"] == "tool"]
    said = next(row["content"] for row in reversed(rows) if row["role"] == "user")
    order = next(iter(re.findall(r"\b\d{4}\b", said.rpartition("The customer's message")[2])), "")
    if told:
        number, result = re.findall(r"\[(\d+)\]\n<[^>]+>\n\w+: (.*)\n", told[-1])[-1]
        return server.replies(result, sources=[int(number)])
    wants: tuple[tuple[str, Callable[[], Answer]], ...] = (
        (r"pickup code .* is (\w+)", lambda: server.calls("check_pickup_code", {"order": order, "code": found[1]})),
        (
            r"change the address of order \d+ to (.+)",
            lambda: server.calls("change_address", {"order": order, "address": found[1]}),
        ),
        (r"It is MAWAR", lambda: server.calls("check_pickup_code", {"order": "1042", "code": "MAWAR"})),
        (
            r"address to (.+), please",
            lambda: server.calls("change_address", {"order": "1042", "address": found[1]}),
        ),
        (
            r"(?:go|[Ss]end).* to Jalan",
            lambda: server.structured("clarify", ("What is the pickup code?", [])),
        ),
        (
            r"(\d+) jars of (\w+)",
            lambda: server.calls("change_quantity", {"order": order, "spice": found[2], "jars": int(found[1])}),
        ),
        (r"money back", lambda: server.calls("refund_order", {"order": order})),
        (
            r"[Cc]ancel order|[Cc]ancel my order \d|batalkan|It is order",
            lambda: server.calls("cancel_order", {"order": order}),
        ),
        (r"cancel my order\.", lambda: server.structured("clarify", ("What is the order's number?", []))),
        (r"[Uu]ntil when", lambda: server.replies(HELP.text, sources=[1])),
        (r"Where is", lambda: server.calls("find_order", {"order": order})),
    )
    for pattern, answer in wants:
        if found := re.search(pattern, said.rpartition("The customer's message")[2]):
            return answer()
    return server.structured("hand_off", reason="no_answer")


@pytest.fixture
def stage(templates: Templates, embedder: LocalEmbedder, tmp_path: Path):
    """The assistant's parts over a store of its own."""

    @asynccontextmanager
    async def opened(model: ChatModel | None = None) -> AsyncIterator[Deps]:
        database = templates.sqlite(tmp_path / "simulated.db")
        async with play(database, embedder, model=model, shelf=Shelf((HELP,))) as customer:
            yield customer.deps

    return opened


@asynccontextmanager
async def served(*answers: Scripted) -> AsyncIterator[tuple[OpenAIChat, OpenAIScript]]:
    """A scripted chat server behind real HTTP, and the real client."""
    script = OpenAIScript(answers)
    listening = socket.create_server(("127.0.0.1", 0))
    serving = uvicorn.Server(uvicorn.Config(script.app, log_level="error", lifespan="off"))
    task = asyncio.create_task(serving.serve(sockets=[listening]))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    client = AsyncOpenAI(api_key="k", base_url=url, max_retries=0)
    try:
        yield OpenAIChat("m", client), script
    finally:
        await client.close()
        serving.should_exit = serving.force_exit = True
        await task


def simulator(environment: Any, deps: Deps, **more: Any) -> Simulator:
    return Simulator(environment, deps, guidance_in(environment, Guidance(max_wrong=0.2)), **more)


async def test_a_competent_model_serves_every_customer_of_the_shop_every_time(stage: Any):
    async with served(clerk) as (model, script), stage(model) as deps:
        run = await simulator(Shop(), deps).play(Shop.tasks, k=2)
        async with deps.store.reading() as tx:
            asked = (await tx.execute(select(ConfirmationRow))).scalars().all()
            proofs = (await tx.execute(select(IdentityProof.level))).scalars().all()
    report = build_report(run)
    failed = {
        case.id: case.turns[-1].error or case.turns[-1].scores for case in run.results if case.outcome != "passed"
    }
    assert failed == {}
    assert {size: value for size, value in report.pass_hat.items() if value is not None} == {"1": 1.0, "2": 1.0}
    assert report.pass_rate.low is not None
    assert report.pass_rate.low > 0.7
    # The policy is told to the model, and what was agreed to are the house's own rows, one for each question.
    assert "pickup code: ask for it, check it" in script.requests[0]["messages"][0]["content"]
    used = [row.tool for row in asked if row.state == ConfirmationState.USED]
    assert sorted(set(used)) == ["cancel_order", "change_address", "change_quantity"]
    assert [row.confirms for row in asked if row.tool == "refund_order"] == ["operator"] * 2
    assert proofs == ["code"] * 2


class Watched(Shop):
    """The shop, whose worlds can be looked at afterwards."""

    def __init__(self) -> None:
        self.worlds: list[ShopWorld] = []

    def open(self, task: Task) -> ShopWorld:
        self.worlds.append(super().open(task))
        return self.worlds[-1]


@pytest.mark.parametrize("moods", [("call",), ("steal", "echo"), ("babble",)])
async def test_a_model_that_obeys_everybody_does_nothing_that_no_customer_agreed_to(stage: Any, moods: tuple[Any, ...]):
    shop = Watched()
    # These customers say no, or have no right to what they ask for.
    tasks = [scene.task for scene in SCENES if scene.task.critical]
    async with stage(ObedientModel(moods=moods)) as deps:
        run = await simulator(shop, deps, concurrency=1).play(tasks, k=1)
        async with deps.store.reading() as tx:
            done = (await tx.execute(select(ToolCallRow.name))).scalars().all()
    assert [case.outcome for case in run.results if case.outcome == "error"] == []
    assert [world.orders for world in shop.worlds] == [dict(ORDERS)] * len(tasks)
    assert {"change_address", "refund_order"}.isdisjoint(done)


async def _nothing(arguments: dict[str, Any]) -> str:
    return f"Noted: {arguments}."


class Small:
    """An environment of one task; each part may be another."""

    name, organisation, policy = "small", "the office", ""
    documents: Mapping[str, str] = {}
    tasks: Sequence[Task] = (Task(id="one"),)
    identity = "number"
    tools: Sequence[WorldTool] = ()

    def __init__(self, customer: Any = None, **parts: Any) -> None:
        self.customer = customer or ScriptedCustomer("Please note my wish")
        for name, part in parts.items():
            setattr(self, name, part)

    def open(self, task: Task) -> World:
        return self  # type: ignore[return-value]

    async def check(self, end: End) -> Reward:
        return Reward(value=1)


class Breaks:
    """A customer, or a world, that raises."""

    async def says(self, heard: Heard | None) -> str | None:
        raise KeyError("the customer's memory")


class Endless:
    """A customer who is never content."""

    async def says(self, heard: Heard | None) -> str | None:
        return "Good morning!"


class Says:
    """A customer who says one thing for ever, whatever it is."""

    def __init__(self, said: Any) -> None:
        self.said = said

    async def says(self, heard: Heard | None) -> Any:
        return self.said


class Waits:
    """A customer who never comes back."""

    async def says(self, heard: Heard | None) -> str | None:
        await asyncio.Event().wait()
        return None


class Silent:
    async def says(self, heard: Heard | None) -> str | None:
        return None


async def broken_tool(arguments: dict[str, Any]) -> str:
    raise ZeroDivisionError("the books are gone")


async def broken_check(end: End) -> Reward:
    raise ValueError("nobody can say")


async def nothing_to_say(arguments: dict[str, Any]) -> Any:
    return None


async def no_reward(end: End) -> Any:
    return True


def broken_open(task: Task) -> World:
    raise OSError("no such world")


def note(run: Any, **declared: Any) -> WorldTool:
    return WorldTool("note", {"type": "object"}, run, Declaration(effect="write", confirms="nobody", **declared))


ENVIRONMENTS = {
    "the tool note: ZeroDivisionError": Small(tools=(note(broken_tool),)),
    "the customer: KeyError": Small(Breaks()),
    "the check: ValueError": Small(check=broken_check),
    "the world: OSError": Small(open=broken_open),
    "the tools: ConfigurationError": Small(tools=(WorldTool("bad", {"type": "list"}, _nothing),)),
    "the customer said nothing": Small(Silent()),
    "the tool note: it gave back NoneType, and no str": Small(tools=(note(nothing_to_say),)),
    "the customer said int, and no str": Small(Says(7)),
    "the customer: did not end in its time": Small(Waits()),
    "the check gave back bool, and no Reward": Small(check=no_reward),
    "the identity 'pin' is none of anyone, number": Small(identity="pin"),
}


def calls_what_is_offered(body: Body) -> Answer:
    offered = [tool["function"]["name"] for tool in body.get("tools", ())]
    return server.calls("note", {}) if "note" in offered else server.structured("hand_off", reason="no_answer")


@pytest.mark.parametrize("why", ENVIRONMENTS)
async def test_what_breaks_in_an_environment_is_an_error_and_no_failure(stage: Any, why: str):
    async with served(calls_what_is_offered) as (model, _), stage(model) as deps:
        hasty = {"timeout_s": 0.05} if "its time" in why else {}
        run = await simulator(ENVIRONMENTS[why], deps, **hasty).play(Small.tasks, k=1)
    report = build_report(run)
    assert (report.errors, report.failures, report.passed) == (1, 0, False)
    assert why in (run.results[0].turns[-1].error or "")
    assert "environment: " in (run.results[0].turns[-1].error or "")


async def test_what_the_store_does_not_take_is_the_error_of_its_play_alone(stage: Any):
    class Mixed(Small):
        def open(self, task: Task) -> World:
            return Small(Says("half a \ud800 letter")) if task.id == "odd" else self  # type: ignore[return-value]

    async with stage() as deps:
        run = await simulator(Mixed(), deps).play((Task(id="odd"), Task(id="even")), k=1)
    assert [case.outcome for case in run.results] == ["error", "passed"]
    assert "UnicodeEncodeError" in (run.results[0].turns[-1].error or "")


async def test_a_play_that_broke_is_no_pass_in_any_rate(stage: Any):
    ends: list[End] = []

    async def breaks_once(end: End) -> Reward:
        ends.append(end)
        return Reward(value=1) if len(ends) > 1 else await broken_check(end)

    async with stage() as deps:
        run = await simulator(Small(check=breaks_once), deps).play(Small.tasks, k=4)
    report = build_report(run)
    assert (report.errors, report.failures, report.pass_rate.value) == (1, 0, 0.75)
    assert (report.pass_hat["1"], report.pass_hat["4"]) == (0.75, 0)


async def test_tasks_that_cannot_be_told_apart_are_refused_before_anything_is_played(stage: Any):
    tasks: dict[str, tuple[Task, ...]] = {
        "has no task": (),
        "two tasks with the id 'a'": (Task(id="a"), Task(id="a")),
        "the task ' '": (Task(id=" "),),
        "`topic`": (Task(id="a", topic=""),),
    }
    async with stage() as deps:
        for why, wanted in tasks.items():
            with pytest.raises(ConfigurationError, match=why):
                await simulator(Small(Breaks()), deps).play(wanted, k=1)


async def test_an_interrupted_simulation_goes_on_where_it_was(stage: Any, tmp_path: Path):
    tasks = [Task(id=name) for name in "abc"]
    reached = asyncio.Event()

    class Slow(Small):
        opened: list[str] = []  # noqa: RUF012

        def open(self, task: Task) -> World:
            self.opened.append(task.id)
            if task.id == "a":
                return Small(check=broken_check)  # type: ignore[return-value]
            if task.id == "c":
                reached.set()
                return Small(Waits())  # type: ignore[return-value]
            return self  # type: ignore[return-value]

    async with stage() as deps:
        with Trials(tmp_path / "plays.jsonl") as kept:
            playing = asyncio.create_task(simulator(Slow(), deps, memory=kept, concurrency=1).play(tasks, k=1))
            await reached.wait()
            playing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await playing
    told: list[int] = []
    async with stage() as deps:
        with Trials(tmp_path / "plays.jsonl") as kept:
            again = simulator(Small(), deps, memory=kept)
            run = await again.play(tasks, k=1, progress=lambda step: told.append(step.remembered))
            changed = [Task(id="b", wish="another"), *tasks[:1]]
            assert [kept.get(task, 1) is not None for task in changed] == [False, True]
    assert Slow.opened == ["a", "b", "c"]
    assert [case.outcome for case in run.results] == ["passed"] * 3, "what broke was played again"
    assert max(told) == 1


async def test_a_slow_tool_is_the_environments_error(stage: Any):
    async def slow(arguments: dict[str, Any]) -> str:
        await asyncio.Event().wait()
        return ""

    async with served(server.calls("note", {})) as (model, _), stage(model) as deps:
        run = await simulator(Small(tools=(note(slow, timeout_s=0.01),)), deps).play(Small.tasks, k=1)
    assert run.results[0].turns[-1].error == "environment: the tool note: did not end in its time"


async def test_a_chat_model_that_does_not_answer_is_an_error_as_in_suites(stage: Any):
    async with stage(ScriptedModel([ModelFailed("down")])) as deps:
        run = await simulator(Small(), deps).play(Small.tasks, k=1)
    assert (run.results[0].outcome, "The chat model did not answer" in str(run.results[0].turns[0].error)) == (
        "error",
        True,
    )


async def test_a_customer_who_never_ends_is_a_failure(stage: Any):
    async with stage() as deps:
        run = await simulator(Small(Endless()), deps, most_turns=3).play(Small.tasks, k=1)
    case = run.results[0]
    assert (case.outcome, len(case.turns)) == ("failed", 3)
    assert case.turns[-1].scores["reward"].explanation == "it did not end within 3 turns"


async def test_a_chat_model_plays_a_customer_who_presses_buttons_and_ends(stage: Any):
    lines = ["Please cancel my order 1042.", "Yes, please", f"Thanks! {DONE}"]
    async with (
        served(*map(server.text, lines)) as (customers, script),
        served(clerk) as (model, _),
        stage(model) as deps,
    ):
        played = simulator(Shop(), deps, speak=customers.speak, customers=customers.name)
        run = await played.play([task for task in Shop.tasks if task.id == "cancel"], k=1)
    assert [(case.outcome, len(case.turns)) for case in run.results] == [("passed", 2)]
    report = build_report(run)
    taken = report.customers
    assert taken is not None
    assert "the model that played the customers, m: 300 tokens in, 60 out" in html(report)
    assert (taken.model, taken.input_tokens, taken.output_tokens, taken.cost_usd) == ("m", 300, 60, None)
    rules, *rest = script.requests[-1]["messages"]
    assert "You want to cancel your order 1042." in rules["content"]
    assert "[Yes, please]\n[No, thank you]" in rest[2]["content"]
    assert [row["role"] for row in rest] == ["user", "assistant", "user", "assistant", "user"]


async def test_a_model_customer_needs_a_wish_and_knows_when_nothing_came(stage: Any):
    async with stage() as deps:
        run = await simulator(Small(), deps, speak=lambda rows: asyncio.sleep(0, ("x", Usage()))).play(Small.tasks, k=1)
    assert "no `wish`" in (run.results[0].turns[0].error or "")
    heard: list[str] = []

    async def speak(rows: Sequence[Mapping[str, Any]]) -> tuple[str, Usage]:
        heard.append(rows[-1]["content"])
        return "hm", Usage(input_tokens=2, output_tokens=1)

    customer = ModelCustomer("the office", "nothing", speak)
    assert await customer.says(None) == "hm"
    await customer.says(Heard(text=""))
    assert [text[0] for text in heard] == ["(", "("]


async def test_a_scripted_customer_says_each_line_once_and_ends():
    customer = ScriptedCustomer("Hello", (r"\[Yes\]", "Yes"), ("order", "It is 7"))
    assert await customer.says(None) == "Hello"
    assert await customer.says(Heard(text="Which ORDER?")) == "It is 7"
    assert await customer.says(Heard(text="Shall I?", buttons=(Button(id="yes:1", title="Yes"),))) == "Yes"
    assert await customer.says(Heard(text="Which order?")) is None


def test_environments_are_loaded_by_name_or_by_place_and_refused_with_what_they_lack():
    assert isinstance(load_environment("shop"), Shop)
    assert isinstance(load_environment("evals.shop:Shop"), Shop)
    for name, why in (
        ("nothing", "installed are shop"),
        ("no.such.module:Shop", "ModuleNotFoundError"),
        ("evals.shop:nothing", "AttributeError"),
        ("evals.environment:Heard", "cannot be loaded"),
        ("builtins:dict", "it lacks name"),
    ):
        with pytest.raises(ConfigurationError, match=why):
            load_environment(name)


def test_every_scene_can_be_told_apart_and_played_by_a_model():
    assert len({scene.task.id for scene in SCENES}) == len(SCENES)
    assert all(scene.task.wish and scene.opening for scene in SCENES)
    assert json.dumps([scene.changes for scene in SCENES])
