"""Giving what is known already the vectors of another embedder, from the rows. Knows no file.

Chunks belong to the embedder that they were learned with; after a change of it they cannot be found until this has
run. The documents themselves need not be there.
"""

from collections.abc import Callable

from knowledge.space import space_of
from knowledge.vectors import Text, stored
from sahut.errors import ConfigurationError
from sahut.models.library import Chunk, DocumentVersion
from sahut.ports import Embedder
from sahut.store import Store, library
from sahut.store.database import Tx


async def relearn(store: Store, embedder: Embedder, *, progress: Callable[[int, int], None] | None = None) -> int:
    """Embed every current version that has no vectors of this embedder; how many. `progress` gets (done, total)."""
    async with store.reading() as tx:
        waiting = await library.foreign(tx, space_of(embedder).name)
    for done, (version_id, before) in enumerate(waiting.items(), start=1):
        async with store.reading() as tx:
            version = await tx.get_one(DocumentVersion, version_id)
            chunks = await library.chunks(tx, version_id, before)
        texts = [Text(version.title, tuple(chunk.headings), chunk.text) for chunk in chunks]
        rows = [_again(c, space_of(embedder).name) for c in chunks]
        for row, made in zip(rows, await stored(store, embedder, texts), strict=True):
            row.vector, row.sentences, row.digest = made.vector, made.sentences, made.digest
        async with store.transaction() as tx:
            await library.replace_chunks(tx, version_id, rows)
        if progress:
            progress(done, len(waiting))
    return len(waiting)


async def refuse_foreign(tx: Tx, embedder: str) -> None:
    """Raises `ConfigurationError` where documents were learned with another embedder only."""
    waiting = await library.foreign(tx, embedder)
    if waiting:
        names = " and ".join(sorted(set(waiting.values())))
        raise ConfigurationError(
            f"{len(waiting)} documents were learned with the embedder {names}, and it is {embedder} now, whose vectors "
            f"cannot be compared with those: run `sahut learn --rebuild`, or set SAHUT_EMBEDDER as it was"
        )


def _again(chunk: Chunk, embedder: str) -> Chunk:
    return Chunk(
        version_id=chunk.version_id,
        position=chunk.position,
        start=chunk.start,
        end=chunk.end,
        headings=list(chunk.headings),
        text=chunk.text,
        language=chunk.language,
        embedder=embedder,
        vector=b"",
    )
