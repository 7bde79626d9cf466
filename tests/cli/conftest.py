"""The command line in this process: what `sahut ...` prints, and how it ends."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from api.cli import main
from knowledge.embed import LocalEmbedder
from knowledge.learn import learn
from sahut.migrations import migrate
from sahut.store import Store
from tests.databases import HANDBOOK

PAGES = ("denda-keterlambatan.md", "lost-papers.md", "opening-hours.md")


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Sahut = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _an_empty_desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No setting from outside, a folder of its own, and the log as it was."""
    for name in [name for name in os.environ if name.startswith(("SAHUT_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def sahut(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sahut:
    def run(*words: str) -> Ran:
        monkeypatch.setattr("sys.argv", ["sahut", *words])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return Ran(int(end.value.code or 0), said.out, said.err)

    return run


@pytest.fixture(scope="session")
def learned_home(tmp_path_factory: pytest.TempPathFactory, embedder: LocalEmbedder) -> Path:
    """A home that has learned three pages of the sample handbook."""
    home = tmp_path_factory.mktemp("home")

    async def prepare() -> None:
        store = Store(f"sqlite:///{home / 'sahut.db'}")
        await migrate(store)
        await learn(store, embedder, [HANDBOOK / page for page in PAGES])
        await store.close()

    asyncio.run(prepare())
    return home


@pytest.fixture
def office(learned_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAHUT_HOME", str(learned_home))
    return learned_home
