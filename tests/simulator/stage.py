"""The stage of the phones' plays: the demo's own stage over a small house, all by itself and over real HTTP.

    ani = await phones.add("Ani")
    await ani.says("Berapa denda kalau telat bayar pajak kendaraan?")
    assert "2%" in (await ani.gets())["text"]

Nothing is moved by hand: a play waits until what it asks for is there.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from agent.extractive import Extractive
from api.build import assemble
from api.demo.stage import Stage, opened
from api.server import address_of, listen, served
from api.simulator.clock import MovableClock
from api.simulator.graph import TOKEN, GraphDouble
from api.simulator.rules import Rules
from api.whatsapp.client import GraphClient
from knowledge.embed import LocalEmbedder
from sahut.engine import Engine
from sahut.outside import Outside
from sahut.store import Store
from sahut.testing.model import ScriptedModel
from tests.journeys.stage import mind_over, settings_for

Json = dict[str, Any]
PATIENCE_S = 30.0
LOOK_EVERY_S = 0.02


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """What `look` gives, as soon as it gives something."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await look()):
            await asyncio.sleep(LOOK_EVERY_S)
    return found


@dataclass
class Phones:
    """The simulator over HTTP, as its page uses it."""

    stage: Stage
    model: ScriptedModel
    web: httpx.AsyncClient
    numbers: Any

    async def add(self, name: str, **who: str) -> "Phone":
        """A customer with a number of their own."""
        body = {"name": name, **(who or {"phone": str(next(self.numbers))})}
        return Phone(self, (await self.post("customers", body, status=201))["id"])

    async def post(self, path: str, body: Any = None, *, status: int | None = None) -> Json:
        answer = await self.web.post(f"/simulator/{path}", json=body or {})
        assert answer.status_code == status if status else answer.is_success, answer.text
        return answer.json()

    async def state(self) -> Json:
        return (await self.web.get("/simulator/state")).json()

    async def turn(self, **switches: Any) -> Json:
        return await self.post("switches", switches)

    async def wire(self, what: str, who: str) -> list[Json]:
        """The lines of one kind about one customer, oldest first."""
        return [line for line in (await self.state())["wire"] if (line["what"], line["who"]) == (what, who)]

    async def operator(self, phone: "Phone", what: str, body: Any = None) -> httpx.Response:
        """Something that an operator does in a customer's conversation."""
        async with await self.stage.rest("budi") as rest:
            return await rest.post(f"conversations/{await self.conversation(phone)}/{what}", json=body)

    async def conversation(self, phone: "Phone") -> str:
        return (await until(lambda: self.record(phone)))["id"]

    async def record(self, phone: "Phone") -> Json | None:
        """The conversation as REST shows it, once there is one."""
        async with await self.stage.rest("reader") as rest:
            items = (await rest.get("conversations?limit=200")).json()["items"]
        mine = (item for item in items if phone.key in (item["contact"]["phone"], item["contact"]["user_id"]))
        return next(mine, None)

    async def messages(self, phone: "Phone") -> list[Json]:
        """The conversation's messages as REST shows them."""
        async with await self.stage.rest("reader") as rest:
            path = f"conversations/{await self.conversation(phone)}/messages?limit=200"
            return (await rest.get(path)).json()["items"]


@dataclass
class Phone:
    """One customer with a phone in hand."""

    phones: Phones
    key: str

    async def does(self, what: str, body: Json | None = None, *, status: int | None = None) -> Json:
        return await self.phones.post(f"customers/{self.key}/{what}", body, status=status)

    async def says(self, text: str, **more: str) -> str:
        return (await self.does("say", {"text": text, **more}))["id"]

    async def view(self) -> Json:
        return next(phone for phone in (await self.phones.state())["phones"] if phone["id"] == self.key)

    async def bubbles(self, *, mine: bool) -> list[Json]:
        return [bubble for bubble in (await self.view())["bubbles"] if bubble["mine"] is mine]

    async def gets(self, number: int = 1) -> Json:
        """The service's message of this number, from 1, as soon as it is there."""

        async def look() -> Json | None:
            bubbles = await self.bubbles(mine=False)
            return bubbles[number - 1] if len(bubbles) >= number else None

        return await until(look)

    async def ticks(self, wamid: str, ticks: int) -> None:
        """Until a message of this customer has so many ticks."""

        async def look() -> bool:
            return any(bubble["id"] == wamid and bubble["ticks"] == ticks for bubble in await self.bubbles(mine=True))

        await until(look)


@asynccontextmanager
async def open_phones(
    url: str, embedder: LocalEmbedder, home: Path, *, behind: timedelta = timedelta(0), **settings: Any
) -> AsyncIterator[Phones]:
    """A house over the database at work, with its double and its phones."""
    async with AsyncExitStack() as stack:
        graph, door = listen("127.0.0.1", 0), listen("127.0.0.1", 0)
        addresses = {"whatsapp_graph_url": address_of(graph), "public_url": address_of(door)}
        chosen = settings_for(url, home, **addresses, **settings)
        clock, store, engine = MovableClock(behind=behind), Store(url), Engine(url)
        stack.push_async_callback(store.close)
        stack.push_async_callback(engine.close)
        double = GraphDouble(clock=clock, rules=Rules(pair_rate=False))
        await stack.enter_async_context(served(double.app, graph))
        channel = GraphClient(url=address_of(graph), version="v26.0", token=TOKEN)
        stack.push_async_callback(channel.close)
        model = ScriptedModel(otherwise=Extractive(embedder))
        mind = mind_over(chosen, store, embedder, model, clock)
        await mind.warm_up()
        outside = Outside(allow_private=chosen.webhooks_allow_private)
        stack.push_async_callback(outside.close)
        house = assemble(mind, engine=engine, channel=channel, outside=outside, clock=clock)
        stage = await stack.enter_async_context(opened(house, double, clock, door=door, roles=("web", "worker")))
        web = await stack.enter_async_context(httpx.AsyncClient(base_url=stage.address))
        yield Phones(stage, model, web, count(6281255510001))
