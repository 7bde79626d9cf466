"""Conflicts between documents, found anew only when the documents have changed. Knows neither HTTP nor pages."""

import asyncio
from dataclasses import dataclass, field

from knowledge.conflicts import Conflict, conflicts
from knowledge.space import space_of
from sahut.ports import Embedder
from sahut.store import Store, library


@dataclass
class Conflicts:
    """What contradicts or repeats what, remembered for as long as it holds. One for each house."""

    store: Store
    embedder: Embedder
    _generation: int = -1
    _found: list[Conflict] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def listed(self) -> list[Conflict]:
        """Contradictions first, then duplicates."""
        async with self._turn:
            async with self.store.reading() as tx:
                generation = await library.generation(tx)
            if generation != self._generation:
                self._found = await conflicts(self.store, space_of(self.embedder).name)
                self._generation = generation
            return self._found
