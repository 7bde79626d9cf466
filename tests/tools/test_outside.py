"""Tools from outside: operations of an OpenAPI document and tools of MCP servers, with strangers at the other end."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from structlog.testing import capture_logs

from api.server import listen, served
from sahut.authority import Grant, Ground, digest_of
from sahut.errors import ConfigurationError
from sahut.outside import Outside
from sahut.tool import ToolContext
from tests.tools.granting import SURE, agreed
from tests.tools.stranger import EVIL, OrderDesk, document, elsewhere, plain, server
from tests.tools.test_toolbox import context as context  # noqa: PLC0414  # a fixture
from tools.outside import SETTING, open_outside
from tools.sources import Unreachable
from tools.toolbox import Toolbox
from tools.wording import say

SECRET = "s3cret-of-the-desk"

ORDERS = """
[openapi.orders]
document = "orders.json"
hosts = ["{host}"]
auth = {{ env = "ORDERS_TOKEN" }}

[openapi.orders.tools.find_order]
operation = "getOrder"
effect = "read"
identity = "number"
description = "Looks up an order."

[openapi.orders.tools.refund]
operation = "refund"
"""

STOCK = """
[mcp.stock]
command = {command}
env = ["STOCK_KEY"]

[mcp.stock.tools.stock_level]
tool = "level"
effect = "read"

[mcp.stock.tools.flood]
effect = "read"

[mcp.stock.tools.sleep]
effect = "read"
timeout_s = 2

[mcp.stock.tools.fail]

