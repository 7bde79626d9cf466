"""Passages as a reader wants them: what was cut in two is joined, what is said twice is read once. Pure; knows no row.

A passage whose words are another's, in another document, is named with it. Passages of one section that follow each
other are one where the weaker is nearly as good as the better.
"""

import re
from collections.abc import Callable, Sequence

from sahut.found import Passage

# A reader is given no more text at once than so many chunks.
MOST_TOGETHER = 3
# A neighbour with less of the better one's probability is not what was asked for.
NEARLY_AS_GOOD = 0.5
# "No, never." says something else under another heading.
_TELLS_BY_ITSELF = 8
_WORD = re.compile(r"\w+")


def read_once(passages: Sequence[Passage]) -> list[Passage]:
    """The passages without those that say, word for word, what a better one says: it has them in `also`."""
    said: dict[tuple[object, ...], Passage] = {}
    for passage in passages:
        key = _words(passage)
        first = said.get(key)
        said[key] = first.model_copy(update={"also": (*first.also, passage)}) if first else passage
    return list(said.values())


def joined(passages: Sequence[Passage], follows: Callable[[Passage, Passage], bool]) -> list[list[Passage]]:
    """The passages in groups, by the best of each: neighbours in the order of their text, all others alone.

    `follows(a, b)` says whether b begins where a ends, in the same section.
    """
    groups: list[list[Passage]] = []
    for passage in passages:
        for group in groups:
            best = max(one.score for one in group)
            if len(group) == MOST_TOGETHER or passage.also or passage.score < NEARLY_AS_GOOD * best:
                continue
            if follows(group[-1], passage):
                group.append(passage)
                break
            if follows(passage, group[0]):
                group.insert(0, passage)
                break
        else:
            groups.append([passage])
    return groups


def as_one(group: Sequence[Passage], text: str) -> Passage:
    """The best of a group with the span of all of them; `text` is what the document says there."""
    best = max(group, key=lambda passage: passage.score)
    return best.model_copy(update={"text": text, "start": group[0].start, "end": group[-1].end})


def _words(passage: Passage) -> tuple[object, ...]:
    words = tuple(_WORD.findall(passage.text.casefold()))
    above = () if len(words) >= _TELLS_BY_ITSELF else passage.headings
    return (*above, words) if words else (passage.chunk,)
