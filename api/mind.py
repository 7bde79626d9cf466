"""The assistant over its knowledge, from the settings: what `ask`, `search` and the evals need, and a house stands on.

Knows no channel, no door and no worker.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.calibration import Calibration, read_calibration
from agent.chat.spending import Purse, limits_of
from agent.extractive import Extractive
from agent.prompts import PROMPT_VERSION
from agent.screening.marks import StoredMarks
from agent.screening.screen import Screen, reader
from agent.turn import Assistant, Deps
from knowledge.embed import make_embedder
from knowledge.index import ScanIndex, VectorIndex, open_index
from knowledge.search import Search
from knowledge.space import space_of
from sahut.clock import SystemClock
from sahut.errors import ConfigurationError
from sahut.formfile import read_folder
from sahut.memory import trim
from sahut.migrations import migrate
from sahut.outside import Outside
from sahut.ports import Clock, Embedder
from sahut.settings import Settings
from sahut.store import Store, forms, library
from sahut.turn import Guidance
from tools.outside import SETTING, open_outside
from tools.sources import FILE
from tools.toolbox import Toolbox

if TYPE_CHECKING:
    from agent.chat.lineup import Lineup

# Of a turn's time: what the first model gets where there is a second, and from when on an answer counts as slow.
FIRST_SHARE = 0.5
SLOW_SHARE = 0.6


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
        trim()


def guidance_of(settings: Settings) -> Guidance:
    """The settings that are frozen into each turn. A fitted spam threshold holds where none is set."""
    return Guidance(
        organisation=settings.organisation,
        persona=settings.persona,
        languages=settings.language_codes,
        max_wrong=settings.max_wrong,
        spam_threshold=spam_threshold(settings),
        business_hours=settings.business_hours,
        timezone=settings.timezone,
        public_url=settings.public_url,
        prompt_version=PROMPT_VERSION,
    )


def spam_threshold(settings: Settings) -> float:
    """From which probability a message is spam: as set, else as fitted, else as shipped."""
    fitted = calibration_of(settings).spam
    is_set = "spam_threshold" in settings.model_fields_set
    return settings.spam_threshold if is_set or fitted is None else fitted.threshold


def calibration_of(settings: Settings) -> Calibration:
    """What was fitted for this installation. Raises `ConfigurationError` where it cannot be used."""
    return read_calibration(settings.home, max_wrong=settings.max_wrong)


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
    settings: Settings,
    *,
    clock: Clock | None = None,
    perform: bool = False,
    own_index: bool = False,
    calibration: Calibration | None = None,
) -> AsyncIterator[Mind]:
    """The assistant over its knowledge, with the installation's own `calibration` where none is given.

    Without `perform`, write tools are recorded and never performed. `own_index` takes the Chroma folder for this
    process; without it vectors are compared in memory, so that a verb can run beside the service.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings))
        await load_forms(store, settings.home / "forms", clock or SystemClock())
        async with store.transaction() as tx:
            await library.expire(tx, now=(clock or SystemClock()).now())
        embedder = make_embedder(settings)
        index: VectorIndex = ScanIndex(space_of(embedder).name)
        if own_index or settings.chroma_url:
            index = await asyncio.to_thread(open_index, settings, space_of(embedder).name)
        stack.push_async_callback(index.close)
        search = Search(store, embedder, index)
        tools = await open_outside(settings.home / FILE, await _for_tools(settings, stack), patient=True)
        reads = reader(embedder)
        screen = Screen(reads, languages=settings.language_codes, marks=StoredMarks(store, reads.name))
        extractive = Extractive(embedder)
        lineup = _lineup(settings, store, clock or SystemClock(), stack)
        deps = Deps(
            model=lineup or extractive,
            judge=lineup if settings.screen_by_model else None,
            ranker=lineup if settings.rerank else None,
            fallback=extractive,
            retriever=search,
            screen=screen,
            toolbox=Toolbox.from_entry_points(tools),
            embedder=embedder,
            store=store,
            clock=clock or SystemClock(),
            turn_timeout_s=settings.turn_timeout_s,
            perform=perform,
            calibration=calibration or calibration_of(settings),
        )
        yield Mind(settings, store, embedder, search, screen, Assistant(deps))


async def _for_tools(settings: Settings, stack: AsyncExitStack) -> Outside:
    """The way to what the tools of `tools.toml` speak to."""
    outside = Outside(allow_private=settings.tools_allow_private, setting=SETTING)
    stack.push_async_callback(outside.close)
    return outside


async def load_forms(store: Store, folder: Path, clock: Clock) -> None:
    """Offer the forms of a folder as they are now. Raises `ConfigurationError` naming every mistake in its files.

    Without the folder nothing changes: another machine may have it.
    """
    found = await asyncio.to_thread(read_folder, folder)
    if found is None:
        return
    async with store.transaction() as tx:
        await forms.follow(tx, found, source="folder", now=clock.now())


def _lineup(settings: Settings, store: Store, clock: Clock, stack: AsyncExitStack) -> "Lineup | None":
    """The chat models of the settings; `None` where there are none."""
    if settings.chat_model == "extractive":
        return None
    from agent.chat.lineup import Lineup
    from agent.model import make_chat_models

    models = make_chat_models(settings)
    for model in models:
        stack.push_async_callback(model.close)
    time_s = settings.turn_timeout_s
    purse = Purse(store, clock, limits_of(settings))
    return Lineup(models, purse, clock, most_s=FIRST_SHARE * time_s, slow_s=SLOW_SHARE * time_s)
