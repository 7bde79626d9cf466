"""The composition root: settings in, a running house out. The only place that knows every part.

Tests and the demo build other houses with the same functions, by giving another clock or transport.
"""

import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

import httpx

from agent.chat.hearing import make_hearing
from agent.chat.lineup import Lineup
from agent.dialogue import turn_from_text
from agent.memory import TokenCounter
from agent.turn import take_turn
from api.background.closings import Closer
from api.background.courier import Courier
from api.background.fetching import Fetcher
from api.background.keeper import Keeper
from api.background.remembering import Remembering
from api.background.tidying import Tidier
from api.background.windows import Warner
from api.events import Events
from api.house import House
from api.metrics import Metrics
from api.mind import Mind, guidance_of, open_mind, spam_threshold
from api.sending.account import AccountWatch
from api.sending.sender import Sender
from api.sending.standing import Standing
from api.sending.templates import TemplateWatch
from api.switchboard import Switchboard
from api.whatsapp.client import GraphClient
from api.worker import Pace, Worker
from sahut.clock import SystemClock
from sahut.engine import Engine
from sahut.outside import Outside
from sahut.pacing import Rate
from sahut.ports import Clock, Hearing
from sahut.settings import Settings
from sahut.shelf import incoming_shelf, outgoing_shelf
from sahut.store import Store, numbers, turns
from sahut.turn import Reply

# Turns at once in one process.
EMBEDDED_TURNS, ASKING_TURNS = 8, 32
# One page of a web site, from the look-up of its name to its last byte.
SITE_S = 60.0


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
        switchboard = Switchboard(mind.store, settings, clock, guidance_of(settings))
        await switchboard.reseal()
        await switchboard.look()
        await _note_number(mind.store, settings, clock)
        channel = GraphClient(
            url=settings.whatsapp_graph_url,
            version=settings.whatsapp_graph_version,
            token=settings.whatsapp_access_token.get_secret_value(),
            tokens=switchboard.token,
            transport=transport,
        )
        stack.push_async_callback(channel.close)
        if works:
            await mind.warm_up()
            await _free_leases(mind.store)
        outside = Outside(allow_private=settings.webhooks_allow_private)
        stack.push_async_callback(outside.close)
        hearing = make_hearing(settings)
        if hearing is not None:
            stack.push_async_callback(hearing.close)
        web = open_web(settings)
        stack.push_async_callback(web.close)
        house = assemble(
            mind,
            engine=engine,
            channel=channel,
            outside=outside,
            clock=clock,
            switchboard=switchboard,
            web=web,
            hearing=hearing,
        )
        await stack.enter_async_context(house.events.between_processes())
        yield house


async def _free_leases(store: Store) -> None:
    """On SQLite this process is the one worker, so a lease that it finds belongs to one that died."""
    if store.is_sqlite:
        async with store.transaction() as tx:
            await turns.free_leases(tx)


async def _note_number(store: Store, settings: Settings, clock: Clock) -> None:
    """The number of the settings is served, also where it was removed while it was another's."""
    if settings.whatsapp_phone_number_id:
        async with store.transaction() as tx:
            await numbers.note(tx, settings.whatsapp_phone_number_id, now=clock.now())


def open_web(settings: Settings) -> Outside:
    """The way to web sites that are learned."""
    return Outside(allow_private=settings.learn_allow_private, setting="SAHUT_LEARN_ALLOW_PRIVATE", limit_s=SITE_S)


