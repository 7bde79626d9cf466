"""The seams of the house: Protocols that the outside world is reached through.

Each has a real part and a fake with memory in `sahut.testing`. Nothing here knows an implementation.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sahut.turn import Brief, Draft, SearchResult

Vectors = NDArray[np.float32]


class Clock(Protocol):
    """Time, so that tests can move it."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class ChatModel(Protocol):
    """Something that thinks about a brief: the embedded extractive model or an OpenAI-compatible server."""

    name: str

    async def think(self, brief: Brief) -> Draft:
        """A draft for the brief. Raises `ModelFailed`."""
        ...


class Embedder(Protocol):
    """Turns texts into unit vectors. `name` identifies the vector space: an index is bound to it."""

    name: str
    dimension: int

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension), float32, rows of length one. CPU work runs off the event loop."""
        ...


class Retriever(Protocol):
    """Finds the passages that may answer a question."""

    async def search(self, question: str, *, top: int = 5, collection: str | None = None) -> SearchResult:
        """The best `top` passages over one collection, or over all of them."""
        ...


class Channel(Protocol):
    """The way out to customers."""

    async def send(self, number: str, body: dict[str, Any]) -> str:
        """Post one message object from `number`; the wamid. Raises `SendError`'s children, never retries."""
        ...

    async def mark_read(self, number: str, wamid: str, *, typing: bool) -> None:
        """Blue ticks, and the typing mark when a reply is coming. Raises `SendError`'s children."""
        ...
