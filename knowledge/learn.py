"""Learning documents: files to versions, chunks and vectors in the rows. Knows no index.

A document goes in by one transaction, so a reader sees its old version or its new one, never half of either. What
has not changed (by content hash) costs no embedding.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from knowledge.chunk import Piece, pieces
from knowledge.language import language_chances, language_of
from knowledge.load import Loaded, Source, find, load
from knowledge.search import contextual
from sahut.clock import SystemClock
from sahut.errors import LoadError
from sahut.models.library import Chunk, Document, DocumentVersion
from sahut.ports import Clock, Embedder
from sahut.store import Store, library

Outcome = Literal["added", "changed", "unchanged", "removed", "failed"]
# A chunk shorter than this is too short to tell a language from; it takes its document's.
_TELLING = 120
# Only so sure a guess sets a chunk apart from its document: a list of street names resembles many languages.
_CLEAR = 0.99


@dataclass(frozen=True, slots=True)
class Step:
    """Progress: document `number` (from 1) of `total` has come to its outcome."""

    number: int
    total: int
    path: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class LearnReport:
    """What was learned, by path. `failed` has (path, reason); `skipped` are files of kinds that are not read.

    `replaced` has (path, folder before) of changed documents that another folder had brought in.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    skipped: tuple[str, ...] = ()
    replaced: tuple[tuple[str, str], ...] = ()
    chunks: int = 0


async def learn(
    store: Store,
    embedder: Embedder,
    paths: Sequence[Path],
    *,
    collection: str = "default",
    dry_run: bool = False,
    prune: bool = False,
    progress: Callable[[Step], None] | None = None,
    clock: Clock | None = None,
) -> LearnReport:
    """Bring a collection level with files and folders.

    With `prune`, documents that were learned from the same folders and are no longer there are removed; those that
    are there and cannot be read keep their last version. With `dry_run` nothing is embedded or written and the
    report says what would be. Raises `ConfigurationError` for a path that does not exist, `ModelFailed` where a
    remote embedder does not answer (what was learned before it stays).
    """
    clock = clock or SystemClock()
    found = await asyncio.to_thread(find, paths)
    desk = _Desk(store, embedder, clock, collection, dry_run)
    missing = await desk.missing(found.folders, found.sources, found.refused) if prune else []
    tally = _Tally(len(found.sources) + len(missing), progress, list(found.refused))
    for source in found.sources:
        try:
            loaded = await asyncio.to_thread(load, source)
            tally.count(source.path, await desk.take(loaded, source.root))
        except LoadError as error:
            tally.failed.append((source.path, str(error)))
            tally.step(source.path, "failed")
    for document in missing:
        await desk.remove(document)
        tally.count(document.path, "removed")
    return tally.report(desk, found.skipped)


async def learn_one(
    store: Store,
    embedder: Embedder,
    loaded: Loaded,
    *,
    collection: str = "default",
    root: str = "",
    clock: Clock | None = None,
) -> Outcome:
    """Learn a document that is already loaded, such as an upload; `root` is empty where it came from no folder."""
    return await _Desk(store, embedder, clock or SystemClock(), collection, dry_run=False).take(loaded, root)


@dataclass(slots=True)
class _Tally:
    """What has come of the documents so far, told as it happens."""

    total: int
    progress: Callable[[Step], None] | None
    failed: list[tuple[str, str]]
    number: int = 0
    paths: dict[Outcome, list[str]] = field(default_factory=dict)

    def count(self, path: str, outcome: Outcome) -> None:
        self.paths.setdefault(outcome, []).append(path)
        self.step(path, outcome)

    def step(self, path: str, outcome: Outcome) -> None:
        self.number += 1
        if self.progress:
            self.progress(Step(self.number, self.total, path, outcome))

    def report(self, desk: "_Desk", skipped: tuple[str, ...]) -> LearnReport:
        kept = {outcome: tuple(paths) for outcome, paths in self.paths.items()}
        failed, replaced = tuple(self.failed), tuple(desk.replaced)
        return LearnReport(**kept, failed=failed, skipped=skipped, replaced=replaced, chunks=desk.chunks)