def assemble(
    mind: Mind,
    *,
    engine: Engine,
    channel: GraphClient,
    outside: Outside,
    clock: Clock,
    switchboard: Switchboard | None = None,
    web: Outside | None = None,
    hearing: Hearing | None = None,
) -> House:
    """Wire opened parts into a house.

    `switchboard` is the one that `channel` asks for tokens, if it asks any. `web` is the way to sites that are read
    again, where it is not `outside`.
    """
    settings, metrics = mind.settings, Metrics()
    if isinstance(mind.assistant.deps.model, Lineup):
        mind.assistant.deps.model.watch = metrics
    switchboard = switchboard or Switchboard(mind.store, settings, clock, guidance_of(settings))
    courier = Courier(store=mind.store, outside=outside, clock=clock, metrics=metrics)
    screen = partial(mind.screen.screen, spam_threshold=spam_threshold(settings))
    fetcher = Fetcher(mind.store, channel, engine, clock, incoming_shelf(settings.home), screen, hearing)
    template_watch = TemplateWatch(mind.store, channel, clock, switchboard.accounts)
    keeper = _keeper(mind, clock, web or outside)
    remembering = Remembering(mind.store, mind.assistant.deps.model, clock, TokenCounter(settings.home / "cache"))
    beside = {
        "courier": courier.run,
        "files": fetcher.run,
        "keeper": keeper.run,
        "tidier": _tidier(mind, clock).run,
        "remembering": remembering.run,
        "standing": Standing(mind.store, channel, clock, metrics).run,
        "account": AccountWatch(mind.store, channel, clock, switchboard.numbers).run,
        "templates": template_watch.run,
    }
    worker = _worker(mind, engine, _sender(mind, channel, clock, metrics), clock, metrics, switchboard, beside)
    return House(
        settings=settings,
        store=mind.store,
        engine=engine,
        channel=channel,
        clock=clock,
        embedder=mind.embedder,
        worker=worker,
        events=Events(mind.store, clock),
        switchboard=switchboard,
        courier=courier,
        templates=template_watch,
        fetcher=fetcher,
        keeper=keeper,
        remembering=remembering,
        metrics=metrics,
        toolbox=mind.assistant.deps.toolbox,
        guidance=guidance_of(settings),
        ask=partial(_ask, mind),
        model=mind.assistant.deps.model,
    )


def _worker(
    mind: Mind,
    engine: Engine,
    sender: Sender,
    clock: Clock,
    metrics: Metrics,
    switchboard: Switchboard,
    beside: Mapping[str, Callable[[], Awaitable[None]]],
) -> Worker:
    settings = mind.settings
    return Worker(
        store=mind.store,
        engine=engine,
        answer=mind.assistant.take_turn,
        sender=sender,
        clock=clock,
        metrics=metrics,
        guidance=switchboard.guidance,
        pace=_pace(settings),
        name=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        closer=_closer(mind, clock, switchboard) if settings.closing else None,
        warner=_warner(mind, clock) if settings.window_warning_s else None,
        beside=beside,
    )


def _pace(settings: Settings) -> Pace:
    """A turn that asks a chat server mostly waits for it; the embedded answers are work for this process."""
    turn_timeout = timedelta(seconds=settings.turn_timeout_s)
    return Pace(turn_timeout, slots=EMBEDDED_TURNS if settings.chat_model == "extractive" else ASKING_TURNS)


def _sender(mind: Mind, channel: GraphClient, clock: Clock, metrics: Metrics) -> Sender:
    settings = mind.settings
    return Sender(
        store=mind.store,
        channel=channel,
        clock=clock,
        metrics=metrics,
        margin=timedelta(seconds=settings.window_margin_s),
        unknown_wait=timedelta(seconds=settings.unknown_send_s),
        listening_since=clock.now(),
        shelf=outgoing_shelf(settings.home),
        rate=Rate(settings.whatsapp_messages_per_s),
    )


async def _ask(mind: Mind, question: str, language: str) -> Reply:
    """What the assistant would say to somebody who asked this now."""
    await mind.search.level(now=True)
    deps = replace(mind.assistant.deps, perform=False)
    turn = turn_from_text(question, now=deps.clock.now(), guidance=guidance_of(mind.settings), language=language)
    return await take_turn(turn, deps)


def _keeper(mind: Mind, clock: Clock, web: Outside) -> Keeper:
    hours = mind.settings.relearn_hours
    every = timedelta(hours=hours) if hours else None
    return Keeper(store=mind.store, embedder=mind.embedder, clock=clock, outside=web, relearn_every=every)


def _tidier(mind: Mind, clock: Clock) -> Tidier:
    days = mind.settings.files_kept_days
    keep = timedelta(days=days) if days else None
    return Tidier(store=mind.store, clock=clock, shelf=incoming_shelf(mind.settings.home), keep=keep)


def _closer(mind: Mind, clock: Clock, switchboard: Switchboard) -> Closer:
    settings = mind.settings
    return Closer(
        store=mind.store,
        clock=clock,
        guidance=switchboard.guidance,
        margin=timedelta(seconds=settings.window_margin_s),
        before=timedelta(seconds=max(settings.closing_before_s, 2 * settings.window_margin_s)),
        public_url=settings.public_url,
    )


def _warner(mind: Mind, clock: Clock) -> Warner:
    margin = timedelta(seconds=mind.settings.window_margin_s)
    before = max(timedelta(seconds=mind.settings.window_warning_s), 2 * margin)
    return Warner(store=mind.store, clock=clock, margin=margin, before=before)
