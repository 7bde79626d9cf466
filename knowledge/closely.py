"""Reading passages sentence by sentence: the cosine of a question to each passage's best sentence. Knows no index.

A passage that answers in one sentence among many others looks weak as a whole; its sentence does not.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from knowledge.chunk import sentences
from sahut.ports import Embedder, Vectors

REMEMBERED = 2048
_MOST_SENTENCES = 40
_FULL = 127  # of an 8-bit component; a cosine loses less than a hundredth

Packed = NDArray[np.int8]
Fetch = Callable[[Sequence[str]], Awaitable[Mapping[str, bytes]]]


@dataclass(frozen=True, slots=True)
class Close:
    """A passage to be read closely; `key` names it."""

    key: str
    headings: Sequence[str]
    text: str


class CloseReader:
    """Sentence vectors of passages: remembered, else fetched from where they are stored, else made now."""

    def __init__(self, embedder: Embedder, fetch: Fetch, *, remembered: int = REMEMBERED) -> None:
        self._embedder = embedder
        self._fetch = fetch
        self._most = remembered
        self._kept: OrderedDict[str, Packed] = OrderedDict()

    async def best(self, question: Vectors, passages: Sequence[Close]) -> list[float]:
        """For each passage the largest cosine of a sentence to the question's unit vector."""
        matrices = await self.read(passages)
        return [float((matrix.astype(np.float32) @ question).max()) / _FULL for matrix in matrices]

    async def read(self, passages: Sequence[Close]) -> list[Packed]:
        """The sentence vectors of each passage, shape (sentences, dimension), in hundred-and-twenty-sevenths."""
        known = {one.key: self._kept[one.key] for one in passages if one.key in self._kept}
        missing = {one.key: one for one in passages if one.key not in known}
        if missing:
            for key, data in (await self._fetch(list(missing))).items():
                known[key] = np.frombuffer(data, np.int8).reshape(-1, self._embedder.dimension)
            known.update(await self._made([one for key, one in missing.items() if key not in known]))
        for one in passages:
            self._kept[one.key] = known[one.key]
            self._kept.move_to_end(one.key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return [known[one.key] for one in passages]

    async def _made(self, passages: Sequence[Close]) -> dict[str, Packed]:
        if not passages:
            return {}
        cuts = {one.key: cut(one.headings, one.text) for one in passages}
        rows = iter(await self._embedder.embed([sentence for found in cuts.values() for sentence in found]))
        return {key: _rounded(np.stack(list(islice(rows, len(found))))) for key, found in cuts.items()}


def cut(headings: Sequence[str], text: str) -> list[str]:
    """The sentences of a passage that are compared, and the first once more under its nearest heading; never empty.

    "The main office is at 17 Sail Road" does not say that it is an address; the heading does.
    """
    found = [text[start:end] for start, end in sentences(text)[:_MOST_SENTENCES]] or [text]
    return [*found, f"{headings[-1].rstrip('.:')}. {found[0]}"] if headings else found


def packed(vectors: Vectors) -> bytes:
    """Sentence vectors as they are stored, one byte a component."""
    return _rounded(vectors).tobytes()


def _rounded(vectors: Vectors) -> Packed:
    return np.round(vectors * _FULL).astype(np.int8)
