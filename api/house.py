"""The house: every part of the service, wired together, as the doors see it. Knows no part's inside."""

from dataclasses import dataclass, field
from datetime import timedelta

from fastapi import Request

from api.events import Events
from api.metrics import Metrics
from api.passwords import Passwords
from api.worker import Worker
from sahut.engine import Engine
from sahut.ports import Channel, Clock, Embedder
from sahut.settings import Settings
from sahut.store import Store


@dataclass(frozen=True)
class House:
    """Every part of the service, wired."""

    settings: Settings
    store: Store
    engine: Engine
    channel: Channel
    clock: Clock
    embedder: Embedder
    worker: Worker
    events: Events
    metrics: Metrics = field(default_factory=Metrics)
    passwords: Passwords = field(default_factory=Passwords)

    @property
    def burst_wait(self) -> timedelta:
        return timedelta(milliseconds=self.settings.burst_wait_ms)

    @property
    def margin(self) -> timedelta:
        """Free form is refused this long before the window closes."""
        return timedelta(seconds=self.settings.window_margin_s)

    def serves(self, number: str) -> bool:
        """Whether a phone number id is ours."""
        return number == self.settings.whatsapp_phone_number_id


async def house_of(request: Request) -> House:
    """The house behind a request, for FastAPI's dependencies. Async, so that no thread is taken for it."""
    house: House = request.app.state.house
    return house
