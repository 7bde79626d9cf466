"""Fills the demo's desk: conversations of the last day, played through the real doors while the clock catches up.

Customers write at the double, the service answers, operators move over REST, each at its own moment of the past.
Read from YAML; knows no part's inside.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from api.demo.stage import Stage
from api.simulator.bubbles import choices_of
from api.simulator.customers import Customer
from api.simulator.room import Persona
from api.simulator.samples import SAMPLES
from api.simulator.shapes import Json
from sahut.errors import ConfigurationError

PATIENCE_S = 20.0
LOOK_EVERY_S = 0.02

_SPAN = re.compile(r"(?:(\d+)d)? *(?:(\d+)h)? *(?:(\d+)m)? *(?:(\d+)s)?")

Move = Literal["claim", "takeover", "return", "resolve", "spam", "not-spam"]


def _span(given: Any) -> Any:
    """`1d 2h 30m 5s`, any part of it."""
    found = _SPAN.fullmatch(given.strip()) if isinstance(given, str) and given.strip() else None
    if found is None:
        return given
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Beat(_Strict):
    """One thing that somebody does, `ago` before now: one of `says`, `sends`, `taps`, `operator` or `writes`.

    A customer's beat ends with the service's answer, or, where `answer` is false, when the message has arrived.
    `taps` is the number of a choice of the last question, from 1. `note` goes with `operator: resolve`.
    """

    ago: Annotated[timedelta, BeforeValidator(_span)]
    says: str | None = None
    sends: str | None = None
    taps: int | None = None
    operator: Move | None = None
    writes: str | None = None
    note: str = ""
    by: str = "Rina"
    answer: bool = True

    @model_validator(mode="after")
    def _one_thing(self) -> "Beat":
        if sum(thing is not None for thing in (self.says, self.sends, self.taps, self.operator, self.writes)) != 1:
            raise ValueError("give one of says, sends, taps, operator, writes")
        if self.sends is not None and self.sends not in SAMPLES:
            raise ValueError(f"sends is one of {', '.join(SAMPLES)}")
        return self


class Somebody(_Strict):
    """A customer: a phone's digits, or a business-scoped user id."""

    name: str
    phone: str | None = None
    user_id: str | None = None


class Story(_Strict):
    """One conversation, and what has become of it in the end."""

    customer: Somebody
    beats: list[Beat]
    becomes: dict[str, str]


class _Person(Somebody):
    language: str
    lines: list[str]


class _File(_Strict):
    stories: list[Story]
    personas: list[_Person]


class Desk(_Strict):
    """The stories, and people who have not written yet."""

    stories: list[Story]
    people: tuple[Persona, ...]

    @property
    def begins(self) -> timedelta:
        """How long ago the first thing happened."""
        return max(beat.ago for story in self.stories for beat in story.beats)


def read_desk(path: Path) -> Desk:
    """The desk of a YAML file. Raises `ConfigurationError`."""
    try:
        file = _File.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    people = (Persona(p.name, p.language, tuple(p.lines), p.phone, p.user_id) for p in file.personas)
    return Desk(stories=file.stories, people=tuple(people))


