"""The house: every part of the service, wired together, as the doors see it. Knows no part's inside."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from fastapi import Request

from agent.screening.screen import reader
from api.background.courier import Courier
from api.background.fetching import Fetcher
from api.background.keeper import Keeper
from api.background.remembering import Remembering
from api.background.tasks import Background
from api.desk.conflicts import Conflicts
from api.events import Events
from api.metrics import Metrics
from api.passwords import Passwords
from api.sending.templates import TemplateWatch
from api.switchboard import Switchboard
from api.whatsapp.sniff import READABLE
from api.worker import Worker
from sahut.engine import Engine
from sahut.events import File
from sahut.hours import Hours
from sahut.ports import Channel, ChatModel, Clock, Embedder
from sahut.settings import Settings
from sahut.shelf import Shelf, outgoing_shelf
from sahut.store import Store
from sahut.turn import Guidance, Reply
from tools.toolbox import Toolbox

# A question and its language -> what the assistant would say now. Nothing is performed, recorded or sent.
Ask = Callable[[str, str], Awaitable[Reply]]

# So long a turn waits for the text of a file; then it goes on without.
READ_WAIT = timedelta(seconds=25)


@dataclass(frozen=True)
class House:
    """Every part of the service, wired. `ask` and `model` are absent where nobody thinks, as in some tests."""

    settings: Settings
    store: Store
    engine: Engine
    channel: Channel
    clock: Clock
    embedder: Embedder
    worker: Worker
    events: Events
    switchboard: Switchboard
    metrics: Metrics = field(default_factory=Metrics)
    passwords: Passwords = field(default_factory=Passwords)
    background: Background = field(default_factory=Background)
    courier: Courier | None = None
    templates: TemplateWatch | None = None
    fetcher: Fetcher | None = None
    keeper: Keeper | None = None
    remembering: Remembering | None = None
    toolbox: Toolbox | None = None
    guidance: Guidance = field(default_factory=Guidance)
    ask: Ask | None = None
    model: ChatModel | None = None

    @property
    def burst_wait(self) -> timedelta:
        return timedelta(milliseconds=self.settings.burst_wait_ms)

    @property
    def margin(self) -> timedelta:
        """Free form is refused this long before the window closes."""
        return timedelta(seconds=self.settings.window_margin_s)

    @property
    def app_silence(self) -> timedelta:
        """The assistant's silence after a colleague wrote from the phone app."""
        return timedelta(seconds=self.settings.app_silence_s)

    def hours(self, number: str) -> Hours:
        """When the operators behind a number are there."""
        return self.switchboard.known.of(number).hours

    def reads_for(self, kind: str, file: File | None) -> timedelta:
        """How long a message's turn waits for what can be read or heard in its file; nothing for most kinds."""
        if file is None or file.id is None or self.fetcher is None:
            return timedelta(0)
        hears = kind == "audio" and self.fetcher.hearing is not None
        return READ_WAIT if hears or (kind == "document" and file.media_type in READABLE) else timedelta(0)

    @property
    def shelf(self) -> Shelf:
        """The files that may be sent."""
        return outgoing_shelf(self.settings.home)

    @cached_property
    def reads(self) -> Embedder:
        """What the screen reads with, and so what it learns with."""
        return reader(self.embedder)

    @cached_property
    def conflicts(self) -> Conflicts:
        """What in the documents contradicts or repeats what."""
        return Conflicts(self.store, self.embedder)


async def house_of(request: Request) -> House:
    """The house behind a request, for FastAPI's dependencies. Async, so that no thread is taken for it."""
    house: House = request.app.state.house
    return house
