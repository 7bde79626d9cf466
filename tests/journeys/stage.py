"""The stage of the plays: the real house on a real database, customers at a double of WhatsApp, a clock moved by hand.

    ani = world.customer("Ani")
    await ani.says("Berapa denda kalau telat bayar pajak kendaraan?")
    await world.settles()
    assert "2%" in world.sent_to(ani)[0]

`settles` lets everything happen that can happen at this moment of the clock: wake-ups are served, statuses arrive.
`passes` moves the clock and sweeps whenever something falls due. Nothing happens by itself.
"""

import asyncio
import base64
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import col, select
from structlog.testing import capture_logs

from agent.extractive import Extractive
from agent.screening.marks import StoredMarks
from agent.screening.screen import Screen, reader
from agent.state import Screener
from agent.turn import Assistant, Deps
from api.app import create_app
from api.build import assemble
from api.mind import Mind, calibration_of, guidance_of
from api.simulator.customers import Customer, Sent
from api.simulator.graph import ACCOUNT, NUMBER, SECRET, TOKEN, GraphDouble
from api.switchboard import Switchboard
from api.whatsapp.client import GraphClient
from knowledge.embed import LocalEmbedder
from knowledge.index import ScanIndex
from knowledge.search import Search
from knowledge.space import space_of
from sahut import rules
from sahut.models import UNSETTLED, WITH_HUMANS_SQL, Conversation, Handoff, HandoffState, InboundFile, Message
from sahut.outside import Outside
from sahut.ports import ChatModel, Clock
from sahut.settings import Settings
from sahut.store import Store, keys
from sahut.testing.clock import VirtualClock
from sahut.testing.model import ScriptedModel
from tests.journeys.people import Operator, Rest
from tests.journeys.wires import Exchange, Wake, Wakes
from tools.tool import Tool
from tools.toolbox import Toolbox

VERIFY = "verify-me"
KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
PATIENCE = 30_000


async def until(done: Callable[[], bool]) -> None:
    """Let everybody else go on until `done`; for what moves by itself."""
    for _ in range(PATIENCE):
        if done():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came to pass")