class Seeder:
    """Plays the stories of a desk, all of them at once, each beat at its moment."""

    def __init__(self, stage: Stage, console: Console) -> None:
        self._stage = stage
        self._console = console
        self._desks: dict[str, httpx.AsyncClient] = {}

    async def fill(self, desk: Desk) -> list[str]:
        """Play the desk and bring the clock to the present. What did not come about is said, and given back."""
        now = self._stage.clock.now() - self._stage.clock.ahead
        beats = [(now - beat.ago, story, beat) for story in desk.stories for beat in story.beats]
        moments = groupby(sorted(beats, key=lambda item: item[0]), key=lambda item: item[0])
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        try:
            with Progress(*columns, console=self._console, transient=True) as bar:
                task = bar.add_task("Filling the desk", total=len(beats))
                for moment, group in moments:
                    due = [(story, beat) for _, story, beat in group]
                    await self._at(moment, due)
                    bar.advance(task, len(due))
            self._stage.clock.move(-min(self._stage.clock.ahead, timedelta(0)))
            return await self._wrong(desk)
        finally:
            for client in self._desks.values():
                await client.aclose()

    async def _at(self, moment: datetime, due: list[tuple[Story, Beat]]) -> None:
        self._stage.clock.move_to(moment)
        await asyncio.gather(*(self._beat(self._customer(story), beat) for story, beat in due))

    async def _beat(self, customer: Customer, beat: Beat) -> None:
        if beat.writes is not None or beat.operator is not None:
            await self._operator(customer, beat)
            return
        before = len(customer.received)
        wamid = await customer.sends(self._message(customer, beat))
        self._stage.clock.move(self._stage.house.burst_wait)
        if beat.answer:
            await _until(lambda: self._answered(customer, before))
        else:
            await _until(lambda: self._stored(customer, wamid))

    def _message(self, customer: Customer, beat: Beat) -> Json:
        if beat.says is not None:
            return customer.text(beat.says)
        if beat.sends is not None:
            sample = SAMPLES[beat.sends]
            return customer.message(sample.kind, sample.content(self._stage.double.keep))
        question = next(sent for sent in reversed(customer.received) if choices_of(sent.body))
        reply = list(choices_of(question.body).values())[(beat.taps or 1) - 1]
        return customer.message("interactive", reply, quote=question.wamid)

    async def _operator(self, customer: Customer, beat: Beat) -> None:
        rest = await self._desk_of(beat.by)
        conversation = await self._conversation(rest, customer)
        if beat.writes is not None:
            before = len(customer.received)
            await self._post(rest, f"conversations/{conversation}/messages", {"text": {"body": beat.writes}})
            await _until(lambda: self._answered(customer, before))
        elif beat.operator == "claim":
            queue = (await _get(rest, "handoffs?state=queued&limit=200"))["items"]
            handoff = next(item for item in queue if item["conversation_id"] == conversation)
            await self._post(rest, f"handoffs/{handoff['id']}/claim", None)
            await self._sign(rest, conversation, beat)
        elif beat.operator == "takeover":
            await self._post(rest, f"conversations/{conversation}/takeover", None)
            await self._sign(rest, conversation, beat)
        else:
            body = {"note": beat.note} if beat.operator == "resolve" else None
            await self._post(rest, f"conversations/{conversation}/{beat.operator}", body)

    async def _sign(self, rest: httpx.AsyncClient, conversation: str, beat: Beat) -> None:
        """What the demo's operator took is theirs at the console too; others have no account."""
        login = self._stage.login
        if login is not None and beat.by == login.name:
            await self._post(rest, f"conversations/{conversation}/assign", {"operator": login.email})

    # --- looking

    async def _answered(self, customer: Customer, before: int) -> bool:
        """Whether something new has reached the customer, and the service knows that it was read."""
        news = {sent.wamid for sent in customer.received[before:]}
        return bool(news) and all(item["state"] == "read" for item in await self._messages(customer, news))

    async def _stored(self, customer: Customer, wamid: str) -> bool:
        return bool(await self._messages(customer, {wamid}))

    async def _messages(self, customer: Customer, wamids: set[str]) -> list[Json]:
        rest = await self._desk_of("Rina")
        conversation = await self._conversation(rest, customer)
        items = (await _get(rest, f"conversations/{conversation}/messages?limit=200"))["items"]
        found = [item for item in items if item["wamid"] in wamids]
        return found if len(found) == len(wamids) else [{"state": "on its way"}] if found else []

    async def _wrong(self, desk: Desk) -> list[str]:
        """What did not become as the stories say; that a model of the user's answers otherwise is no error."""
        wrong = []
        rest = await self._desk_of("Rina")
        for story in desk.stories:
            key = await self._conversation(rest, self._customer(story))
            now = await _get(rest, f"conversations/{key}")
            wrong += [
                f"{story.customer.name}: {name} is {now.get(name)}, the desk says {value}"
                for name, value in story.becomes.items()
                if now.get(name) != value
            ]
        for line in wrong:
            self._console.print(f"Desk: {line}", style="yellow")
        return wrong

    async def _conversation(self, rest: httpx.AsyncClient, customer: Customer) -> str:
        items = (await _get(rest, "conversations?limit=200"))["items"]
        mine = (item for item in items if _is(item["contact"], customer))
        return str(next(mine, {"id": "none"})["id"])

    async def _post(self, rest: httpx.AsyncClient, path: str, body: Json | None) -> None:
        answer = await rest.post(path, json=body)
        if answer.is_error:
            self._console.print(f"Desk: {path} answered {answer.status_code}: {answer.text}", style="yellow")

    async def _desk_of(self, operator: str) -> httpx.AsyncClient:
        if operator not in self._desks:
            self._desks[operator] = await self._stage.rest(operator)
        return self._desks[operator]

    def _customer(self, story: Story) -> Customer:
        who = story.customer
        return self._stage.double.customer(who.phone, who.name, user_id=who.user_id)


def _is(contact: Json, customer: Customer) -> bool:
    by_phone = customer.phone is not None and contact["phone"] == customer.phone
    return by_phone or (customer.user_id is not None and contact["user_id"] == customer.user_id)


async def _get(rest: httpx.AsyncClient, path: str) -> Json:
    answer = await rest.get(path)
    answer.raise_for_status()
    body: Json = answer.json()
    return body


async def _until(done: Callable[[], Awaitable[bool]]) -> bool:
    for _ in range(int(PATIENCE_S / LOOK_EVERY_S)):
        if await done():
            return True
        await asyncio.sleep(LOOK_EVERY_S)
    return False
