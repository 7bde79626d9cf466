"""Documents that say the same twice, and documents that contradict each other. Knows no page and asks no model.

Two passages are duplicates where their vectors nearly are one and most of their words are the same. Two sentences
contradict each other where all of their words are the same but the figures or dates in them. A contradiction in other
words is not found: what is listed should be worth a look.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Literal

import numpy as np

from knowledge.chunk import sentences
from knowledge.index import vectors_of
from sahut.store import Store, library
from sahut.store.library import Leaf

Kind = Literal["duplicate", "contradiction"]
# More passages than this are not compared with each other: the newest are.
MOST_COMPARED = 20_000
MOST_FOUND = 200
_LEAST_COSINE = 0.93
_LEAST_SHARED = 0.8
# Shorter sentences ("Fee: 2%") say too little of what they speak of.
_LEAST_WORDS = 5
_FEW_SENTENCES = 12
_BLOCK = 1024
_FIGURE = re.compile(r"\d+(?:[.,:/-]\d+)*")
# A month belongs to the figures of a date, in the languages that the assistant speaks.
_MONTHS = frozenset(
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "januari",
        "februari",
        "maret",
        "mei",
        "juni",
        "juli",
        "agustus",
        "oktober",
        "desember",
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
        "enero",
        "febrero",
        "marzo",
        "mayo",
        "junio",
        "julio",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
        "janúar",
        "febrúar",
        "mars",
        "apríl",
        "maí",
        "júní",
        "júlí",
        "ágúst",
        "október",
        "nóvember",
        "desember",
    ]
)
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Side:
    """A passage of a document; `start` and `end` are code points in the version's text."""

    document: str
    collection: str
    title: str
    version: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two passages of two documents that say the same, or the same with other figures."""

    kind: Kind
    one: Side
    other: Side


async def conflicts(store: Store, embedder: str) -> list[Conflict]:
    """Contradictions first, then duplicates, at most `MOST_FOUND` of each; only within a collection."""
    async with store.reading() as tx:
        versions = await library.current_versions(tx, embedder)
        leaves = await library.leaves(tx, embedder, sorted(versions, reverse=True))
    return await asyncio.to_thread(_compare, leaves[:MOST_COMPARED])


def _compare(leaves: Sequence[Leaf]) -> list[Conflict]:
    found: list[Conflict] = []
    for finder in (_contradictions, _duplicates):
        found.extend(islice(finder(leaves), MOST_FOUND))
    return found


def _contradictions(leaves: Sequence[Leaf]) -> Iterator[Conflict]:
    """Sentences with the same words and other figures, under headings that do not set them apart."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[tuple[Leaf, int, int, tuple[str, ...]]]] = defaultdict(list)
    for leaf in leaves:
        for start, end in sentences(leaf.text):
            sentence = leaf.text[start:end].casefold()
            all_words = _WORD.findall(sentence)
            words = tuple(word for word in all_words if word not in _MONTHS)
            figures = (*_FIGURE.findall(sentence), *(word for word in all_words if word in _MONTHS))
            if figures and len(words) >= _LEAST_WORDS:
                groups[leaf.collection, leaf.language, words].append((leaf, start, end, figures))
    for group in groups.values():
        for (one, a, b, figures), (other, c, d, others) in combinations(group[:_FEW_SENTENCES], 2):
            if one.path != other.path and figures != others and _same_subject(one, other):
                yield Conflict("contradiction", _side(one, a, b), _side(other, c, d))


def _same_subject(one: Leaf, other: Leaf) -> bool:
    """Whether nothing above the two says that they speak of different things ("Cars" and "Motorcycles")."""
    first, second = _above(one), _above(other)
    return not first or not second or bool(first & second) or first <= second or second <= first


def _above(leaf: Leaf) -> set[str]:
    return set(_WORD.findall(" ".join(leaf.headings[-1:] or (leaf.title,)).casefold()))


def _duplicates(leaves: Sequence[Leaf]) -> Iterator[Conflict]:
    """Passages whose vectors and words are nearly the same."""
    if not leaves:
        return
    matrix = vectors_of(leaves)
    words = [frozenset(_WORD.findall(leaf.text.casefold())) for leaf in leaves]
    for at in range(0, len(leaves), _BLOCK):
        close = matrix[at : at + _BLOCK] @ matrix.T >= _LEAST_COSINE
        for row, column in np.argwhere(close):
            first, second = at + int(row), int(column)
            if first >= second:
                continue
            one, other = leaves[first], leaves[second]
            if one.path == other.path or one.collection != other.collection:
                continue
            if _shared(words[first], words[second]) >= _LEAST_SHARED and _figures(one) == _figures(other):
                yield Conflict("duplicate", _side(one, 0, len(one.text)), _side(other, 0, len(other.text)))


def _figures(leaf: Leaf) -> list[str]:
    months = [word for word in _WORD.findall(leaf.text.casefold()) if word in _MONTHS]
    return [*_FIGURE.findall(leaf.text), *months]


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(len(one | other), 1)


def _side(leaf: Leaf, start: int, end: int) -> Side:
    return Side(
        document=leaf.path,
        collection=leaf.collection,
        title=leaf.title,
        version=leaf.version,
        start=leaf.start + start,
        end=leaf.start + end,
        text=leaf.text[start:end],
    )