class World:
    """One house with its customers and operators."""

    def __init__(self, house: Any, exchange: Exchange, web: httpx.AsyncClient, model: ScriptedModel) -> None:
        self.house, self.web, self.model = house, web, model
        self.doubles, self.double = exchange.doubles, exchange.doubles[0]
        self.clock: VirtualClock = house.clock
        self.engine: Wakes = house.engine
        self.logs: list[Any] = []
        self._tasks: dict[Wake, asyncio.Task[None]] = {}
        self._phones = count(6281200000001)
        self._seen: dict[str, Customer] = {}

    # --- who is there

    def customer(self, name: str, *, user_id: str | None = None, phone: bool = True) -> Customer:
        """A customer with a phone number of their own, the same one for the same name."""
        if name not in self._seen:
            digits = str(next(self._phones)) if phone else None
            self._seen[name] = self.double.customer(digits, name, user_id=user_id)
        return self._seen[name]

    def line(self, number: str, **more: str) -> GraphDouble:
        """One more number at Meta, of an app of its own: it has its customers, its token and its secret."""
        double = GraphDouble(clock=self.clock, seed=len(self.doubles) + 1, number=number, client=self.web, **more)
        self.doubles.append(double)
        return double

    async def key(self, name: str, *scopes: str) -> str:
        """A fresh key for REST."""
        async with self.house.store.transaction() as tx:
            _, secret = await keys.create(tx, name, list(scopes), now=self.clock.now())
        return secret

    async def operator(self, name: str = "budi") -> Operator:
        """A human at the REST interface, with a key that may read and write."""
        return Operator(self.rest(await self.key(name, "read", "write")), name)

    def rest(self, key: str | None) -> Rest:
        """The REST interface with a key in hand, or with none."""
        return Rest(self.web, key)

    # --- what happens

    async def settles(self) -> None:
        """Everything happens that can happen at this moment of the clock."""
        while True:
            self._attend(self.engine.take())
            await self._rest()
            brought = await self.house.fetcher.look()
            told = sum([await double.deliver_statuses() for double in self.doubles])
            if not self.engine.waiting and not brought and not told:
                return

    async def asked(self, name: str, question: str) -> Customer:
        """A customer who has asked something, with all that came of it at this moment."""
        customer = self.customer(name)
        await customer.says(question)
        await self.settles()
        return customer

    async def passes(self, seconds: float) -> None:
        """Time passes; at each moment when something is due the sweep looks, and what it finds is attended to."""
        end = self.clock.now() + timedelta(seconds=seconds)
        await self.settles()
        while (due := await self._next_due()) is not None and due <= end:
            await self._jump(due)
        await self._jump(end)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """The worker works by itself, as in a service; stopped at the end, however that comes."""
        working = asyncio.create_task(self.house.worker.run())
        try:
            yield
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working

    async def falls_asleep(self) -> None:
        """Until each loop of a worker that works by itself, the sweep and those beside it, sleeps on the clock."""
        await until(lambda: self.clock.sleepers > len(self.house.worker.beside))

    async def sweep(self) -> None:
        """The worker looks for what a lost wake-up or a crash left behind."""
        self._attend(await self.house.worker.look())
        await self.settles()

    async def _jump(self, moment: datetime) -> None:
        self.clock.advance(max(0.0, (moment - self.clock.now()).total_seconds()))
        await self.settles()
        await self.sweep()

    def _attend(self, wakes: list[Wake]) -> None:
        """Start what is woken. As in the engine, a key that is being attended to is not started twice."""
        for topic, key in wakes:
            if (topic, key) not in self._tasks:
                work = self.house.worker.attend if topic == "turn" else self.house.worker.deliver
                self._tasks[topic, key] = asyncio.create_task(work(key))

    async def _rest(self) -> None:
        """Until everybody has done, sleeps on the clock, or is held in the middle of a thought."""
        await until(self._is_quiet)
        for wake in [wake for wake, task in self._tasks.items() if task.done()]:
            self._tasks.pop(wake).result()

    def _is_quiet(self) -> bool:
        at_work = sum(not task.done() for task in self._tasks.values())
        return at_work <= self.clock.sleepers + self.model.holding

    async def _next_due(self) -> datetime | None:
        moments = [letter.due_at for double in self.doubles for letter in double.mail.pending]
        moments += [self.clock.next_due] if self.clock.next_due else []
        async with self.house.store.reading() as tx:
            waiting = col(Conversation.undone_since).is_not(None)
            for query in (
                select(Message.due_at).where(col(Message.state).in_(UNSETTLED)),
                select(Conversation.wake_at).where(waiting),
                select(InboundFile.due_at).where(col(InboundFile.due_at).is_not(None)),
                select(Conversation.leased_until).where(waiting),
                select(Handoff.due_at).where(Handoff.state == HandoffState.QUEUED, col(Handoff.noticed_at).is_(None)),
            ):
                moments += [moment for moment in (await tx.execute(query)).scalars() if moment is not None]
            answered = select(Conversation.window_opened_at).where(col(Conversation.answered_at).is_not(None))
            human = select(Conversation.window_opened_at).where(WITH_HUMANS_SQL)
            chosen = self.house.settings
            for query, before_s in ((answered, chosen.closing_before_s), (human, chosen.window_warning_s)):
                spare = rules.WINDOW - timedelta(seconds=before_s)
                moments += [opened + spare for opened in (await tx.execute(query)).scalars() if opened is not None]
        return min((moment for moment in moments if moment > self.clock.now()), default=None)

    # --- what can be seen

    def sent_to(self, customer: Customer) -> list[str]:
        """The texts that the customer has seen, in order."""
        return [sent.text for sent in customer.received]

    async def rows(self, kind: Any) -> list[Any]:
        """All rows of a table, oldest first."""
        async with self.house.store.reading() as tx:
            return list((await tx.execute(select(kind).order_by(kind.id))).scalars())

    async def files(self) -> list[InboundFile]:
        """What is known of customers' files."""
        async with self.house.store.reading() as tx:
            return list((await tx.execute(select(InboundFile))).scalars())

    async def row_of(self, sent: Sent) -> Message:
        """Our own row of a message that the double took."""
        return next(row for row in await self.rows(Message) if row.callback_id == sent.callback)

    async def post(self, payload: Any) -> int:
        """One signed webhook; the HTTP status."""
        return await self.double.mail.post(payload)

    async def dies(self) -> None:
        """Whatever is being done stops where it is, as in a crash."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()


@asynccontextmanager
async def open_world(
    url: str,
    embedder: LocalEmbedder,
    home: Path,
    *,
    store: Store | None = None,
    tools: Iterable[Tool] = (),
    thinks: ChatModel | None = None,
    screen: Screener | None = None,
    **settings: Any,
) -> AsyncIterator[World]:
    """A house over the database, wired from the real parts; only the network, the clock and the wake-ups are ours.

    `tools` are there beside those that every house has. `thinks` answers where the play scripts nothing, and `screen`
    stands at the door instead of the real one.
    """
    chosen = settings_for(url, home, **settings)
    clock, engine, store = VirtualClock(), Wakes(), store or Store(url)
    double = GraphDouble(clock=clock, seed=1)
    model = ScriptedModel(otherwise=thinks or Extractive(embedder))
    exchange = Exchange(double)
    switchboard = Switchboard(store, chosen, clock, guidance_of(chosen))
    channel = GraphClient(
        url="http://graph.test",
        version="v26.0",
        token=TOKEN,
        tokens=switchboard.token,
        transport=exchange,
    )
    mind = mind_over(chosen, store, embedder, model, clock, tools)
    if screen is not None:
        mind = replace(mind, assistant=Assistant(replace(mind.assistant.deps, screen=screen)))
    outside = Outside(allow_private=chosen.webhooks_allow_private)
    house = assemble(
        mind,
        engine=engine,  # type: ignore[arg-type]
        channel=channel,
        outside=outside,
        clock=clock,
        switchboard=switchboard,
    )
    app = create_app(house, roles=("web",))
    web = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://sahut.test")
    double.mail.client = web
    world = World(house, exchange, web, model)
    try:
        with capture_logs() as world.logs:
            yield world
    finally:
        await world.dies()
        await house.background.stop()
        await web.aclose()
        await channel.close()
        await outside.close()
        await store.close()


def settings_for(url: str, home: Path, **more: Any) -> Settings:
    """The settings of a house at the double, whatever the environment says."""
    base = {
        "home": home,
        "database_url": url,
        "model": "extractive",
        "openai_api_key": "",
        "openai_base_url": "",
        "burst_wait_ms": 0,
        # Most plays end with an answer; `test_closing` plays on.
        "closing": False,
        "organisation": "Samsat Nusa Raya",
        "whatsapp_graph_url": "http://graph.test",
        "whatsapp_phone_number_id": NUMBER,
        "whatsapp_business_account_id": ACCOUNT,
        "whatsapp_access_token": TOKEN,
        "whatsapp_app_secret": SECRET,
        "whatsapp_verify_token": VERIFY,
        # Much may leave at one moment of a clock that stands still; `test_pace` plays on a narrow line.
        "whatsapp_messages_per_s": 1000,
        "secret_key": "for the play, and as long as a key must be",
        "encryption_keys": KEY,
    }
    return Settings(_env_file=None, **{**base, **more})


def mind_over(
    chosen: Settings,
    store: Store,
    embedder: LocalEmbedder,
    model: ScriptedModel,
    clock: Clock,
    tools: Iterable[Tool] = (),
) -> Mind:
    """The real assistant over what was learned, with a model that can be scripted."""
    search = Search(store, embedder, ScanIndex(space_of(embedder).name), check_every_s=0)
    screen = Screen(reader(embedder), languages=chosen.language_codes, marks=StoredMarks(store, reader(embedder).name))
    deps = Deps(
        model=model,
        fallback=Extractive(embedder),
        retriever=search,
        screen=screen,
        toolbox=Toolbox.from_entry_points(tools),
        embedder=embedder,
        store=store,
        clock=clock,
        turn_timeout_s=sys.maxsize,
        calibration=calibration_of(chosen),
    )
    return Mind(chosen, store, embedder, search, screen, Assistant(deps))