class _Desk:
    """Where documents are taken in, one at a time."""

    def __init__(self, store: Store, embedder: Embedder, clock: Clock, collection: str, dry_run: bool) -> None:
        self._store = store
        self._embedder = embedder
        self._clock = clock
        self._collection = collection
        self._dry_run = dry_run
        self.chunks = 0
        self.replaced: list[tuple[str, str]] = []

    async def take(self, loaded: Loaded, root: str) -> Outcome:
        """Store the document unless it is known as it is. No transaction is open while it is embedded."""
        outcome, vectors_there = await self._known(loaded, root)
        if outcome == "unchanged" and vectors_there:
            await self._moved(loaded, root)
            return outcome
        found, language = await asyncio.to_thread(_cut, loaded)
        self.chunks += len(found)
        if self._dry_run:
            return outcome
        rows = [] if vectors_there else await self._embedded(loaded, found, language)
        now = self._clock.now()
        document = Document(
            collection=self._collection,
            root=root,
            path=loaded.path,
            title=loaded.title,
            language=language,
            updated_at=now,
        )
        version = DocumentVersion(
            document_id=document.id,
            hash=loaded.hash,
            media_type=loaded.media_type,
            title=loaded.title,
            language=language,
            text=loaded.text,
            created_at=now,
        )
        async with self._store.transaction() as tx:
            await library.put(tx, document, version, rows, now=now)
        return outcome

    async def missing(
        self, folders: Sequence[str], sources: Sequence[Source], refused: Sequence[tuple[str, str]]
    ) -> list[Document]:
        """The documents learned from these folders that are no longer there."""
        there = {source.path for source in sources} | {path for path, _ in refused}
        async with self._store.reading() as tx:
            return [d for d in await library.under(tx, self._collection, folders) if d.path not in there]

    async def remove(self, document: Document) -> None:
        if not self._dry_run:
            async with self._store.transaction() as tx:
                await library.remove(tx, await library.get(tx, document.id), now=self._clock.now())

    async def _known(self, loaded: Loaded, root: str) -> tuple[Outcome, bool]:
        """What taking it would be, and whether this version's vectors are there already."""
        async with self._store.reading() as tx:
            document = await library.find(tx, self._collection, loaded.path)
            if document is None:
                return "added", False
            version = await library.version(tx, document.id, loaded.hash)
            there = bool(version and await library.count_chunks(tx, version.id, self._embedder.name))
            if document.removed_at is not None:
                return "added", there
            same = version is not None and version.id == document.version_id
            if not same and document.root not in ("", root):
                self.replaced.append((loaded.path, document.root))
            return ("unchanged" if same else "changed"), there

    async def _moved(self, loaded: Loaded, root: str) -> None:
        """The same document under another folder belongs to that folder from now on."""
        if self._dry_run:
            return
        async with self._store.reading() as tx:
            document = await library.find(tx, self._collection, loaded.path)
        if document is not None and document.root != root:
            async with self._store.transaction() as tx:
                (await library.get(tx, document.id)).root = root
                await tx.flush()

    async def _embedded(self, loaded: Loaded, found: Sequence[Piece], language: str) -> list[Chunk]:
        texts = [contextual(loaded.title, piece.headings, piece.text) for piece in found]
        vectors = await self._embedder.embed(texts)
        return [
            Chunk(
                version_id="",
                position=position,
                start=piece.start,
                end=piece.end,
                headings=list(piece.headings),
                text=piece.text,
                language=_language(piece.text, language),
                embedder=self._embedder.name,
                vector=vector.astype("<f4").tobytes(),
            )
            for position, (piece, vector) in enumerate(zip(found, vectors, strict=True))
        ]


def _language(text: str, document: str) -> str:
    """The language of a chunk: its document's, unless the text is clearly in another."""
    chances = language_chances(text) if len(text) >= _TELLING else {}
    likeliest = max(chances, key=lambda code: chances[code], default=document)
    return likeliest if chances.get(likeliest, 0.0) >= _CLEAR else document


def _cut(loaded: Loaded) -> tuple[list[Piece], str]:
    return pieces(loaded.text, loaded.sections), language_of(loaded.text)
