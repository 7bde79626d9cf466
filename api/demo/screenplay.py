"""Scripted conversations: read from YAML, played by the double's customers, checked over REST, shown as a chat."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from api.simulator.customers import Customer
from api.simulator.graph import GraphDouble
from sahut.errors import ConfigurationError
from sahut.turn import Decision, Lane

PATIENCE_S = 20.0
LOOK_EVERY_S = 0.05
QUIET_S = 1.0

Json = dict[str, Any]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expect(_Strict):
    """What a step must lead to."""

    decision: Decision
    contains: str | None = None
    cites: str | None = None
    lane: Lane = "support"


class Step(_Strict):
    """One message of the customer and what must come of it."""

    says: str
    expect: Expect


class Person(_Strict):
    """Who plays the customer; `phone` is digits."""

    name: str
    phone: str


class Scene(_Strict):
    """One customer's conversation."""

    customer: Person
    steps: list[Step]


def read_scenes(path: Path) -> list[Scene]:
    """The scenes of a YAML file. Raises `ConfigurationError`."""
    try:
        return [Scene.model_validate(item) for item in yaml.safe_load(path.read_text("utf-8"))]
    except (OSError, yaml.YAMLError, ValidationError, TypeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error


class Player:
    """Plays scenes against a running service and shows them."""

    def __init__(
        self, double: GraphDouble, rest: httpx.AsyncClient, console: Console, typing: Callable[[], None]
    ) -> None:
        """`rest` has `/api/v1/` as its base and a key that may read. `typing` lets pass the time that writing takes."""
        self._typing = typing
        self._double = double
        self._rest = rest
        self._console = console

    async def play(self, scenes: list[Scene]) -> bool:
        """Play every scene; whether every reply was right. What is wrong is said."""
        wrong: list[str] = []
        for scene in scenes:
            customer = self._double.customer(scene.customer.phone, scene.customer.name)
            self._console.rule(f"{scene.customer.name} (+{scene.customer.phone})", align="left", style="dim")
            for step in scene.steps:
                problems = await self._step(customer, step)
                wrong += [f"{scene.customer.name}: {step.says!r}: {problem}" for problem in problems]
        for line in wrong:
            self._console.print(f"WRONG  {line}", style="bold red")
        if not wrong:
            self._console.print("\nEvery reply was as it should be.", style="green")
        return not wrong

    async def _step(self, customer: Customer, step: Step) -> list[str]:
        self._bubble(step.says, left=0, style="bold")
        before = len(customer.received)
        self._typing()
        await customer.says(step.says)
        if step.expect.lane == "spam":
            return await self._spam(customer, before)
        if not await self._until(lambda: len(customer.received) > before):
            return ["no reply came"]
        return await self._judge(customer, step.expect)

    async def _judge(self, customer: Customer, expect: Expect) -> list[str]:
        sent = customer.received[-1]
        message = await self._stored(customer, sent.wamid)
        if message is None:
            return ["the reply is not in the conversation"]
        receipt = await self._get(f"messages/{message['id']}/receipt")
        cited = [citation["document"] for citation in receipt["citations"]]
        spans = [f"{c['document']} {c['start']}-{c['end']}" for c in receipt["citations"]]
        self._bubble(sent.text, left=8, style="cyan")
        if sent.choices:
            self._bubble("  ".join(f"[{title}]" for title in sent.choices), left=8, style="cyan")
        self._note(self._summary(receipt, spans))
        problems = []
        if receipt["decision"] != expect.decision:
            problems.append(f"decided {receipt['decision']}, expected {expect.decision}")
        if expect.contains and expect.contains not in sent.text:
            problems.append(f"the reply lacks {expect.contains!r}")
        if expect.cites and expect.cites not in cited:
            problems.append(f"cites {cited}, expected {expect.cites}")
        return problems

    async def _spam(self, customer: Customer, before: int) -> list[str]:
        handoff = None
        for _ in range(int(PATIENCE_S / LOOK_EVERY_S)):
            queue = (await self._get("handoffs?lane=spam&state=queued"))["items"]
            conversation = await self._conversation(customer)
            handoff = next((item for item in queue if item["conversation_id"] == conversation["id"]), None)
            if handoff is not None:
                break
            await asyncio.sleep(LOOK_EVERY_S)
        if handoff is None:
            return ["it did not reach the spam lane"]
        await asyncio.sleep(QUIET_S)
        self._note("(no answer) · spam lane · nothing sent, nothing spent")
        return ["the spammer was answered"] if len(customer.received) > before else []

    async def _stored(self, customer: Customer, wamid: str) -> Json | None:
        """The reply as REST shows it; its wamid is stored a moment after Meta took it."""
        for _ in range(int(PATIENCE_S / LOOK_EVERY_S)):
            conversation = await self._conversation(customer)
            messages: list[Json] = (await self._get(f"conversations/{conversation['id']}/messages"))["items"]
            found = next((item for item in messages if item["wamid"] == wamid), None)
            if found is not None:
                return found
            await asyncio.sleep(LOOK_EVERY_S)
        return None

    def _summary(self, receipt: Json, spans: list[str]) -> str:
        """The receipt in a line: the decision and what it stands on."""
        parts = [receipt["decision"].replace("_", " ")]
        parts += [f"confidence {receipt['confidence']:.2f}", f"cites {', '.join(spans)}"] if spans else []
        parts += [f"{call['name']} {call['state']}" for call in receipt["tools"]]
        return " · ".join(parts)

    async def _conversation(self, customer: Customer) -> Json:
        items = (await self._get("conversations?limit=200"))["items"]
        mine = (item for item in items if item["contact"]["phone"] == customer.phone)
        return next(mine, {"id": None})

    async def _until(self, done: Any) -> bool:
        for _ in range(int(PATIENCE_S / LOOK_EVERY_S)):
            if done():
                return True
            await asyncio.sleep(LOOK_EVERY_S)
        return False

    async def _get(self, path: str) -> Json:
        answer = await self._rest.get(path)
        answer.raise_for_status()
        body: Json = answer.json()
        return body

    def _bubble(self, text: str, *, left: int, style: str) -> None:
        self._console.print(Padding(Text(text, style=style), (0, 4, 0, left)))

    def _note(self, text: str) -> None:
        self._console.print(Padding(Text(text, style="dim"), (0, 4, 1, 8)))