[mcp.stock.tools.environment]
effect = "read"
"""


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    outside = Outside(allow_private=True, setting=SETTING)
    yield outside
    await outside.close()


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OrderDesk]:
    """The order desk, listening, with its document and `tools.toml` in place."""
    monkeypatch.setenv("ORDERS_TOKEN", SECRET)
    desk = OrderDesk()
    listening = listen("127.0.0.1", 0)
    host = f"127.0.0.1:{listening.getsockname()[1]}"
    write(tmp_path, ORDERS.format(host=host), f"http://{host}")
    async with served(desk.app, listening):
        yield desk


def write(folder: Path, toml: str, server: str = "http://desk.example.com", **changes: Any) -> Path:
    (folder / "orders.json").write_text(json.dumps({**document(server), **changes}))
    path = folder / "tools.toml"
    path.write_text(toml)
    return path


async def box(folder: Path, outside: Outside) -> Toolbox:
    return Toolbox([], await open_outside(folder / "tools.toml", outside))


STATUS = {"an error": 500, "forbidden": 403, "elsewhere": 307}


class TestOpenApi:
    async def test_an_operation_is_a_tool(
        self, desk: OrderDesk, tmp_path: Path, outside: Outside, context: ToolContext
    ) -> None:
        tools = await box(tmp_path, outside)
        cards = {card.name: card for card in tools.cards}
        assert cards["find_order"].parameters == {
            "type": "object",
            "properties": {
                "order": {"type": "string", "minLength": 1, "maxLength": 40},
                "fields": {"type": "array", "items": {"type": "string"}},
                "phone": {"type": "string"},
            },
            "required": ["order"],
            "additionalProperties": False,
        }
        call = await tools.call("find_order", {"order": "../7?x=1#y", "fields": ["a", "b"]}, context, ground=SURE)
        assert call.state == "done"
        (asked,) = desk.asked
        assert (asked["method"], asked["path"]) == ("GET", "/v1/orders/..%2F7%3Fx%3D1%23y")
        assert asked["query"] == [("fields", "a"), ("fields", "b")]
        assert asked["headers"]["authorization"] == f"Bearer {SECRET}"
        # What a model sees, or is told, holds neither the secret nor the document's own words.
        assert SECRET not in f"{cards} {call}"
        assert EVIL not in str(cards)

    async def test_what_declares_nothing_waits_for_an_operator_and_acts_once(
        self, desk: OrderDesk, tmp_path: Path, outside: Outside, context: ToolContext
    ) -> None:
        tools = await box(tmp_path, outside)
        arguments = {"order": "7", "amount": 50}
        done = await agreed(tools, "refund", arguments, context, by="operator")
        grant = Grant(context.key, "operator", digest_of("refund", arguments))
        again = await tools.call("refund", arguments, context, ground=SURE, grant=grant)
        assert (done.state, again.state, len(desk.asked)) == ("done", "done", 1)
        assert json.loads(desk.asked[0]["body"]) == arguments
        assert desk.asked[0]["headers"]["idempotency-key"] == context.key

    @pytest.mark.parametrize(
        "arguments",
        [
            {"order": 7, "amount": 5},
            {"order": "7"},
            {"order": "7", "amount": 10**9},
            {"order": "7", "amount": 5, "to": "me"},
        ],
    )
    async def test_bad_arguments_are_sent_nowhere(
        self, desk: OrderDesk, tmp_path: Path, outside: Outside, context: ToolContext, arguments: dict[str, Any]
    ) -> None:
        tools = await box(tmp_path, outside)
        call = await tools.call("refund", arguments, context, ground=SURE)
        assert (call.state, desk.asked) == ("refused", [])

    @pytest.mark.parametrize("order", [".", ".."])
    async def test_a_path_leads_nowhere_else(
        self, desk: OrderDesk, tmp_path: Path, outside: Outside, context: ToolContext, order: str
    ) -> None:
        tools = await box(tmp_path, outside)
        call = await tools.call("find_order", {"order": order}, context, ground=SURE)
        assert (call.state, desk.asked) == ("failed", [])

    async def test_who_it_concerns_is_the_conversations_to_say(
        self, desk: OrderDesk, tmp_path: Path, outside: Outside, context: ToolContext
    ) -> None:
        path = tmp_path / "tools.toml"
        path.write_text(path.read_text() + '\n[openapi.orders.tools.find_order.known]\nphone = "contact_id"\n')
        tools = await box(tmp_path, outside)
        assert "phone" not in str(tools.cards[0].parameters)
        stolen = await tools.call("find_order", {"order": "7", "phone": "victim"}, context, ground=SURE)
        assert (stolen.state, desk.asked) == ("refused", [])
        await tools.call("find_order", {"order": "7"}, context, ground=SURE)
        assert desk.asked[0]["query"] == [("phone", context.contact_id)]

    async def test_the_customer_is_told_what_the_owner_wrote(
        self, desk: OrderDesk, tmp_path: Path, outside: Outside, context: ToolContext
    ) -> None:
        path = tmp_path / "tools.toml"
        path.write_text(
            path.read_text() + '\n[openapi.orders.tools.find_order.says]\nen = "Order {order} is {state}."\n'
        )
        tools = await box(tmp_path, outside)
        call = await tools.call("find_order", {"order": "7"}, context, ground=SURE)
        assert call.result == "Order 7 is on its way."

    async def test_an_answer_that_is_none_is_a_failure(
        self, desk: OrderDesk, tmp_path: Path, outside: Outside, context: ToolContext
    ) -> None:
        tools = await box(tmp_path, outside)
        answers = {
            "too long": plain("x" * 100_000),
            "an error": JSONResponse({}, 500),
            "forbidden": JSONResponse({}, 403),
            "elsewhere": elsewhere("http://127.0.0.1:1/"),
        }
        for what, answer in answers.items():
            desk.says = answer
            with capture_logs() as logged:
                call = await tools.call("find_order", {"order": "7"}, context, ground=SURE)
            assert (call.state, call.result) == ("failed", "ToolFailed"), what
            (why,) = [line["why"] for line in logged if line["event"] == "tool_failed"]
            assert why == ("the answer is too long" if what == "too long" else f"the server answers {STATUS[what]}")
        desk.says = JSONResponse({}, 404)
        assert (await tools.call("find_order", {"order": "7"}, context, ground=SURE)).result == say(
            "nothing_found", "en"
        )
        desk.says = plain("no\0 JSON\n at all")
        assert (await tools.call("find_order", {"order": "7"}, context, ground=SURE)).result == "no JSON at all"

    async def test_private_addresses_are_not_spoken_to(
        self, desk: OrderDesk, tmp_path: Path, context: ToolContext
    ) -> None:
        guarded = Outside(allow_private=False, setting=SETTING)
        tools = await box(tmp_path, guarded)
        call = await tools.call("find_order", {"order": "7"}, context, ground=SURE)
        assert (call.state, call.result, desk.asked) == ("failed", "Refused", [])
        await guarded.close()

    async def test_a_document_may_be_fetched(self, desk: OrderDesk, tmp_path: Path, outside: Outside) -> None:
        path = tmp_path / "tools.toml"
        host = path.read_text().split('hosts = ["')[1].split('"')[0]
        lines = f'document = "http://{host}/openapi.json"\nserver = "http://{host}/v1"'
        path.write_text(path.read_text().replace('document = "orders.json"', lines))
        assert {card.name for card in (await box(tmp_path, outside)).cards} == {"find_order", "refund"}


GOOD = ORDERS.format(host="desk.example.com")
MISTAKES = {
    "no TOML": ("[openapi", "is no TOML"),
    "an unknown key": (GOOD + '\nauthority = "all"', "authority: is no key"),
    "an unknown effect": (GOOD + '\neffect = "harmless"', "effect"),
    "a foreign host": (
        GOOD.replace("desk.example.com", "other.example.com"),
        "'desk.example.com' is not among its hosts",
    ),
    "no hosts": (GOOD.replace('["desk.example.com"]', "[]"), "hosts"),
    "no such operation": (GOOD.replace('"getOrder"', '"dropTables"'), "no operation 'dropTables'"),
    "no document": (GOOD.replace("orders.json", "missing.json"), "the document missing.json is not in the folder"),
    "a secret of ours": (GOOD.replace("ORDERS_TOKEN", "SAHUT_SECRET_KEY"), "env"),
    "a secret that is not set": (GOOD.replace("ORDERS_TOKEN", "NO_SUCH_TOKEN"), "NO_SUCH_TOKEN, which is not set"),
    "a circle": (GOOD.replace('"refund"\n', '"loop"\n'), "refers to itself"),
    "a known argument that is none": (GOOD + '\nknown = { who = "phone" }', "known names who"),
    "a question that hides": (GOOD + '\nquestions = { en = "Refund {amount}?" }', "must show every argument"),
    "both ways to a server": ('[mcp.x]\ncommand = ["a"]\nurl = "http://b.example.com"\ntools = {}', "give either"),
    "no server there": (
        '[mcp.x]\ncommand = ["/no/such/program"]\ntools = {}',
        "/no/such/program` is not found",
    ),
}


@pytest.mark.parametrize("what", MISTAKES)
async def test_a_mistake_in_the_file_stops_the_start_with_a_reason(
    tmp_path: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setenv("ORDERS_TOKEN", SECRET)
    toml, reason = MISTAKES[what]
    path = write(tmp_path, toml)
    with pytest.raises(ConfigurationError, match=reason) as failure:
        await open_outside(path, outside)
    assert SECRET not in str(failure.value)


@pytest.mark.parametrize(
    "toml",
    [
        '[mcp.stock]\nurl = "http://{nobody}/mcp"\ntools.count = {{}}',
        '[openapi.desk]\ndocument = "http://{nobody}/api.json"\nhosts = ["{nobody}"]\n'
        'tools.look = {{ operation = "getOrder" }}',
    ],
)
async def test_a_house_starts_without_the_tools_of_a_system_that_is_down(
    tmp_path: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch, toml: str
) -> None:
    monkeypatch.setenv("ORDERS_TOKEN", SECRET)
    with listen("127.0.0.1", 0) as gone:
        nobody = f"127.0.0.1:{gone.getsockname()[1]}"
    path = write(tmp_path, f"{GOOD}\n{toml.format(nobody=nobody)}")
    with capture_logs() as logs:
        tools = await open_outside(path, outside, patient=True)
    assert tools
    assert [line["event"] for line in logs] == ["tools are left out until the next start"]
    with pytest.raises(Unreachable):
        await open_outside(path, outside)


async def test_without_a_file_there_are_no_tools(tmp_path: Path, outside: Outside) -> None:
    assert await open_outside(tmp_path / "tools.toml", outside) == []


@asynccontextmanager
async def over_http(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The server over streamable HTTP, in this process; what the file says of it."""
    monkeypatch.setenv("STOCK_KEY", "")
    # A proxy of the environment would go around the guard: it is not asked.
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    listening = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
    async with served(server().streamable_http_app(), listening):
        yield STOCK.replace("command = {command}", f'url = "{address}"').replace('env = ["STOCK_KEY"]', "")


