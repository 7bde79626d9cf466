"""The storm's house: real store, worker, sender and doors; the assistant and the ears are scripted. Plays nothing."""

from datetime import timedelta
from pathlib import Path

from api.background.closings import Closer
from api.background.fetching import Fetcher
from api.background.windows import Warner
from api.events import Events
from api.house import House
from api.metrics import Metrics
from api.sending.sender import Sender
from api.simulator.graph import NUMBER, SECRET
from api.switchboard import Switchboard
from api.worker import Pace, Worker
from knowledge.embed import LocalEmbedder
from sahut.settings import Settings
from sahut.shelf import incoming_shelf, outgoing_shelf
from sahut.turn import Guidance
from tests.storm.cast import (
    GatedChannel,
    GatedGraph,
    GatedStore,
    LossyEngine,
    ScriptedAssistant,
    ScriptedHearing,
    unscreened,
)
from tests.storm.plot import Plot
from tests.storm.stage import Stage

CLOSING_BEFORE = timedelta(hours=1)
WARNING_BEFORE = timedelta(hours=2)


def house_of(
    plot: Plot,
    *,
    store: GatedStore,
    engine: LossyEngine,
    channel: GatedChannel,
    graph: GatedGraph,
    stage: Stage,
    assistant: ScriptedAssistant,
    home: Path,
) -> House:
    """Two processes' worth of it: which one does something is the director's choice."""
    settings = Settings(
        _env_file=None,
        whatsapp_phone_number_id=NUMBER,
        whatsapp_app_secret=SECRET,
        home=home,
        burst_wait_ms=plot.burst_wait_ms,
    )
    metrics = Metrics()
    switchboard = Switchboard(store, settings, stage, Guidance(organisation="the storm"))
    margin = timedelta(seconds=settings.window_margin_s)
    worker = Worker(
        store=store,
        engine=engine,
        answer=assistant.answer,
        sender=_sender(settings, store, channel, stage, metrics),
        clock=stage,
        metrics=metrics,
        guidance=switchboard.guidance,
        pace=Pace(turn_timeout=timedelta(seconds=30), slots=100),
        name="worker",
        closer=Closer(store=store, clock=stage, guidance=switchboard.guidance, margin=margin, before=CLOSING_BEFORE),
    )
    return House(
        settings=settings,
        fetcher=_fetcher(settings, store, graph, engine, stage, plot),
        store=store,
        engine=engine,
        channel=channel,
        clock=stage,
        embedder=LocalEmbedder(),
        worker=worker,
        events=Events(store, stage),
        switchboard=switchboard,
        metrics=metrics,
    )


def warner_of(house: House) -> Warner:
    """Tells of windows that end. The storm brings it on by itself, so that two may look at the same moment."""
    return Warner(store=house.store, clock=house.clock, margin=house.margin, before=WARNING_BEFORE)


def _sender(settings: Settings, store: GatedStore, channel: GatedChannel, stage: Stage, metrics: Metrics) -> Sender:
    return Sender(
        store=store,
        channel=channel,
        clock=stage,
        metrics=metrics,
        margin=timedelta(seconds=settings.window_margin_s),
        unknown_wait=timedelta(seconds=settings.unknown_send_s),
        listening_since=stage.now(),
        shelf=outgoing_shelf(settings.home),
    )


def _fetcher(
    settings: Settings, store: GatedStore, graph: GatedGraph, engine: LossyEngine, stage: Stage, plot: Plot
) -> Fetcher:
    return Fetcher(
        store=store,
        graph=graph,
        engine=engine,
        clock=stage,
        shelf=incoming_shelf(settings.home),
        screen=unscreened,
        hearing=ScriptedHearing(stage, plot.media),
    )
