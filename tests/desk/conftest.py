"""The desk's house: it knows no document, on each kind of database in turn, and hashes passwords cheaply."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from knowledge.embed import LocalEmbedder
from tests.databases import Templates
from tests.journeys.stage import World, open_world


@pytest.fixture
async def world(blank_url: str, embedder: LocalEmbedder, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(blank_url, embedder, tmp_path) as world:
        yield world


@pytest.fixture
async def small(templates: Templates, embedder: LocalEmbedder, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(templates.sqlite(tmp_path / "small.db"), embedder, tmp_path) as world:
        yield world
