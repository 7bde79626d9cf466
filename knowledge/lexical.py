"""Words in memory: how much of a question's weight of words a passage covers. Knows no database and no vector.

Coverage is the share of the question's idf weight that a passage holds. A word that no passage has weighs most of
all, so a question in another language than the passages scores near zero against all of them: this list falls
silent by itself where it has nothing to say, which lists fused by rank cannot.
"""

import math
import re
import threading
from array import array
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.stopwords import STOPWORDS

_WORD = re.compile(r"\w+")
# Words are cut to a stem of five characters (numbers are not): a rough stemmer that needs no language. On XQuAD in
# three languages five beat six and whole words.
_STEM = 5
# BM25's saturation and length weights; passages are of similar length, so length counts little.
_K1 = 1.2
_B = 0.5
_STOPWORD_WEIGHT = 0.2
# Within a language of at least this many passages a word is as common as it is there: in a library of two
# languages every word of the one would else look rare.
_LANGUAGE_LEAST = 20
# The places of removed passages are cleared away when they are more than this share.
_WASTE = 0.3


@dataclass(frozen=True, slots=True)
class Words:
    """A passage to take in; `group` is what a question may be limited to."""

    key: str
    group: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """How well a passage's words match: `coverage`, and `score` that also values repetition, both in [0, 1]."""

    coverage: float
    score: float


def stems(text: str) -> list[str]:
    """The stems of the words of `text`, in order."""
    return [_stem(word) for word in _WORD.findall(text.casefold())]


class Lexicon:
    """An inverted index that grows and shrinks by passages. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: list[str] = []
        self._groups: list[str] = []
        self._languages: list[str] = []
        self._place: dict[str, int] = {}
        self._length = array("L")
        self._alive = array("B")
        self._words = 0
        self._postings: dict[str, tuple[array[int], array[int]]] = {}

    def __len__(self) -> int:
        return len(self._place)

    def add(self, passages: Iterable[Words]) -> None:
        """Take passages in. The keys must be new."""
        for passage in passages:
            counts = Counter(stems(passage.text))
            with self._lock:
                self._put(passage, counts)

    def remove(self, keys: Iterable[str]) -> None:
        """Forget passages; unknown keys are no error."""
        with self._lock:
            for key in keys:
                place = self._place.pop(key, None)
                if place is not None:
                    self._alive[place] = 0
                    self._words -= self._length[place]
            if len(self._alive) - len(self._place) > max(100, _WASTE * len(self._alive)):
                self._compact()

    def match(self, question: str, *, groups: Collection[str] | None = None, limit: int = 50) -> dict[str, Match]:
        """The passages that share words with the question, at most the `limit` best by score."""
        with self._lock:
            if not self._place:
                return {}
            return self._match(dict.fromkeys(_WORD.findall(question.casefold())), groups, limit)

    def _put(self, passage: Words, counts: Counter[str]) -> None:
        place = len(self._keys)
        self._keys.append(passage.key)
        self._groups.append(passage.group)
        self._languages.append(passage.language)
        self._place[passage.key] = place
        self._length.append(counts.total())
        self._alive.append(1)
        self._words += counts.total()
        for stem, count in counts.items():
            places, times = self._postings.setdefault(stem, (array("L"), array("H")))
            places.append(place)
            times.append(min(count, 65535))

    def _match(self, question: Iterable[str], groups: Collection[str] | None, limit: int) -> dict[str, Match]:
        alive = np.array(self._alive, dtype=bool)
        mean = max(1.0, self._words / len(self._place))
        norm = _K1 * (1 - _B + _B * np.array(self._length, dtype=np.float64) / mean)
        covered = np.zeros(len(alive))
        score = np.zeros(len(alive))
        total = 0.0
        shares = _Shares(self._languages, alive)
        weights = {_stem(word): _STOPWORD_WEIGHT if word in STOPWORDS else 1.0 for word in question}
        for stem, weight in weights.items():
            places, times = self._found(stem, alive)
            idf = weight * shares.idf(places)
            total += idf
            covered[places] += idf
            score[places] += idf * times / (times + norm[places])
        if groups is not None:
            score[np.array([name not in groups for name in self._groups])] = 0
        best = _largest(score, limit) if total else []
        return {self._keys[n]: Match(float(covered[n] / total), float(score[n] / total)) for n in best}

    def _found(self, stem: str, alive: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        places, times = self._postings.get(stem, (array("L"), array("H")))
        found = np.array(places, dtype=np.int64)
        living = alive[found] if len(found) else np.zeros(0, dtype=bool)
        return found[living], np.array(times, dtype=np.float64)[living]

    def _compact(self) -> None:
        """Drop the places of removed passages and number the rest anew."""
        alive = np.array(self._alive, dtype=bool)
        moved = np.cumsum(alive) - 1
        for stem in list(self._postings):
            found, times = self._found(stem, alive)
            if len(found):
                self._postings[stem] = (array("L", moved[found].tolist()), array("H", times.astype(int).tolist()))
            else:
                del self._postings[stem]
        kept = np.flatnonzero(alive).tolist()
        self._keys = [self._keys[n] for n in kept]
        self._groups = [self._groups[n] for n in kept]
        self._languages = [self._languages[n] for n in kept]
        self._length = array("L", [self._length[n] for n in kept])
        self._alive = array("B", [1] * len(kept))
        self._place = {key: n for n, key in enumerate(self._keys)}


class _Shares:
    """How common a word is: overall, and within each language that has passages enough to tell."""

    def __init__(self, languages: list[str], alive: NDArray[np.bool_]) -> None:
        names = {name: number for number, name in enumerate(dict.fromkeys(languages))}
        self._codes = np.array([names[name] for name in languages], dtype=np.int64)
        self._sizes = np.bincount(self._codes[alive], minlength=len(names))
        self._total = int(alive.sum())

    def idf(self, places: NDArray[np.int64]) -> float:
        """BM25's inverse document frequency of a word that stands in these passages, never negative."""
        least = _idf(len(places), self._total)
        counts = np.bincount(self._codes[places], minlength=len(self._sizes))
        for count, size in zip(counts.tolist(), self._sizes.tolist(), strict=True):
            if count and size >= _LANGUAGE_LEAST:
                least = min(least, _idf(count, size))
        return least


def _stem(word: str) -> str:
    return word if word.isdigit() else word[:_STEM]


def _idf(count: int, total: int) -> float:
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def _largest(score: NDArray[np.float64], limit: int) -> list[int]:
    """The places of the largest scores above zero, best first."""
    count = min(limit, len(score))
    candidates = np.argpartition(-score, count - 1)[:count]
    ordered = candidates[np.argsort(-score[candidates], kind="stable")]
    return [int(n) for n in ordered if score[n] > 0]
