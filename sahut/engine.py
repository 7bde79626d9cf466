"""The engine: wakes workers. The truth is in the tables, so a lost wake-up costs a second (the sweep), never a message.

PgQueuer over PostgreSQL (LISTEN/NOTIFY) for many processes, its in-memory mode for one; the same code path. This is
the only file that knows it. It must not know what a topic means.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial

import structlog
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.psycopg import PsycopgDriver
from pgqueuer.adapters.persistence import qb
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import Job
from pgqueuer.domain.settings import DBSettings, Durability, db_settings
from pgqueuer.domain.types import Channel
from pgqueuer.ports import RepositoryPort
from psycopg import AsyncConnection, OperationalError

from sahut.store.wire import connect

log = structlog.get_logger(__name__)

Attend = Callable[[str], Awaitable[None]]
PREFIX = "sahut_"
BATCH = 16
_INSTALLING = 7_245_114
# An attended key may wait for its burst to end, so many are in flight; the worker bounds the turns themselves.
CONCURRENCY = 1024
RECONNECT_S = 1.0


def _names() -> DBSettings:
    # Wake-ups may be lost in a crash (the sweep finds the rows), so their tables need no write-ahead log.
    return DBSettings(prefix=PREFIX, durability=Durability.volatile)


async def install(url: str) -> None:
    """Make or update the engine's own tables on PostgreSQL; nothing to do elsewhere."""
    if not url.startswith("postgresql"):
        return
    async with await connect(url) as connection:
        # Ends with the connection: two processes that start together make the tables one after the other.
        await connection.execute("SELECT pg_advisory_lock(%s)", (_INSTALLING,))
        queries = _queries(connection)
        if await queries.schema_is_installed():
            await queries.upgrade()
        else:
            await queries.install()


def _in_memory() -> RepositoryPort:
    queries = PgQueuer.in_memory().queries
    assert queries is not None  # noqa: S101  # in_memory() sets it
    return queries


def _queries(connection: AsyncConnection) -> Queries:
    names = _names()
    return Queries(
        PsycopgDriver(connection),
        qbe=qb.QueryBuilderEnvironment(names),
        qbq=qb.QueryQueueBuilder(names),
        qbs=qb.QuerySchedulerBuilder(names),
    )


class Engine:
    """Wake-ups by topic and key. `wake` may be called from any process, `run` serves them in this one."""

    def __init__(self, url: str) -> None:
        self._url = url if url.startswith("postgresql") else None
        self._local = None if self._url else _in_memory()
        self._outgoing: tuple[AsyncConnection, Queries] | None = None
        self._lock = asyncio.Lock()

    async def wake(self, topic: str, key: str) -> None:
        """Ask that `topic` attends to `key`, once per key. A failure is logged: the sweep finds the row anyway."""
        try:
            queries = await self._writer()
            await queries.enqueue(
                topic,
                key.encode(),
                dedupe_key=f"{topic}:{key}",
                on_conflict="skip",
            )
        except (OperationalError, OSError) as error:
            self._outgoing = None
            log.warning("wake-up lost, the sweep will find it", topic=topic, key=key, error=str(error))

    async def run(self, attend: Mapping[str, Attend]) -> None:
        """Serve wake-ups until cancelled; a lost connection is opened again."""
        if self._local is not None:
            await self._serve(self._local, db_settings().channel, attend)
        while self._url:
            try:
                await self._serve_postgres(attend)
            except (OperationalError, OSError, RuntimeError) as error:
                log.warning("engine lost its database, trying again", error=str(error))
            await asyncio.sleep(RECONNECT_S)

    async def close(self) -> None:
        """Give the connections back."""
        if self._outgoing is not None:
            with suppress(OperationalError):
                await self._outgoing[0].close()

    async def _writer(self) -> RepositoryPort:
        if self._local is not None:
            return self._local
        async with self._lock:
            if self._outgoing is None or self._outgoing[0].closed:
                connection = await connect(self._url or "")
                self._outgoing = connection, _queries(connection)
            return self._outgoing[1]

    async def _serve_postgres(self, attend: Mapping[str, Attend]) -> None:
        # A connection of its own: one that waits for notifications makes other statements wait.
        async with await connect(self._url or "") as connection:
            await self._serve(_queries(connection), _names().channel, attend)

    async def _serve(self, queries: RepositoryPort, channel: str, attend: Mapping[str, Attend]) -> None:
        queue = PgQueuer(queries.driver, channel=Channel(channel), queries=queries)
        for topic, attend_to in attend.items():
            queue.entrypoint(topic, accepts_context=False)(partial(_attend, attend_to))
        await queue.qm.run(batch_size=BATCH, max_concurrent_tasks=CONCURRENCY, dequeue_timeout=timedelta(seconds=30))


async def _attend(attend_to: Attend, job: Job) -> None:
    if job.payload is not None:
        await attend_to(job.payload.decode())
