"""What the plays about knowledge share: a real store, the bundled embedder, a shelf of documents."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import SQLModel

import sahut.models  # noqa: F401  (the tables)
from knowledge.embed import LocalEmbedder
from knowledge.load import Loaded, Source
from knowledge.sandbox import Sandbox
from sahut.store import Store

HOURS = """# Opening hours

## Weekdays

The office is open from Monday to Thursday between 08:00 and 15:00.

## Weekend

On Saturday only the main office is open, until 12:00. Every office is closed on Sunday.
"""
FINES = """# Denda keterlambatan

Denda keterlambatan pajak kendaraan adalah 2% per bulan, paling banyak 24 bulan.
"""
FAQ = "question,answer\nIs parking free?,Parking is free for two hours.\nMay I bring a dog?,Dogs stay outside.\n"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'sahut.db'}")
    async with store.engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    yield store
    await store.close()


@pytest.fixture
def embedder() -> Iterator[LocalEmbedder]:
    embedder = LocalEmbedder()
    yield embedder
    embedder.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with a Markdown page in each of two languages and a sheet of questions and answers."""
    folder = tmp_path / "handbook"
    (folder / "id").mkdir(parents=True)
    (folder / "hours.md").write_text(HOURS, encoding="utf-8")
    (folder / "id" / "denda.md").write_text(FINES, encoding="utf-8")
    (folder / "faq.csv").write_text(FAQ, encoding="utf-8")
    return folder


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def read(sandbox: Sandbox, tmp_path: Path) -> Callable[[str, bytes], Awaitable[Loaded]]:
    """Reads a file as the service does: from the disk, in the sandbox."""

    async def read_file(name: str, data: bytes) -> Loaded:
        (tmp_path / name).write_bytes(data)
        return await sandbox.load(Source(tmp_path / name, "", name))

    return read_file
