"""One house with its phones for a module of plays, each with customers of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from knowledge.embed import LocalEmbedder
from tests.databases import Templates
from tests.simulator.stage import Phones, open_phones


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def all_phones(
    templates: Templates, embedder: LocalEmbedder, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Phones]:
    """The phones of a house that has learned the handbook."""
    home = tmp_path_factory.mktemp("phones")
    url = templates.sqlite(home / "sahut.db", learned=True)
    async with open_phones(url, embedder, home) as phones:
        yield phones


@pytest_asyncio.fixture(loop_scope="module")
async def phones(all_phones: Phones) -> AsyncIterator[Phones]:
    """The same, with every switch as it was for whoever comes next."""
    yield all_phones
    all_phones.model.go_on()
    await all_phones.turn(twice=False, held=False, answers="well")
