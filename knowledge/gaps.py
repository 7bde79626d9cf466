"""Questions that ask the same, brought together by meaning, and an article drafted from what operators answered.

Greedy on purpose: a question joins the nearest gap or begins one, so a gap stays the one that somebody is looking at.
Knows no channel and publishes nothing.
"""

import re
from collections.abc import Sequence

import numpy as np

from knowledge.chunk import sentences
from sahut.ports import Clock, Embedder, Vectors
from sahut.store import Store, gaps

# The least cosine to a gap's middle. Measured in the bundled space: the same asked in other words or in another
# language is at .55 to .85, another question of the same office below .5.
_LEAST = {"use-multilingual-v3": 0.55}
_LEAST_ELSEWHERE = 0.65
# The spaces of this family crowd together.
_CROWDED, _LEAST_CROWDED = "e5", 0.88
_BUNCH = 256
_REMEMBERED = 20_000
_SAME_WORDS = 0.8
_WORD = re.compile(r"\w+")


async def gather(store: Store, embedder: Embedder, clock: Clock) -> int:
    """Sort in every question that is loose; how many there were. Raises `ModelFailed` where the embedder is away."""
    count = 0
    while True:
        async with store.reading() as tx:
            loose = await gaps.loose(tx, limit=_BUNCH)
            known = await gaps.sorted_in(tx, embedder.name, limit=_REMEMBERED) if loose else []
        if not loose:
            return count
        vectors = await embedder.embed([question.text for question in loose])
        middles = _Middles(known, least_likeness(embedder.name))
        async with store.transaction() as tx:
            for question, vector in zip(loose, vectors, strict=True):
                packed = vector.astype("<f4").tobytes()
                gap_id = await gaps.sort_in(
                    tx, question, middles.nearest(vector), embedder=embedder.name, vector=packed, now=clock.now()
                )
                middles.add(gap_id, vector)
        count += len(loose)


def least_likeness(embedder: str) -> float:
    """The cosine from which two questions ask the same, in an embedder's space."""
    if embedder in _LEAST:
        return _LEAST[embedder]
    return _LEAST_CROWDED if _CROWDED in embedder.lower() else _LEAST_ELSEWHERE


def article(answers: Sequence[tuple[str, str]]) -> str:
    """The text of a draft: what operators answered (text, name of whom they wrote to), each sentence once.

    Sentences with the customer's name are theirs alone and left out.
    """
    kept: list[frozenset[str]] = []
    paragraphs: list[str] = []
    for text, name in answers:
        names = {word.casefold() for word in _WORD.findall(name) if len(word) > 2}
        fresh = []
        for start, end in sentences(text):
            sentence = text[start:end]
            words = frozenset(_WORD.findall(sentence.casefold()))
            if not words or words & names or any(_overlap(words, other) >= _SAME_WORDS for other in kept):
                continue
            kept.append(words)
            fresh.append(sentence)
        if fresh:
            paragraphs.append(" ".join(fresh))
    return "\n\n".join(paragraphs)


def as_markdown(title: str, text: str) -> str:
    """An article as the document that is learned; its title is its heading."""
    flat = " ".join(title.split())
    return f"# {flat}\n\n{text.strip()}\n"


class _Middles:
    """The mean direction of each gap's questions."""

    def __init__(self, known: Sequence[tuple[str, bytes]], least: float) -> None:
        self._least = least
        self._sums: dict[str, Vectors] = {}
        for gap_id, packed in known:
            self.add(gap_id, np.frombuffer(packed, dtype="<f4"))

    def add(self, gap_id: str, vector: Vectors) -> None:
        self._sums[gap_id] = self._sums.get(gap_id, np.zeros_like(vector)) + vector

    def nearest(self, vector: Vectors) -> str | None:
        if not self._sums:
            return None
        matrix = np.stack(list(self._sums.values()))
        cosines = (matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)) @ vector
        best = int(cosines.argmax())
        return list(self._sums)[best] if cosines[best] >= self._least else None


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(len(one | other), 1)
