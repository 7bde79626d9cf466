"""Learning documents: files to versions, chunks and vectors in the rows. Knows no index and no format.

A document goes in by one transaction, so a reader sees its old version or its new one, never half of either. What
has not changed (by content hash) costs no embedding, and neither does a chunk whose text is known.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from knowledge.chunk import Piece, pieces, sentences
from knowledge.language import language_chances, language_of
from knowledge.load import Loaded, Source, find
from knowledge.report import LearnReport, Outcome, Step, Tally
from knowledge.sandbox import Sandbox
from knowledge.site import Bounds, Fetcher, crawl
from knowledge.space import space_of
from knowledge.unpack import Unpacked, unpack
from knowledge.vectors import Text, stored
from sahut.clock import SystemClock
from sahut.errors import LoadError
from sahut.models.library import Chunk, Document, DocumentVersion
from sahut.ports import Clock, Embedder
from sahut.store import Store, library

# Whether a passage speaks to an assistant instead of to a reader.
Suspects = Callable[[str], bool]
# A chunk shorter than this is too short to tell a language from; it takes its document's.
_TELLING = 120
# Only so sure a guess sets a chunk apart from its document: a list of street names resembles many languages.
_CLEAR = 0.99
# So many suspect stretches of a document are noted, so many characters of each.
_MOST_SUSPECT = 20
_MOST_SHOWN = 300


async def learn(
    store: Store,
    embedder: Embedder,
    paths: Sequence[Path],
    *,
    collection: str = "default",
    dry_run: bool = False,
    prune: bool = False,
    replace: bool = False,
    progress: Callable[[Step], None] | None = None,
    clock: Clock | None = None,
    suspects: Suspects | None = None,
) -> LearnReport:
    """Bring a collection level with files, folders and archives.

    A document of another folder with the same path is replaced where it is no longer there, as the folder was moved;
    where it is, only with `replace`, else what would replace it is among the failed. With `prune`, documents that were
    learned from the same folders and are no longer there are removed; those that are there and cannot be read keep
    their last version. With `dry_run` nothing is embedded or written and the
    report says what would be. Raises `ConfigurationError` for a path that does not exist, `ModelFailed` where a
    remote embedder does not answer (what was learned before it stays).
    """
    found = await asyncio.to_thread(find, paths)
    desk = _Desk(store, embedder, clock or SystemClock(), collection, dry_run, suspects, replace=replace)
    async with Sandbox() as sandbox:
        files = await unpack(sandbox, found.sources)
        files.refused[:0] = found.refused
        files.skipped[:0] = found.skipped
        return await _level(desk, sandbox, files, found.folders if prune else (), progress)


async def learn_site(
    store: Store,
    embedder: Embedder,
    fetcher: Fetcher,
    url: str,
    *,
    collection: str = "default",
    dry_run: bool = False,
    prune: bool = False,
    bounds: Bounds | None = None,
    progress: Callable[[Step], None] | None = None,
    fetching: Callable[[str], None] | None = None,
    clock: Clock | None = None,
    suspects: Suspects | None = None,
) -> LearnReport:
    """Bring a collection level with a web site, or with the pages of a sitemap; else as `learn`.

    With `prune` pages that are gone are removed, unless a bound cut the reading or a page failed. Raises
    `ConfigurationError` where the address cannot be read.
    """
    clock = clock or SystemClock()
    desk = _Desk(store, embedder, clock, collection, dry_run, suspects)
    async with Sandbox() as sandbox:
        with TemporaryDirectory(prefix="sahut-site-") as folder:
            site = await crawl(
                url, Path(folder), fetcher=fetcher, sandbox=sandbox, clock=clock, bounds=bounds, progress=fetching
            )
            files = Unpacked(sources=site.sources, refused=site.failed, skipped=site.skipped)
            roots = (site.root,) if prune and site.is_whole else ()
            return replace(await _level(desk, sandbox, files, roots, progress), cut=site.cut)


async def _level(
    desk: "_Desk",
    sandbox: Sandbox,
    files: Unpacked,
    pruned: Sequence[str],
    progress: Callable[[Step], None] | None,
) -> LearnReport:
    """Take the files in, then remove what is missing of the roots in `pruned`."""
    missing = await desk.missing(pruned, files) if pruned else []
    tally = Tally(progress, files)
    total = len(files.sources) + len(missing)
    async for step in _steps(desk, sandbox, files.sources, total):
        tally.add(step)
    for number, document in enumerate(missing, start=len(files.sources) + 1):
        await desk.remove(document)
        tally.add(Step(number, total, document.path, "removed"))
    return tally.report(replaced=desk.replaced, expired=desk.expired, chunks=desk.chunks)


async def learn_files(
    store: Store,
    embedder: Embedder,
    sandbox: Sandbox,
    sources: Sequence[Source],
    *,
    collection: str = "default",
    clock: Clock | None = None,
    suspects: Suspects | None = None,
) -> AsyncGenerator[Step, None]:
    """Learn files that lie somewhere, such as uploads, telling each one's outcome.

    A source with an empty `root` belongs to no folder, so that no pruning removes it. Raises `ModelFailed` where a
    remote embedder does not answer (what was learned before it stays).
    """
    desk = _Desk(store, embedder, clock or SystemClock(), collection, False, suspects)
    async for step in _steps(desk, sandbox, sources, len(sources)):
        yield step


async def _steps(desk: "_Desk", sandbox: Sandbox, sources: Sequence[Source], total: int) -> AsyncGenerator[Step, None]:
    for number, source in enumerate(sources, start=1):
        try:
            loaded = await sandbox.load(source)
            outcome = await desk.take(loaded, source.root)
            yield Step(number, total, source.path, outcome, suspect=desk.suspect_in.pop(loaded.path, ()))
        except LoadError as error:
            yield Step(number, total, source.path, "failed", str(error))


class _Desk:
    """Where documents are taken in, one at a time."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        clock: Clock,
        collection: str,
        dry_run: bool,
        suspects: Suspects | None,
        *,
        replace: bool = True,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._space = space_of(embedder).name
        self._clock = clock
        self._collection = collection
        self._dry_run = dry_run
        self._suspects = suspects
        self._replace = replace
        self.suspect_in: dict[str, tuple[str, ...]] = {}
        self.expired: list[str] = []
        self.chunks = 0
        self.replaced: list[tuple[str, str]] = []

    async def take(self, loaded: Loaded, root: str) -> Outcome:
        """Store the document unless it is known as it is. No transaction is open while it is embedded.

        Raises `LoadError` where it would replace the document of another folder.
        """
        outcome, vectors_there = await self._known(loaded, root)
        if outcome == "unchanged" and vectors_there:
            await self._moved(loaded, root)
            return outcome
        found, language = await asyncio.to_thread(_cut, loaded)
        self.chunks += len(found)
        now = self._clock.now()
        suspect = await asyncio.to_thread(_suspect, found, self._suspects) if self._suspects else []
        self.suspect_in[loaded.path] = tuple(stretch["text"] for stretch in suspect)
        if loaded.valid_until is not None and loaded.valid_until <= now:
            self.expired.append(loaded.path)
        if self._dry_run:
            return outcome
        rows = [] if vectors_there else await self._embedded(loaded, found, language)
        document = Document(
            collection=self._collection,
            root=root,
            path=loaded.path,
            title=loaded.title,
            language=language,
            updated_at=now,
            valid_until=loaded.valid_until,
        )
        version = DocumentVersion(
            document_id=document.id,
            hash=loaded.hash,
            media_type=loaded.media_type,
            title=loaded.title,
            language=language,
            text=loaded.text,
            pages=list(loaded.pages),
            suspect=suspect,
            created_at=now,
        )
        async with self._store.transaction() as tx:
            await library.put(tx, document, version, rows, now=now)
        return outcome

    async def missing(self, folders: Sequence[str], files: Unpacked) -> list[Document]:
        """The documents learned from these folders that are no longer there."""
        there = {source.path for source in files.sources} | {path for path, _ in files.refused}
        async with self._store.reading() as tx:
            known = await library.under(tx, self._collection, folders)
        return [d for d in known if d.path not in there and not files.still_there(d.root, d.path)]

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
            there = bool(version and await library.count_chunks(tx, version.id, self._space))
            if document.removed_at is not None:
                return "added", there
            same = version is not None and version.id == document.version_id
            if not same and document.root not in ("", root):
                if not self._replace and await asyncio.to_thread(_is_there, document.root, loaded.path):
                    raise LoadError(
                        f"it would replace what was learned from {document.root}, which has the same path: learn the"
                        " folder above both, learn one of them with another --collection, or give --replace"
                    )
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
        """The chunks with their vectors; those whose text was embedded before cost nothing."""
        texts = [Text(loaded.title, tuple(piece.headings), piece.text) for piece in found]
        made = await stored(self._store, self._embedder, texts)
        return [
            Chunk(
                version_id="",
                position=position,
                start=piece.start,
                end=piece.end,
                headings=list(piece.headings),
                text=piece.text,
                language=_language(piece.text, language),
                embedder=self._space,
                vector=row.vector,
                sentences=row.sentences,
                digest=row.digest,
            )
            for position, (piece, row) in enumerate(zip(found, made, strict=True))
        ]


