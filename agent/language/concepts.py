"""Words compared by meaning where a small table knows it, else by their beginning. Pure; knows no document.

The table (`data/concepts.toml`) holds everyday words of customer service in five languages, so that neither spelling
nor language hides that a sentence speaks of what was asked.
"""

import re
import tomllib
from functools import cache, lru_cache

from agent.language.words import DATA, tokens, words

_STEM = 5
_SHORTEST = 3
_ACRONYM = re.compile(r"\b[A-Z]{3,6}\b")
_POSSESSIVE = "nya"  # Indonesian: "biayanya" is "biaya"
_SMALL = ("small", "filler", "question", "follow_up", "greeting", "thanks", "yes", "no")


@lru_cache(maxsize=8192)
def told(text: str) -> frozenset[str]:
    """What a text speaks of: concepts and stems, without small words."""
    return frozenset(telling(text).values())


def telling(text: str) -> dict[str, str]:
    """The words that tell what a text is about, in order, with their meanings."""
    letters = _acronyms(text)
    row = (word for word in tokens(text) if word not in _small_words() or word in letters)
    return {word: meaning(word) for word in row if len(word) >= _SHORTEST or word.isdigit()}


def _acronyms(text: str) -> frozenset[str]:
    """Names in capitals, which are no small words: "SIM" is an Indonesian driving licence, "sim" a Portuguese yes."""
    return frozenset() if text.isupper() else frozenset(map(str.casefold, _ACRONYM.findall(text)))


def meaning(word: str) -> str:
    """The concept that a word stands for ("=fine"), or else its first letters."""
    known = _concepts()
    bare = word.removesuffix(_POSSESSIVE) if len(word) > len(_POSSESSIVE) + 2 else word
    stem = word if word.isdigit() else bare[:_STEM]
    for form in (word, bare, stem if len(stem) == _STEM else ""):
        if form in known:
            return known[form]
    return stem


@cache
def _small_words() -> frozenset[str]:
    return frozenset(phrase[0] for kind in _SMALL for phrase in words(kind) if len(phrase) == 1) - _concepts().keys()


@cache
def _concepts() -> dict[str, str]:
    """Words, and the beginnings that only one concept has, to the concept's name."""
    sections = tomllib.loads((DATA / "concepts.toml").read_text(encoding="utf-8"))
    listed = [
        (word, f"={name}") for table in sections.values() for name, line in table.items() for word in line.split()
    ]
    stems: dict[str, set[str]] = {}
    for word, concept in listed:
        stems.setdefault(word[:_STEM], set()).add(concept)
    sure = {stem: next(iter(found)) for stem, found in stems.items() if len(found) == 1 and len(stem) == _STEM}
    return {**sure, **dict(listed)}
