"""Databases for plays: a blank one and one that has learned the sample handbook, each made once."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlmodel import SQLModel

from knowledge.embed import LocalEmbedder
from knowledge.learn import learn
from sahut.migrations import migrate
from sahut.models import Chunk, Document, DocumentVersion, KnowledgeState
from sahut.store import Store

HANDBOOK = Path(__file__).parents[1] / "examples" / "tax-office" / "handbook"
DOCUMENTS = sum(1 for _ in HANDBOOK.iterdir())
SHELVES: tuple[type[SQLModel], ...] = (Document, DocumentVersion, Chunk, KnowledgeState)


class Templates:
    """Makes fresh databases in little time. `server` gives the URL of a PostgreSQL server's default database."""

    def __init__(self, folder: Path, embedder: LocalEmbedder, server: Callable[[], str]) -> None:
        self._folder, self._embedder, self._server = folder, embedder, server
        self._made: set[str] = set()

    def sqlite(self, target: Path, *, learned: bool = False) -> str:
        """The URL of a fresh SQLite database at `target`."""
        shutil.copy(self._sqlite_template(learned=learned), target)
        return f"sqlite:///{target}"

    def postgres(self, *, learned: bool = False) -> str:
        """The URL of a PostgreSQL database as good as fresh: emptied since the play before.

        Emptying is quicker than making, and a server with many databases takes long to stop.
        """
        name = "learned" if learned else "blank"
        if name not in self._made:
            url = self._create(name)
            _in_thread(_prepare(url, None))
        else:
            url = self._url(name)
            self._empty(url)
        if learned and not self._is_learned(url):
            _in_thread(_copy(f"sqlite:///{self._sqlite_template(learned=True)}", url))
        self._made.add(name)
        return url

    def _sqlite_template(self, *, learned: bool) -> Path:
        path = self._folder / ("learned.db" if learned else "blank.db")
        if path.name not in self._made:
            _in_thread(_prepare(f"sqlite:///{path}", self._embedder if learned else None))
            self._made.add(path.name)
        return path

    def _create(self, name: str) -> str:
        with psycopg.connect(self._server(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self._url(name)

    def _url(self, name: str) -> str:
        return self._server().replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")

    def _empty(self, url: str) -> None:
        """Take out what a play has written; the shelves only if it has moved them."""
        shelves = {str(table.__tablename__) for table in SHELVES} if self._is_learned(url) else set()
        names = [name for name in SQLModel.metadata.tables if name not in shelves]
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"TRUNCATE {', '.join(names)}, sahut_pgqueuer")

    def _is_learned(self, url: str) -> bool:
        """Whether the handbook is there as it was learned: each change has a generation of its own."""
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            row = connection.execute("SELECT generation FROM knowledge_state").fetchone()
        return row == (DOCUMENTS,)


async def _prepare(url: str, embedder: LocalEmbedder | None) -> None:
    store = Store(url)
    await migrate(store)
    if embedder is not None:
        report = await learn(store, embedder, [HANDBOOK])
        assert report.added
        assert not report.failed
    await store.close()


async def _copy(source: str, target: str) -> None:
    """What was learned in one database into another."""
    here, there = Store(source), Store(target)
    async with here.reading() as shelf, there.transaction() as tx:
        for table in SHELVES:
            rows = (await shelf.execute(sa.select(table.__table__))).mappings().all()  # type: ignore[attr-defined]
            await tx.execute(sa.insert(table), [dict(row) for row in rows])
    await here.close()
    await there.close()


def _in_thread(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end in a loop of its own, whatever loop the tests have."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()
