"""Reading passages sentence by sentence: the cosine of a question to each passage's best sentence. Knows no index.

A passage that answers in one sentence among many others looks weak as a whole; its sentence does not.
"""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from knowledge.chunk import sentences
from sahut.ports import Embedder, Vectors

REMEMBERED = 2048
_MOST_SENTENCES = 40


class CloseReader:
    """Remembers the sentence vectors of the passages read last, so that only a first look costs anything."""

    def __init__(self, embedder: Embedder, *, remembered: int = REMEMBERED) -> None:
        self._embedder = embedder
        self._most = remembered
        self._kept: OrderedDict[str, NDArray[np.float16]] = OrderedDict()

    async def best(self, question: Vectors, passages: Sequence[tuple[str, str]]) -> list[float]:
        """For each `(key, text)` the largest cosine of a sentence to the question's unit vector."""
        matrices = await self.read(passages)
        return [float((matrix.astype(np.float32) @ question).max()) for matrix in matrices]

    async def read(self, passages: Sequence[tuple[str, str]]) -> list[NDArray[np.float16]]:
        """The sentence vectors of each passage, shape (sentences, dimension)."""
        known = {key: self._kept[key] for key, _ in passages if key in self._kept}
        missing = {key: _cut(text) for key, text in passages if key not in known}
        if missing:
            vectors = await self._embedder.embed([s for cut in missing.values() for s in cut])
            rows = iter(vectors)
            for key, cut in missing.items():
                known[key] = np.stack(list(islice(rows, len(cut)))).astype(np.float16)
        for key, _ in passages:
            self._kept[key] = known[key]
            self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return [known[key] for key, _ in passages]


def _cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)[:_MOST_SENTENCES]] or [text]
