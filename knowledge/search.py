"""Finding passages: dense and lexical candidates, fused into one probability each. Knows no file and no channel.

What a search needs of the rows is kept in memory, so a question costs no database round trip except a look at the
generation, at most once a second.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

from knowledge.closely import REMEMBERED, Close, CloseReader
from knowledge.fuse import Evidence, answerable, calibration_of, probability, strength
from knowledge.index import VectorIndex, difference
from knowledge.language import language_chances, strained, understood
from knowledge.lexical import Lexicon, Match, Words
from knowledge.relearn import refuse_foreign
from knowledge.space import space_of
from knowledge.text import contextual
from knowledge.together import as_one, joined, read_once
from sahut.errors import ModelFailed, StoreUnavailable
from sahut.found import Passage, SearchResult
from sahut.ports import Embedder
from sahut.store import Store, library

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
        self._space = space_of(embedder)
        self.calibration = calibration_of(self._space.name)
        self._check_every_s = check_every_s
        self._timer = timer
        self._checked = -float("inf")
        self._turn = asyncio.Lock()
        self._generation = -1
        self._index_behind = False
        self._leaves: dict[str, library.Leaf] = {}
        self._held: dict[str, list[str]] = {}
        self._lexicon = Lexicon()
        self._reader = CloseReader(embedder, self._sentences)

    async def search(self, question: str, *, top: int = 5, collections: Collection[str] | None = None) -> SearchResult:
        """The best `top` passages and the probability that they hold the answer.

        Where the embedder or the index cannot be reached, words alone decide, and `features["dense"]` is 0.
        """
        ranked, dense = await self._ranked(question, top, collections)
        if not ranked:
            return SearchResult(question=question, answerable=0.0, features={"dense": float(dense)})
        chance, features = answerable([c.evidence for c in ranked], self.calibration)
        features["dense"] = float(dense)
        return SearchResult(
            question=question, answerable=chance, passages=await self._shown(ranked, top), features=features
        )

    async def evidence(self, question: str, *, collections: Collection[str] | None = None) -> list[Evidence]:
        """What speaks for each candidate, best first: what the weights of `answerable` are fitted on."""
        return [candidate.evidence for candidate in (await self._ranked(question, 1, collections))[0]]

    async def warm(self) -> None:
        """Load the models and read the newest passages closely, ahead of the first questions.

        Raises `ConfigurationError` where documents were learned with another embedder only.
        """
        await self.level()
        with suppress(ModelFailed):
            await self._space.question("?")
        newest = sorted(self._leaves.values(), key=lambda leaf: leaf.chunk_id)[-REMEMBERED:]
        if not self.calibration.by_sentence:
            newest = []
        for at in range(0, len(newest), CLOSE_LOOKS):
            await self._reader.read([_close(leaf) for leaf in newest[at : at + CLOSE_LOOKS]])

    async def level(self, *, now: bool = False) -> int:
        """Catch up with the rows if they moved; the generation in use. With `now` it looks even if it just did."""
        if not now and self._timer() - self._checked < self._check_every_s:
            return self._generation
        async with self._turn:
            if now or self._timer() - self._checked >= self._check_every_s:
                await self._catch_up()
                self._checked = self._timer()
        return self._generation

    async def _ranked(
        self, question: str, top: int, collections: Collection[str] | None
    ) -> tuple[list[_Candidate], bool]:
        """All candidates, best first, and whether their meaning was looked at."""
        asked = question.strip()[:MOST_QUESTION]
        await self.level()
        if not asked or not self._leaves:
            return [], True
        count = max(CANDIDATES, 4 * top)
        near, words = await asyncio.gather(
            self._dense(asked, count, collections),
            asyncio.to_thread(self._lexicon.match, asked, groups=collections, limit=count),
        )
        ranked = self._sorted(self._candidates(asked, near or {}, words, collections))
        if near is not None:
            ranked = await self._closely(asked, ranked, max(CLOSE_LOOKS, top))
        return ranked, near is not None

    async def _catch_up(self) -> None:
        async with self._store.reading() as tx:
            generation = await library.generation(tx)
            if generation == self._generation and not self._index_behind:
                return
            wanted = await library.current_versions(tx, self._space.name)
            if self._generation < 0:
                await refuse_foreign(tx, self._space.name)
            added, gone = difference({v: len(ids) for v, ids in self._held.items()}, wanted)
            leaves = await library.leaves(tx, self._space.name, added)
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

    async def _dense(self, asked: str, count: int, collections: Collection[str] | None) -> dict[str, float] | None:
        """The chunks nearest to the question with their cosines; None where embedder or index cannot be reached."""
        if self._index_behind:
            return None
        try:
            vector = await self._space.question(asked)
            return dict(await self._index.nearest(vector, count, collections=collections))
        except (ModelFailed, StoreUnavailable):
            return None

    def _candidates(
        self, asked: str, near: dict[str, float], words: dict[str, Match], collections: Collection[str] | None
    ) -> list[_Candidate]:
        """Every passage of either list. One that was removed meanwhile is passed over."""
        # A passage that only its words brought up has at most the cosine of the farthest that its meaning brought.
        floor = min(near.values(), default=self.calibration.zero)
        chances = language_chances(asked)
        asked_in = {"understood": understood(chances), "strained": strained(chances)}
        found: list[_Candidate] = []
        for key in {**near, **words}:
            leaf = self._leaves.get(key)
            if leaf is None or (collections is not None and leaf.collection not in collections):
                continue
            match = words.get(key, _NO_MATCH)
            cosine = near.get(key, floor)
            foreign = 1 - chances.get(leaf.language, 0.0) if chances else 0.0
            whole = self.calibration.meaning(cosine)
            found.append(
                _Candidate(leaf, Evidence(cosine, whole, match.coverage, match.score, foreign=foreign, **asked_in))
            )
        return found

    async def _closely(self, asked: str, ranked: list[_Candidate], count: int) -> list[_Candidate]:
        """The first `count` candidates ranked anew by their best sentences; the rest stays behind them."""
        if not self.calibration.by_sentence or not ranked:
            return ranked
        head = ranked[:count]
        try:
            vector = (await self._embedder.embed([asked]))[0]
        except ModelFailed:
            return ranked
        best = await self._reader.best(vector, [_close(candidate.leaf) for candidate in head])
        read = [
            _Candidate(c.leaf, replace(c.evidence, sentence=sentence)) for c, sentence in zip(head, best, strict=True)
        ]
        return self._sorted(read) + ranked[count:]

    async def _sentences(self, chunk_ids: Sequence[str]) -> Mapping[str, bytes]:
        async with self._store.reading() as tx:
            return await library.sentences(tx, chunk_ids)

    def _sorted(self, candidates: list[_Candidate]) -> list[_Candidate]:
        return sorted(candidates, key=lambda c: (-strength(c.evidence, self.calibration), c.leaf.path, c.leaf.start))

    async def _shown(self, ranked: list[_Candidate], top: int) -> tuple[Passage, ...]:
        """The best candidates as a reader wants them."""
        # Read by the best passage's language throughout, so that the scores fall with the rank.
        foreign = ranked[0].evidence.foreign
        passages = [self._passage(candidate, foreign) for candidate in ranked[: max(CLOSE_LOOKS, top)]]
        leaves = {candidate.leaf.chunk_id: candidate.leaf for candidate in ranked}
        groups = joined(read_once(passages), partial(self._follows, leaves))[:top]
        spans = {
            group[0].chunk: (leaves[group[0].chunk].version_id, group[0].start, group[-1].end)
            for group in groups
            if len(group) > 1
        }
        if not spans:
            return tuple(group[0] for group in groups)
        async with self._store.reading() as tx:
            texts = {key: await library.text_of(tx, *span) for key, span in spans.items()}
        return tuple(as_one(group, texts[group[0].chunk]) if len(group) > 1 else group[0] for group in groups)

    def _follows(self, leaves: Mapping[str, library.Leaf], before: Passage, after: Passage) -> bool:
        """Whether two passages are one section's, and the second is what follows the first."""
        version = leaves[before.chunk].version_id
        if version != leaves[after.chunk].version_id or before.headings != after.headings:
            return False
        held = self._held.get(version, [])
        return (before.chunk, after.chunk) in pairwise(held)

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
            score=probability(replace(candidate.evidence, foreign=foreign), self.calibration),
            language=leaf.language,
        )


def _close(leaf: library.Leaf) -> Close:
    return Close(leaf.chunk_id, leaf.headings, leaf.text)


def hits(result: SearchResult, top: int) -> list[dict[str, Any]]:
    """At most `top` passages as `sahut search` prints them: rank (from 1), document, chunk, score, start, end, text.

    Documents that say the same follow the one whose words are read.
    """
    named = [one for passage in result.passages for one in (passage, *passage.also)]
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
        for rank, passage in enumerate(named[:top], start=1)
    ]