def _is_there(root: str, path: str) -> bool:
    """Whether a document still lies where it was learned, be it in an archive; what cannot be looked at counts so."""
    origin = Path(root, path)
    try:
        return any(place.is_file() for place in (origin, *origin.parents))
    except OSError:
        return True


def _language(text: str, document: str) -> str:
    """The language of a chunk: its document's, unless the text is clearly in another."""
    chances = language_chances(text) if len(text) >= _TELLING else {}
    likeliest = max(chances, key=lambda code: chances[code], default=document)
    return likeliest if chances.get(likeliest, 0.0) >= _CLEAR else document


def _suspect(found: Sequence[Piece], suspects: Suspects) -> list[dict[str, Any]]:
    """The sentences that speak to an assistant, at most `_MOST_SUSPECT`; the chunk, where no sentence does it alone."""
    stretches: list[dict[str, Any]] = []
    for piece in found:
        if len(stretches) >= _MOST_SUSPECT:
            break
        if not suspects("\n".join([*piece.headings, piece.text])):
            continue
        spans = [(a, b) for a, b in sentences(piece.text) if suspects(piece.text[a:b])] or [(0, len(piece.text))]
        for start, end in spans:
            text = piece.text[start:end][:_MOST_SHOWN]
            stretches.append({"start": piece.start + start, "end": piece.start + end, "text": text})
    return stretches[:_MOST_SUSPECT]


def _cut(loaded: Loaded) -> tuple[list[Piece], str]:
    return pieces(loaded.text, loaded.sections), language_of(loaded.text)
