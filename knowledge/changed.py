"""What became of a sentence in a newer text: the one that stands in its place, if there is one. Pure.

By words, not by meaning: a correction that quotes the wrong sentence is worse than one that quotes none. Knows
no row.
"""

import re
from difflib import SequenceMatcher
from functools import lru_cache

from knowledge.chunk import sentences

# So much of the words, in their order, must be the same: a changed price is, another subject is not.
LEAST_LIKENESS = 0.6
_WORD = re.compile(r"\w+")
_MOST_COMPARED = 40


@lru_cache(maxsize=512)
def successor(sentence: str, text: str) -> str | None:
    """The sentence of `text` that is most like `sentence`; `None` where none is like it."""
    before = _words(sentence)
    seen = set(before)
    if not seen:
        return None
    found: list[tuple[float, int, list[str], str]] = []
    for start, end in sentences(text):
        words = _words(text[start:end])
        shared = len(seen & set(words)) / max(len(seen), len(set(words)), 1)
        if shared >= LEAST_LIKENESS / 2:
            found.append((shared, -start, words, text[start:end]))
    found.sort(key=lambda item: item[:2], reverse=True)
    best, likeness = None, LEAST_LIKENESS
    for _, _, words, candidate in found[:_MOST_COMPARED]:
        ratio = SequenceMatcher(None, before, words, autojunk=False).ratio()
        if ratio > likeness or (best is None and ratio == likeness):
            best, likeness = candidate, ratio
    return best


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
