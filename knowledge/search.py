"""Finding passages: dense and lexical candidates, fused into one probability each. Knows no file and no channel.

What a search needs of the rows is kept in memory, so a question costs no database round trip except a look at the
generation, at most once a second.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from knowledge.closely import REMEMBERED, CloseReader
from knowledge.fuse import Evidence, answerable, calibration_of, probability, strength
from knowledge.index import VectorIndex, difference
from knowledge.language import language_chances
from knowledge.lexical import Lexicon, Match, Words
from sahut.errors import ModelFailed, StoreUnavailable
from sahut.ports import Embedder, Vectors
from sahut.store import Store, library
from sahut.turn import Passage, SearchResult

CHECK_EVERY_S = 1.0
CANDIDATES = 64
# So many of the best candidates are read sentence by sentence.
CLOSE_LOOKS = 16
# More of a question than this says nothing new, and a pasted novel must not cost seconds.
MOST_QUESTION = 2000


_NO_MATCH = Match(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Candidate:
    leaf: library.Leaf
    evidence: Evidence


def contextual(title: str, headings: tuple[str, ...], text: str) -> str:
    """A chunk as it is embedded and counted: under its title and headings, which often alone name its subject."""
    return "\n".join([" > ".join(dict.fromkeys([title, *headings])), text])


class Search:
    """The retriever over one store, one embedder and one index."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        index: VectorIndex,
        *,
        check_every_s: float = CHECK_EVERY_S,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._index = index
        self._calibration = calibration_of(embedder.name)
        self._check_every_s = check_every_s
        self._timer = timer
        self._checked = -float("inf")
        self._turn = asyncio.Lock()
        self._generation = -1
        self._index_behind = False
        self._leaves: dict[str, library.Leaf] = {}
        self._held: dict[str, list[str]] = {}
        self._lexicon = Lexicon()
        self._reader = CloseReader(embedder)

    async def search(self, question: str, *, top: int = 5, collection: str | None = None) -> SearchResult:
        """The best `top` passages and the probability that they hold the answer.

        Where the embedder or the index cannot be reached, words alone decide, and `features["dense"]` is 0.
        """
        asked = question.strip()[:MOST_QUESTION]
        await self.level()
        if not asked or not self._leaves:
            return SearchResult(question=question, answerable=0.0)
        count = max(CANDIDATES, 4 * top)
        vector, near = await self._dense(asked, count, collection)
        words = await asyncio.to_thread(self._lexicon.match, asked, group=collection, limit=count)
        ranked = _sorted(self._candidates(asked, near, words, collection))
        if vector is not None:
            ranked = await self._closely(vector, ranked, max(CLOSE_LOOKS, top))
        chance, features = answerable([c.evidence for c in ranked], self._calibration)
        features["dense"] = float(vector is not None)
        # Read by the best passage's language throughout, so that the scores fall with the rank.
        passages = tuple(self._passage(candidate, ranked[0].evidence.foreign) for candidate in ranked[:top])
        return SearchResult(question=question, answerable=chance, passages=passages, features=features)

    async def warm(self) -> None:
        """Read the newest passages closely ahead of the first questions; about 4 ms each, off the event loop."""
        await self.level()
        newest = sorted(self._leaves.values(), key=lambda leaf: leaf.chunk_id)[-REMEMBERED:]
        if not self._calibration.by_sentence:
            newest = []
        for at in range(0, len(newest), CLOSE_LOOKS):
            await self._reader.read([(leaf.chunk_id, leaf.text) for leaf in newest[at : at + CLOSE_LOOKS]])

    async def level(self, *, now: bool = False) -> int:
        """Catch up with the rows if they moved; the generation in use. With `now` it looks even if it just did."""
        if not now and self._timer() - self._checked < self._check_every_s:
            return self._generation
        async with self._turn:
            if now or self._timer() - self._checked >= self._check_every_s:
                await self._catch_up()
                self._checked = self._timer()
        return self._generation

    async def _catch_up(self) -> None:
        async with self._store.reading() as tx:
            generation = await library.generation(tx)
            if generation == self._generation and not self._index_behind:
                return
            wanted = await library.current_versions(tx, self._embedder.name)
            added, gone = difference({v: len(ids) for v, ids in self._held.items()}, wanted)
            leaves = await library.leaves(tx, self._embedder.name, added)
        self._index_behind = not await self._index_caught_up()
        stale = [chunk for v in (*gone, *added) for chunk in self._held.pop(v, ())]
        fresh = [replace(leaf, vector=b"") for leaf in leaves]
        await asyncio.to_thread(self._shelve, stale, fresh)
        self._generation = generation

    async def _index_caught_up(self) -> bool:
        """Whether the index is level; where it fails, words alone decide until a later check finds it mended."""
        try:
            await self._index.catch_up(self._store)
        except StoreUnavailable:
            return False
        return True

    def _shelve(self, stale: list[str], fresh: list[library.Leaf]) -> None:
        for leaf in fresh:
            self._leaves[leaf.chunk_id] = leaf
            self._held.setdefault(leaf.version_id, []).append(leaf.chunk_id)
        self._lexicon.add(
            Words(f.chunk_id, f.collection, f.language, contextual(f.title, f.headings, f.text)) for f in fresh
        )
        self._lexicon.remove(stale)
        for chunk in stale:
            self._leaves.pop(chunk, None)

    async def _dense(self, asked: str, count: int, collection: str | None) -> tuple[Vectors | None, dict[str, float]]:
        if self._index_behind:
            return None, {}
        try:
            vector: Vectors = (await self._embedder.embed([asked]))[0]
            return vector, dict(await self._index.nearest(vector, count, collection=collection))
        except (ModelFailed, StoreUnavailable):
            return None, {}

    def _candidates(
        self, asked: str, near: dict[str, float], words: dict[str, Match], collection: str | None
    ) -> list[_Candidate]:
        """Every passage of either list. One that was removed meanwhile is passed over."""
        # A passage that only its words brought up has at most the cosine of the farthest that its meaning brought.
        floor = min(near.values(), default=0.0)
        chances = language_chances(asked)
        found: list[_Candidate] = []
        for key in {**near, **words}:
            leaf = self._leaves.get(key)
            if leaf is None or (collection is not None and leaf.collection != collection):
                continue
            match = words.get(key, _NO_MATCH)
            cosine = near.get(key, floor)
            foreign = 1 - chances.get(leaf.language, 0.0) if chances else 0.0
            found.append(_Candidate(leaf, Evidence(cosine, cosine, match.coverage, match.score, foreign)))
        return found

    async def _closely(self, vector: Vectors, ranked: list[_Candidate], count: int) -> list[_Candidate]:
        """The first `count` candidates ranked anew by their best sentences; the rest stays behind them."""
        if not self._calibration.by_sentence:
            return ranked
        head = ranked[:count]
        best = await self._reader.best(vector, [(c.leaf.chunk_id, c.leaf.text) for c in head])
        read = [
            _Candidate(c.leaf, replace(c.evidence, sentence=sentence)) for c, sentence in zip(head, best, strict=True)
        ]
        return _sorted(read) + ranked[count:]

    def _passage(self, candidate: _Candidate, foreign: float) -> Passage:
        leaf = candidate.leaf
        return Passage(
            chunk=leaf.chunk_id,
            document=leaf.path,
            title=leaf.title,
            version=leaf.version,
            headings=leaf.headings,
            text=leaf.text,
            start=leaf.start,
            end=leaf.end,
            score=probability(replace(candidate.evidence, foreign=foreign), self._calibration),
            language=leaf.language,
        )


def _sorted(candidates: list[_Candidate]) -> list[_Candidate]:
    return sorted(candidates, key=lambda c: (-strength(c.evidence), c.leaf.path, c.leaf.start))


def hits(result: SearchResult) -> list[dict[str, Any]]:
    """The passages as `sahut search` prints them: rank (from 1), document, chunk, score, start, end, text."""
    return [
        {
            "rank": rank,
            "document": passage.document,
            "chunk": passage.chunk,
            "score": round(passage.score, 6),
            "start": passage.start,
            "end": passage.end,
            "text": passage.text,
        }
        for rank, passage in enumerate(result.passages, start=1)
    ]
