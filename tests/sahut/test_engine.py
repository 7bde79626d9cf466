"""The engine on both databases: a wake-up is served, once for a key, and a lost connection loses nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import psycopg
import pytest
from structlog.testing import capture_logs

from sahut.engine import Engine
from tests.databases import Templates
from tests.journeys.stage import until


class Service:
    """Attends to keys and remembers them; `hold` keeps a job open."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.attended: list[tuple[str, str]] = []
        self.free = asyncio.Event()
        self.free.set()
        self._task: asyncio.Task[None] | None = None

    def starts(self) -> None:
        self._task = asyncio.create_task(self.engine.run({"turn": self._turn, "send": self._send}))

    async def _turn(self, key: str) -> None:
        self.attended.append(("turn", key))
        await self.free.wait()

    async def _send(self, key: str) -> None:
        self.attended.append(("send", key))

    async def ends(self) -> None:
        self.free.set()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.engine.close()


@pytest.fixture
async def service(blank_url: str) -> AsyncIterator[Service]:
    service = Service(Engine(blank_url))
    yield service
    await service.ends()


async def test_a_wake_up_is_served_with_its_key_and_topic(service: Service):
    service.starts()
    await service.engine.wake("turn", "a")
    await service.engine.wake("send", "a")
    await until(lambda: len(service.attended) == 2)
    assert set(service.attended) == {("turn", "a"), ("send", "a")}


async def test_wake_ups_from_before_the_start_are_served_once_for_a_key(service: Service):
    for _ in range(3):
        for key in ("a", "b"):
            await service.engine.wake("turn", key)
    service.starts()
    await until(lambda: len(service.attended) >= 2)
    await service.engine.wake("turn", "c")
    await until(lambda: ("turn", "c") in service.attended)
    assert sorted(service.attended) == [("turn", "a"), ("turn", "b"), ("turn", "c")]


async def test_a_key_that_was_attended_to_can_be_woken_again(service: Service):
    service.starts()
    for times in (1, 2, 3):
        while len(service.attended) < times:
            await service.engine.wake("turn", "a")
            await asyncio.sleep(0.005)
    assert set(service.attended) == {("turn", "a")}


async def test_one_key_that_takes_long_holds_nobody_else(service: Service):
    service.free.clear()
    service.starts()
    for key in "abcdefgh":
        await service.engine.wake("turn", key)
    await until(lambda: len(service.attended) == 8)


async def test_a_lost_connection_loses_a_wake_up_and_no_more(templates: Templates):
    url = templates.postgres()
    service = Service(Engine(url))
    with capture_logs() as logs:
        await service.engine.wake("turn", "a")
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await service.engine.wake("turn", "b")
        await service.engine.wake("turn", "c")
    service.starts()
    await until(lambda: ("turn", "c") in service.attended)
    assert [entry["key"] for entry in logs if entry["log_level"] == "warning"] in ([], ["b"])
    await service.ends()
