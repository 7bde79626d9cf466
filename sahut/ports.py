"""The seams of the house: Protocols that the outside world is reached through.

Each has a real part and a fake with memory in `sahut.testing`. Nothing here knows an implementation.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sahut.brief import Brief, Draft
from sahut.found import SearchResult
from sahut.turn import Opinion, Turn, Usage

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


@runtime_checkable
class Summariser(Protocol):
    """A chat model that can sum up what is said, too."""

    name: str

    async def sum_up(self, text: str, language: str, tokens: int, *, contact_id: str) -> str:
        """A summary of at most about `tokens` tokens in `language`, at a contact's cost. Raises `ModelFailed`."""
        ...


class Judge(Protocol):
    """Whoever may be asked where the screen is unsure whether a message is spam."""

    async def judge(self, turn: Turn) -> tuple[Opinion, Usage]:
        """What it takes the turn's text for; the text is data. Raises `ModelFailed`."""
        ...


class Ranker(Protocol):
    """Whoever may be asked in which order passages answer a question."""

    async def rank(self, brief: Brief) -> tuple[tuple[int, ...], Usage]:
        """Numbers of the brief's passages, from 1, the best first, each at most once. Raises `ModelFailed`."""
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

    async def search(self, question: str, *, top: int = 5, collections: Collection[str] | None = None) -> SearchResult:
        """The best `top` passages over these collections, or over all there are."""
        ...


class Hearing(Protocol):
    """Ears for voice notes."""

    async def hear(self, file: Path, media_type: str) -> str:
        """What is said in a recording; empty where nothing is. Raises `ModelFailed`."""
        ...


class Channel(Protocol):
    """The way out to customers."""

    async def send(self, number: str, body: dict[str, Any]) -> str:
        """Post one message object from `number`; the wamid. Raises `SendError`'s children, never retries."""
        ...

    async def upload(self, number: str, file: Path, media_type: str) -> str:
        """Give the channel a file that messages from `number` may carry; its media id. Raises as `send` does."""
        ...

    async def mark_read(self, number: str, wamid: str, *, typing: bool) -> None:
        """Blue ticks, and the typing mark when a reply is coming. Raises `SendError`'s children."""
        ...
