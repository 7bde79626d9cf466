"""What is stored for chunks: taken from the rows where the same text was embedded before, made where it was not.

A chunk that moved to another document, or stands in another version, costs nothing. Knows no file and no index.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.closely import cut, packed
from knowledge.fuse import calibration_of
from knowledge.space import space_of
from knowledge.text import contextual
from sahut.ports import Embedder
from sahut.store import Store, library


@dataclass(frozen=True, slots=True)
class Stored:
    """A chunk's vector (float32, little-endian), its sentences' vectors, None where they are not read, and the
    `digest` of the text that was embedded."""

    vector: bytes
    sentences: bytes | None
    digest: str


@dataclass(frozen=True, slots=True)
class Text:
    """A chunk's text with what stands above it."""

    title: str
    headings: tuple[str, ...]
    text: str

    @property
    def whole(self) -> str:
        """What is embedded to find it."""
        return contextual(self.title, self.headings, self.text)


async def stored(store: Store, embedder: Embedder, texts: Sequence[Text]) -> list[Stored]:
    """What to store for chunks. Raises `ModelFailed`.

    The vectors of another embedder do not count; no transaction is open while texts are embedded.
    """
    digests = [hashlib.sha256(text.whole.encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
    async with store.reading() as tx:
        rows = await library.vectors(tx, space_of(embedder).name, digests)
    known = {digest: Stored(vector, sentences, digest) for digest, (vector, sentences) in rows.items()}
    fresh = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in known}
    for digest, made in zip(fresh, await _made(embedder, list(fresh.values())), strict=True):
        known[digest] = Stored(*made, digest)
    return [known[digest] for digest in digests]


async def _made(embedder: Embedder, texts: Sequence[Text]) -> list[tuple[bytes, bytes | None]]:
    """Two models work side by side."""
    space = space_of(embedder)
    by_sentence = calibration_of(space.name).by_sentence
    vectors, sentences = await asyncio.gather(
        space.passages([text.whole for text in texts]), _sentences(embedder, texts if by_sentence else [])
    )
    rows = [vector.astype("<f4").tobytes() for vector in vectors]
    return [(row, sentences[n] if by_sentence else None) for n, row in enumerate(rows)]


async def _sentences(embedder: Embedder, texts: Sequence[Text]) -> list[bytes]:
    return [packed(await embedder.embed(cut(text.headings, text.text))) for text in texts]
