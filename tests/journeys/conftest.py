"""The plays' house: one that knows the sample handbook, on each kind of database in turn."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from knowledge.embed import LocalEmbedder
from tests.journeys.stage import World, open_world


@pytest.fixture
async def world(learned_url: str, embedder: LocalEmbedder, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(learned_url, embedder, tmp_path) as world:
        yield world
