"""The console under load: how long pages take on a large inbox, how soon a message is seen, what it costs the webhook.

A console here is what a browser is to the service: the page over HTTP, then its socket. Nothing is drawn, so the time
that a browser takes to draw comes on top.
"""

import ast
import asyncio
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import socketio

from api.simulator.graph import NUMBER, WEBHOOK
from sahut.ids import new_id
from sahut.models import Author, Contact, ContactIdentity, Conversation, Holder, IdentityKind, Message, State, Status
from sahut.store import Store
from sahut.store.database import insert
from tests.bench.load import share
from tests.bench.processes import SCRIPTS, Folder, ServedDouble, Service, environment, learn, served_double
from tests.bench.tables import Target, console, show
from tests.bench.wire import Wire

EMAIL, PASSWORD = "bench@example.com", "correct horse battery"
CONVERSATIONS, LONG = 10_000, 500
CONSOLES = 20
PER_SECOND = 4.0
PAGES = 20
PATIENCE_S = 10.0


class Desk:
    """One open console. `seen` tells when each awaited text arrived at it."""

    def __init__(self, address: str, cookies: httpx.Cookies) -> None:
        self._address, self._cookies = address, cookies
        self._socket = socketio.AsyncClient(reconnection=False)
        self._socket.on("run_javascript", self._hears)
        self._ids = count()
        self.awaited: dict[str, asyncio.Future[float]] = {}

    async def opens(self, path: str = "/") -> None:
        """Load the page and connect its socket."""
        async with httpx.AsyncClient(cookies=self._cookies, trust_env=False, timeout=30) as web:
            page = (await web.get(f"{self._address}/console{path}")).text
        query = ast.literal_eval(re.search(r"query: (\{.*?\}),\n", page)[1])  # type: ignore[index]
        raw = re.search(r"parseElements\(String\.raw`(.*?)`\)", page, re.S)[1]  # type: ignore[index]
        for escaped, plain in (("&#36;", "$"), ("&#96;", "`"), ("&gt;", ">"), ("&lt;", "<"), ("&amp;", "&")):
            raw = raw.replace(escaped, plain)
        self._client_id, self._elements = query["client_id"], json.loads(raw)
        name = "bench" + new_id()
        more = f"client_id={self._client_id}&next_message_id=0&implicit_handshake=true&tab_id={name}&document_id={name}"
        cookie = "; ".join(f"{key}={value}" for key, value in self._cookies.items())
        await self._socket.connect(
            f"{self._address}?{more}",
            headers={"Origin": self._address, "Cookie": cookie},
            transports=["websocket"],
            socketio_path="/console/_nicegui_ws/socket.io",
        )

    async def does(self, part: str, event: str, args: dict[str, Any], until: str) -> float:
        """Let a component emit; seconds until something with the text `until` comes back."""
        element_id, element = next((key, one) for key, one in self._elements.items() if one["tag"] == f"nicegui-{part}")
        listener = next(one["listener_id"] for one in element["events"] if one["type"] == event)
        waits = self.waits_for(until)
        began = time.perf_counter()
        message = {"id": int(element_id), "client_id": self._client_id, "listener_id": listener}
        await self._socket.emit("event", {**message, "args": [json.dumps(args)]})
        return await asyncio.wait_for(waits, PATIENCE_S) - began

    def waits_for(self, text: str) -> "asyncio.Future[float]":
        """The moment at which this text will arrive."""
        return self.awaited.setdefault(text, asyncio.get_running_loop().create_future())

    async def closes(self) -> None:
        await self._socket.disconnect()

    def _hears(self, message: dict[str, Any]) -> None:
        code, now = message["code"], time.perf_counter()
        for text in [text for text in self.awaited if text in code]:
            future = self.awaited.pop(text)
            if not future.done():
                future.set_result(now)


async def bench(*, seconds: float) -> bool:
    """Measure on one embedded service; whether the targets are met."""
    with Folder() as home:
        async with served_double() as double:
            env = environment(home, double.address)
            await asyncio.to_thread(learn, env)
            _hire(env)
            long = await _fill(f"sqlite:///{home / 'sahut.db'}")
            service = Service(env, roles="web,worker,console")
            try:
                await asyncio.to_thread(service.start().ready)
                double.posts_to(service.address)
                return Target.show(await _measure(service, double, long, seconds))
            finally:
                service.stop()


async def _measure(service: Service, double: ServedDouble, long: str, seconds: float) -> list[Target]:
    cookies = await _signed_in(service.address)
    pages = await _pages(service.address, cookies, long)
    alone, _ = await _traffic(service, double, [], seconds)
    async with AsyncExitStack() as stack:
        desks = [Desk(service.address, cookies) for _ in range(CONSOLES)]
        for desk in desks:
            await desk.opens()
            stack.push_async_callback(desk.closes)
            await desk.does("queue", "lane", {"lane": "all"}, until='"lane":"all"')
        acks, seen = await _traffic(service, double, desks, seconds)
    rows = [
        *([name, *_ms(values)] for name, values in pages.items()),
        ["webhook ack, no console", *_ms(alone)],
        [f"webhook ack, {CONSOLES} consoles", *_ms(acks)],
        [f"message seen at {CONSOLES} consoles", *_ms(seen)],
    ]
    show(
        f"Console: {CONVERSATIONS} conversations, {PER_SECOND:g} messages a second", ["", "p50 ms", "p95 ms", "n"], rows
    )
    console.print(f"resident memory: {service.memory_mb():.0f} MB")
    return [
        Target(
            f"conversation of {LONG} messages opens, p95 ms", 1000 * share(pages["conversation"], 0.95), at_most=400
        ),
        Target(f"inbox of {CONVERSATIONS}, p95 ms", 1000 * share(pages["inbox"], 0.95), at_most=300),
        Target("message seen, p95 ms", 1000 * share(seen, 0.95), at_most=500),
        Target(f"webhook ack with {CONSOLES} consoles, p95 ms", 1000 * share(acks, 0.95), at_most=100),
    ]