@asynccontextmanager
async def over_stdio(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The server as a program of its own."""
    monkeypatch.setenv("STOCK_KEY", "k")
    monkeypatch.setenv("NOT_FOR_STRANGERS", "secret")
    yield STOCK.format(command=json.dumps([sys.executable, "-m", "tests.tools.stranger"]))


class TestMcp:
    @pytest.mark.parametrize("way", [over_stdio, over_http])
    async def test_a_servers_tools(
        self, tmp_path: Path, outside: Outside, context: ToolContext, monkeypatch: pytest.MonkeyPatch, way: Any
    ) -> None:
        async with way(monkeypatch) as toml:
            (tmp_path / "tools.toml").write_text(toml)
            tools = await box(tmp_path, outside)
            cards = {card.name: card for card in tools.cards}
            said = cards["stock_level"].description
            assert (len(said) <= 500, "\n" in said, "\x07" in said) == (True, False, False)

            done = await tools.call("stock_level", {"item": "bolts"}, context, ground=SURE)
            assert (done.state, done.result.startswith("bolts: 3 left.")) == ("done", True)
            wrong = await tools.call("stock_level", {"item": 7}, context, ground=SURE)
            assert (wrong.state, wrong.result) == ("refused", "item: 7 is not of type 'string'")

            # What it does not declare cannot be undone, whatever the server says of it.
            assert cards["fail"].effect == "irreversible"
            failed = await agreed(tools, "fail", {"item": "x"}, replace(context, key="k5"), by="operator")
            assert failed.state == "failed"
            slow = await tools.call("sleep", {}, replace(context, key="k2"), ground=SURE)
            assert slow.state == "failed"
            flood = await tools.call("flood", {}, replace(context, key="k3"), ground=SURE)
            assert flood.state == "failed" or len(flood.result) <= 4000

            seen = await tools.call("environment", {}, replace(context, key="k4"), ground=SURE)
            assert (seen.state, way is over_stdio and "NOT_FOR_STRANGERS" in seen.result) == ("done", False)

    async def test_a_servers_word_raises_no_authority(
        self, tmp_path: Path, outside: Outside, context: ToolContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with over_http(monkeypatch) as toml:
            (tmp_path / "tools.toml").write_text(toml)
            tools = await box(tmp_path, outside)
            doubtful = await tools.call("fail", {"item": "x"}, context, ground=Ground("unsure"))
            assert doubtful.denied == "doubtful"

    async def test_private_addresses_are_not_spoken_to(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        guarded = Outside(allow_private=False, setting=SETTING)
        async with over_http(monkeypatch) as toml:
            (tmp_path / "tools.toml").write_text(toml)
            with pytest.raises(ConfigurationError, match="cannot be spoken to: Refused"):
                await open_outside(tmp_path / "tools.toml", guarded)
        await guarded.close()
