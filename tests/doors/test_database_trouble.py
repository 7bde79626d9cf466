"""A database that is locked, full or gone: 503, nothing half stored, and everything there once Meta brings it again."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiosqlite
import psycopg
import pytest

from knowledge.embed import LocalEmbedder
from sahut.errors import StoreUnavailable
from sahut.models import Message
from sahut.store import Store
from tests.databases import Templates
from tests.journeys.stage import World, open_world


class Disk:
    """SQLite's connections: they lose patience at once, and hold as many pages as the disk has room for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.most_pages = 0

    async def connect(self, *_: Any, **__: Any) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(self.path, timeout=0.05, isolation_level=None)
        if self.most_pages:
            await connection.execute(f"PRAGMA max_page_count = {self.most_pages}")
        return connection

    def pages(self) -> int:
        with sqlite3.connect(self.path) as connection:
            return int(connection.execute("PRAGMA page_count").fetchone()[0])


async def ready(world: World) -> int:
    return (await world.web.get("/health/ready")).status_code


async def texts(world: World) -> list[str]:
    return [row.text for row in await world.rows(Message)]


async def test_a_locked_database_is_503_and_stored_on_retry(
    templates: Templates, embedder: LocalEmbedder, tmp_path: Path
):
    disk = Disk(tmp_path / "sahut.db")
    url = templates.sqlite(disk.path)
    async with open_world(url, embedder, tmp_path, store=Store(url, connect=disk.connect)) as world:
        other = sqlite3.connect(disk.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await world.customer("Ani").says("Halo")
        assert len(world.double.mail.pending) == 1
        assert await texts(world) == []

        other.execute("ROLLBACK")
        other.close()
        await world.passes(1)
        assert (await texts(world))[0] == "Halo"
        assert len(world.sent_to(world.customer("Ani"))) == 1


async def test_a_full_disk_is_503_and_stored_once_there_is_room(
    templates: Templates, embedder: LocalEmbedder, tmp_path: Path
):
    disk = Disk(tmp_path / "sahut.db")
    url = templates.sqlite(disk.path)
    disk.most_pages = disk.pages() + 2
    async with open_world(url, embedder, tmp_path, store=Store(url, connect=disk.connect)) as world:
        await world.customer("Ani").says("long " * 10_000)
        assert world.double.mail.pending[0].attempts == 1
        assert await texts(world) == []
        assert await ready(world) == 200

        disk.most_pages = 0
        await world.house.store.engine.dispose()
        await world.passes(1)
        assert (await texts(world))[0].startswith("long long")


@contextmanager
def sqlite_gone(path: Path) -> Iterator[None]:
    """A folder stands where the database was."""
    aside = path.with_suffix(".aside")
    path.rename(aside)
    path.mkdir()
    yield
    path.rmdir()
    aside.rename(path)


@contextmanager
def postgres_gone(url: str) -> Iterator[None]:
    """The server takes no connection to this database and ends those that are open."""
    name = url.rpartition("/")[2].partition("?")[0]
    with psycopg.connect(url.replace("+psycopg", "").replace(f"/{name}?", "/postgres?"), autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        yield
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


async def test_a_database_that_is_gone_is_503_and_stored_once_it_is_back(world: World, tmp_path: Path):
    store, ani = world.house.store, world.customer("Ani")
    reader = world.rest(await world.key("reader", "read"))
    assert await ready(world) == 200
    gone = postgres_gone(store.url.render_as_string(hide_password=False))
    if store.is_sqlite:
        await store.engine.dispose()
        gone = sqlite_gone(tmp_path / "sahut.db")
    with gone:
        await ani.says("Halo")
        assert world.double.mail.pending[0].attempts == 1
        assert (await ready(world), (await world.web.get("/health/live")).status_code) == (503, 200)
        answer = await reader.call("GET", "conversations")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert "password" not in answer.text

    await world.passes(1)
    assert (await texts(world))[0] == "Halo"
    assert await ready(world) == 200
    assert len(world.sent_to(ani)) == 1


@pytest.mark.parametrize("moment", ["before the turn", "before the send"])
async def test_a_database_that_goes_while_a_message_is_answered_loses_nothing(small: World, tmp_path: Path, moment):
    worker, ani = small.house.worker, small.customer("Ani")
    await ani.says("Halo")
    if moment == "before the send":
        await small.settles()
        await (await small.operator()).writes(ani, "Hai")
    ((_, key),) = small.engine.take()
    said = len(small.sent_to(ani))
    await small.house.store.engine.dispose()
    with sqlite_gone(tmp_path / "small.db"), pytest.raises(StoreUnavailable):
        await (worker.attend if moment == "before the turn" else worker.deliver)(key)
    await small.passes(1)
    assert len(small.sent_to(ani)) == said + 1
