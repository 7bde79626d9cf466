"""bench_retrieval: learning and searching at 1,000, 10,000 and 100,000 chunks of made-up text.

1,000 chunks are learned as documents are. Beyond, the vectors are random unit vectors, written straight into the rows,
since embedding them would take a quarter of an hour to hours on two cores: index, words and search are the real ones,
and random vectors are the hard case for the index. Each size has a process of its own, so that its memory is its own.
"""

import asyncio
import multiprocessing
import os
import random
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the `sahut` command does

import numpy as np
import psutil

from knowledge import e5
from knowledge.embed import LOCAL_DIMENSION, LocalEmbedder
from knowledge.index import ChromaIndex
from knowledge.learn import learn
from knowledge.search import Search
from knowledge.space import space_of
from sahut.migrations import migrate
from sahut.models.library import Chunk, Document, DocumentVersion
from sahut.store import Store, library
from tests.bench.load import share
from tests.bench.processes import Folder
from tests.bench.tables import Row, Target, show

SECTIONS = 20  # sections of a made-up document; each becomes one chunk
QUESTIONS = 200
COLUMNS = ["chunks", "written as", "chunks/s", "index built s", "question p50 ms", "p95", "memory MB"]


@dataclass(frozen=True)
class Size:
    """A library of about so many chunks. `is_learned`: through the real embedder, else random vectors as rows."""

    chunks: int
    is_learned: bool


SIZES = (Size(1_000, True), Size(10_000, False), Size(100_000, False))


@dataclass(frozen=True)
class Found:
    """What one size gave: chunks written a second, seconds to build the index, seconds for each question, MB."""

    size: Size
    written_per_s: float
    built_s: float
    took_s: list[float]
    memory_mb: float

    def ms(self, quantile: float) -> float:
        """So long a question took, in ms."""
        return 1000 * share(self.took_s, quantile)

    @property
    def row(self) -> Row:
        how = "documents" if self.size.is_learned else "rows, random vectors"
        quantiles = [f"{self.ms(q):.0f}" for q in (0.5, 0.95)]
        written = f"{self.written_per_s:.0f}"
        return [f"{self.size.chunks:,}", how, written, f"{self.built_s:.1f}", *quantiles, f"{self.memory_mb:.0f}"]


async def bench(*, quick: bool) -> bool:
    """Measure every size, without the largest if `quick`; whether every target was met."""
    found = []
    for size in SIZES[: 2 if quick else 3]:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            found.append(await asyncio.get_running_loop().run_in_executor(pool, measure, size))
    show("bench_retrieval", COLUMNS, [one.row for one in found])
    small, *_, large = found
    targets = [
        Target("chunks learned a second", small.written_per_s, at_least=15),
        Target("question p50 at 1,000 chunks, ms", small.ms(0.5), at_most=25),
    ]
    if not quick:
        targets += [
            Target("question p50 at 100,000 chunks, ms", large.ms(0.5), at_most=40),
            Target("memory at 100,000 chunks, MB", large.memory_mb, at_most=1_500),
        ]
    return Target.show(targets)


def measure(size: Size) -> Found:
    """One size, in a process of its own."""
    with Folder() as folder:
        return asyncio.run(_measure(size, folder))


async def _measure(size: Size, folder: Path) -> Found:
    luck = random.Random(size.chunks)
    store = Store(f"sqlite:///{folder / 'sahut.db'}")
    # As `sahut learn` makes it: on two cores.
    embedder = LocalEmbedder(passages_at_once=2)
    index = await asyncio.to_thread(ChromaIndex.local, folder / "index", space_of(embedder).name)
    try:
        await migrate(store)
        began = time.perf_counter()
        await (
            _learned(store, embedder, folder / "texts", size, luck)
            if size.is_learned
            else _rows(store, space_of(embedder).name, size, luck)
        )
        wrote = size.chunks / (time.perf_counter() - began)
        search = Search(store, embedder, index)
        began = time.perf_counter()
        await search.level(now=True)
        built = time.perf_counter() - began
        await _asked(search, luck, QUESTIONS // 10)
        took = await _asked(search, luck, QUESTIONS)
        held = psutil.Process().memory_info().rss / 1e6
    finally:
        await index.close()
        await store.close()
        embedder.close()
    return Found(size, wrote, built, took, held)


async def _asked(search: Search, luck: random.Random, count: int) -> list[float]:
    took = []
    for _ in range(count):
        question = f"{_words(luck, 6)}?"
        began = time.perf_counter()
        await search.search(question)
        took.append(time.perf_counter() - began)
    return took


async def _learned(store: Store, embedder: LocalEmbedder, folder: Path, size: Size, luck: random.Random) -> None:
    await asyncio.to_thread(_write, folder, size, luck)
    await learn(store, embedder, [folder])


def _write(folder: Path, size: Size, luck: random.Random) -> None:
    folder.mkdir()
    for number in range(size.chunks // SECTIONS):
        sections = [f"## {_words(luck, 3)}\n\n{_text(luck)}\n" for _ in range(SECTIONS)]
        text = "\n".join([f"# {_words(luck, 3)}\n", *sections])
        (folder / f"{number:05d}.md").write_text(text, encoding="utf-8")


async def _rows(store: Store, space: str, size: Size, luck: random.Random) -> None:
    width = e5.DIMENSION if space == e5.NAME else LOCAL_DIMENSION
    vectors, now = np.random.default_rng(size.chunks), datetime.now(UTC)
    for number in range(size.chunks // SECTIONS):
        texts = [_text(luck) for _ in range(SECTIONS)]
        document = Document(path=f"{number:05d}.md", title=_words(luck, 3), updated_at=now)
        version = DocumentVersion(
            document_id=document.id,
            hash=f"{number:064d}",
            media_type="text/markdown",
            title=document.title,
            text="\n".join(texts),
            created_at=now,
        )
        matrix = vectors.standard_normal((SECTIONS, width), dtype=np.float32)
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        at, chunks = 0, []
        for position, text in enumerate(texts):
            place = {"position": position, "start": at, "end": at + len(text), "text": text}
            read = vectors.integers(-9, 10, (5, LOCAL_DIMENSION), dtype=np.int8).tobytes()
            vector = matrix[position].tobytes()
            chunks.append(Chunk(version_id="", embedder=space, vector=vector, sentences=read, **place))
            at += len(text) + 1
        async with store.transaction() as tx:
            await library.put(tx, document, version, chunks, now=now)


def _text(luck: random.Random) -> str:
    return " ".join(f"{_words(luck, 12).capitalize()}." for _ in range(5))


def _words(luck: random.Random, count: int) -> str:
    """Words of a made-up language, common ones more often than rare ones, as in a real one."""
    return " ".join(_VOCABULARY[min(int(luck.paretovariate(0.6)), len(_VOCABULARY)) - 1] for _ in range(count))


def _vocabulary() -> list[str]:
    luck, syllables = random.Random(3), [c + v for c in "bdgjklmnprst" for v in "aeiou"]
    return ["".join(luck.choices(syllables, k=luck.choice((2, 3, 4)))) for _ in range(20_000)]


_VOCABULARY = _vocabulary()