async def _pages(address: str, cookies: httpx.Cookies, long: str) -> dict[str, list[float]]:
    """Seconds for whole pages over HTTP, and for the same through an open page's socket."""
    taken: dict[str, list[float]] = {"page, conversation": [], "conversation": [], "inbox": []}
    async with httpx.AsyncClient(cookies=cookies, trust_env=False, timeout=30) as web:
        for _ in range(PAGES):
            began = time.perf_counter()
            (await web.get(f"{address}/console/c/{long}")).raise_for_status()
            taken["page, conversation"].append(time.perf_counter() - began)
    desk = Desk(address, cookies)
    await desk.opens()
    for _ in range(PAGES):
        taken["conversation"].append(
            await desk.does("thread", "open", {"id": long}, until=f'"show", [{{"view":{{"id":"{long}"')
        )
        taken["inbox"].append(await desk.does("queue", "lane", {"lane": "all"}, until='"lane":"all"'))
        await desk.does("queue", "lane", {"lane": "mine"}, until='"lane":"mine"')
    await desk.closes()
    return taken


async def _traffic(
    service: Service, double: ServedDouble, desks: list[Desk], seconds: float
) -> tuple[list[float], list[float]]:
    """Customers write at a steady pace. Seconds for each ack, and until each console had each message."""
    wire, acks, seen, numbers = Wire(service.address), [], [], count(int(time.time() * 1000) % 10**8)

    async def one() -> None:
        number = next(numbers)
        # The row's name is what is waited for: its last line is soon the assistant's.
        name, text = f"Bench {number}q", f"Saya mau bicara dengan petugas, urusan {number}"
        payload = double.payload_of(double.customer(f"62{8_700_000_000 + number}", name).text(text))
        body, headers = double.mail.signed(payload)
        waits = [desk.waits_for(name) for desk in desks]
        began = time.perf_counter()
        answer = await wire.post(WEBHOOK, content=body, headers=headers)
        acks.append(time.perf_counter() - began)
        assert answer.status_code == 200
        if waits:
            done, late = await asyncio.wait(waits, timeout=PATIENCE_S)
            seen.extend([*(one.result() - began for one in done), *(PATIENCE_S for _ in late)])

    async with asyncio.TaskGroup() as group:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            group.create_task(one())
            await asyncio.sleep(1 / PER_SECOND)
    await wire.aclose()
    return acks, seen


async def _signed_in(address: str) -> httpx.Cookies:
    async with httpx.AsyncClient(base_url=f"{address}/console", trust_env=False, timeout=30) as web:
        token = re.search(r'name="token" value="(\w+)"', (await web.get("/sign-in")).text)[1]  # type: ignore[index]
        form = {"email": EMAIL, "password": PASSWORD, "token": token}
        answer = await web.post("/sign-in", data=form)
        assert answer.status_code == 303, answer.text
        return httpx.Cookies({"sahut_session": answer.cookies["sahut_session"]})


def _hire(env: dict[str, str]) -> None:
    command = [str(SCRIPTS / "sahut"), "operator", "add", EMAIL, "--role", "supervisor", "--password-stdin"]
    subprocess.run(command, env=env, cwd=env["SAHUT_HOME"], input=PASSWORD.encode(), check=True, capture_output=True)


async def _fill(url: str) -> str:
    """Ten thousand conversations, one of them long; the id of that one."""
    store, now = Store(url), datetime.now(UTC)
    kinds: tuple[list[Any], ...] = ([], [], [], [])
    people, names, talks, lines = kinds
    for number in range(CONVERSATIONS):
        at = now - timedelta(minutes=CONVERSATIONS - number)
        person = Contact(name=f"Customer {number}", created_at=at)
        talk = Conversation(
            number=NUMBER,
            contact_id=person.id,
            status=Status.OPEN,
            holder=Holder.ASSISTANT,
            language="id",
            window_opened_at=at,
            created_at=at,
            updated_at=at,
        )
        people.append(person)
        phone = str(6281500000000 + number)
        names.append(ContactIdentity(contact_id=person.id, kind=IdentityKind.PHONE, value=phone, created_at=at))
        talks.append(talk)
        lines.extend(_lines(talk.id, LONG if number == CONVERSATIONS - 1 else 2, at))
    async with store.transaction() as tx:
        for rows in kinds:
            for chunk in _chunks(rows):
                await insert(tx, *chunk)
    await store.close()
    return str(talks[-1].id)


def _lines(conversation_id: str, many: int, at: datetime) -> Iterator[Message]:
    for number in range(many):
        ours = number % 2 == 1
        yield Message(
            conversation_id=conversation_id,
            number=NUMBER,
            wamid=f"wamid.{conversation_id}.{number}",
            author=Author.ASSISTANT if ours else Author.CONTACT,
            state=State.READ if ours else State.RECEIVED,
            text=f"Line {number} of a conversation about a vehicle tax that is due soon.",
            sent_at=at,
            created_at=at,
            done_at=at,
        )


def _chunks(rows: list[Any], size: int = 1000) -> Iterator[list[Any]]:
    for at in range(0, len(rows), size):
        yield rows[at : at + size]


def _ms(values: list[float]) -> tuple[str, str, str]:
    return f"{1000 * share(values, 0.5):.0f}", f"{1000 * share(values, 0.95):.0f}", str(len(values))
