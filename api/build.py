"""The composition root: settings in, a running house out. The only place that knows every part.

Tests and the demo build other houses with the same functions, by giving another clock or transport.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from agent.extractive import Extractive
from agent.prompts import PROMPT_VERSION
from agent.screen import Screen
from agent.spending import Capped
from agent.turn import Assistant, Deps
from api.events import Events
from api.house import House
from api.metrics import Metrics
from api.sender import Sender
from api.whatsapp.client import GraphClient
from api.worker import Pace, Worker
from knowledge.embed import make_embedder
from knowledge.index import ScanIndex, VectorIndex, open_index
from knowledge.search import Search
from sahut.clock import SystemClock
from sahut.engine import Engine
from sahut.errors import ConfigurationError
from sahut.migrations import migrate
from sahut.ports import ChatModel, Clock, Embedder
from sahut.settings import Settings
from sahut.store import Store, turns
from sahut.turn import Guidance
from tools.toolbox import Toolbox


@dataclass(frozen=True)
class Mind:
    """The assistant with what it knows, without a channel: what `ask`, `search` and the evals need."""

    settings: Settings
    store: Store
    embedder: Embedder
    search: Search
    screen: Screen
    assistant: Assistant

    async def warm_up(self) -> None:
        """Load the models and level the index, so that the first customer does not wait for it."""
        await self.screen.warm_up()
        await self.search.warm()
        await self.assistant.warm_up()


def guidance_of(settings: Settings) -> Guidance:
    """The settings that are frozen into each turn."""
    return Guidance(
        organisation=settings.organisation,
        persona=settings.persona,
        languages=settings.language_codes,
        max_wrong=settings.max_wrong,
        spam_threshold=settings.spam_threshold,
        business_hours=settings.business_hours,
        timezone=settings.timezone,
        prompt_version=PROMPT_VERSION,
    )


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The database, created or migrated."""
    if not settings.database_url:
        prepare_home(settings.home)
    store = Store(settings.store_url)
    try:
        await migrate(store)
        yield store
    finally:
        await store.close()


def prepare_home(home: Path) -> None:
    """Make the data folder, for this user only. Raises `ConfigurationError` where that cannot be."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"SAHUT_HOME ({home}) cannot be used: {error.strerror}.") from error


@asynccontextmanager
async def open_mind(
    settings: Settings, *, clock: Clock | None = None, perform: bool = False, own_index: bool = False
) -> AsyncIterator[Mind]:
    """The assistant over its knowledge.

    Without `perform`, write tools are recorded and never performed. `own_index` takes the Chroma folder for this
    process; without it vectors are compared in memory, so that a verb can run beside the service.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings))
        embedder = make_embedder(settings)
        index: VectorIndex = ScanIndex(embedder.name)
        if own_index or settings.chroma_url:
            index = await asyncio.to_thread(open_index, settings, embedder.name)
        stack.push_async_callback(index.close)
        search = Search(store, embedder, index)
        screen = Screen(embedder, languages=settings.language_codes)
        extractive = Extractive(embedder)
        deps = Deps(
            model=_chat_model(settings, extractive, store, clock or SystemClock(), stack),
            fallback=extractive,
            retriever=search,
            screen=screen,
            toolbox=Toolbox.from_entry_points(),
            embedder=embedder,
            store=store,
            clock=clock or SystemClock(),
            turn_timeout_s=settings.turn_timeout_s,
            perform=perform,
        )
        yield Mind(settings, store, embedder, search, screen, Assistant(deps))


def _chat_model(
    settings: Settings, extractive: Extractive, store: Store, clock: Clock, stack: AsyncExitStack
) -> ChatModel:
    if settings.chat_model == "extractive":
        return extractive
    from agent.model import make_chat_model

    model = make_chat_model(settings)
    stack.push_async_callback(model.close)
    return Capped(model, store, clock, limit_usd=settings.spend_limit_usd_per_day)


@asynccontextmanager
async def open_house(
    settings: Settings,
    *,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    roles: tuple[str, ...] = ("web", "worker"),
) -> AsyncIterator[House]:
    """The whole service for these roles. `transport` stands for the network to Meta, in tests.

    A process without the role `worker` never answers, so it leaves the index to the one that does.
    """
    clock = clock or SystemClock()
    works = "worker" in roles
    async with AsyncExitStack() as stack:
        mind = await stack.enter_async_context(open_mind(settings, clock=clock, perform=True, own_index=works))
        engine = Engine(settings.store_url)
        stack.push_async_callback(engine.close)
        channel = GraphClient(
            url=settings.whatsapp_graph_url,
            version=settings.whatsapp_graph_version,
            token=settings.whatsapp_access_token.get_secret_value(),
            transport=transport,
        )
        stack.push_async_callback(channel.close)
        if works:
            await mind.warm_up()
            await _free_leases(mind.store)
        house = assemble(mind, engine=engine, channel=channel, clock=clock)
        await stack.enter_async_context(house.events.between_processes())
        yield house


async def _free_leases(store: Store) -> None:
    """On SQLite this process is the one worker, so a lease that it finds belongs to one that died."""
    if store.is_sqlite:
        async with store.transaction() as tx:
            await turns.free_leases(tx)


def assemble(mind: Mind, *, engine: Engine, channel: GraphClient, clock: Clock) -> House:
    """Wire opened parts into a house."""
    settings, metrics = mind.settings, Metrics()
    sender = Sender(
        store=mind.store,
        channel=channel,
        clock=clock,
        metrics=metrics,
        margin=timedelta(seconds=settings.window_margin_s),
        unknown_wait=timedelta(seconds=settings.unknown_send_s),
        listening_since=clock.now(),
    )
    worker = Worker(
        store=mind.store,
        engine=engine,
        answer=mind.assistant.take_turn,
        sender=sender,
        clock=clock,
        metrics=metrics,
        guidance=guidance_of(settings),
        pace=Pace(turn_timeout=timedelta(seconds=settings.turn_timeout_s)),
        name=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
    )
    return House(
        settings=settings,
        store=mind.store,
        engine=engine,
        channel=channel,
        clock=clock,
        embedder=mind.embedder,
        worker=worker,
        events=Events(mind.store, clock),
        metrics=metrics,
    )
