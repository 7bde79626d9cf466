"""Cutting text into sentences and chunks, pure. Knows no file, no model and no database.

Every span is `(start, end)` in code points of the text it was cut from, trimmed of white space.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.text import Section

Span = tuple[int, int]

LEAST_WORDS = 120
MOST_WORDS = 220
# A run without any mark that ends a sentence is cut here, so that no chunk or quote grows without bound.
MOST_SENTENCE = 1200
_REMAINDER_WORDS = 40
# So much around a full stop tells whether it ends a sentence; more would be copied for every stop of a long line.
_NEAR = 24

_END = re.compile(r"(?:[.!?…]+|[。！？؟۔।]+)[\"'”’»)\]]*")
_FULL_WIDTH = "。！？"
_LIST_MARK = re.compile(r"[-*•]?\s*(?:\(?\d{1,3}|\(?[a-zA-Z])\.\Z")
_OPENING = "\"'“‘«([¿¡-–—*• "

# Words that lean on what follows: a full stop after them never ends a sentence.
_LEANING = frozenset(
    re.findall(
        r"\S+",
        """
        jl jln jend kel kec kab kav komp gd lt bpk sdr sdri hj tn ny tgl no nos nr nº n núm num tel telp hp rp rs
        hal ps pt cv ph ext mr mrs ms dr drs dra prof ir st rev gen col sr sra srta d dª av avda rua r c art arts
        par pasal fig vol cap pág pag pp p vs e.g i.e z.b d.h u.a p.ej ej a.n u.p s.d d.a cf approx ca bzw hr fr
        str abs bls gr sk kl sími h bd örn mah cad sok
        """,
    )
)
# Words that may end a sentence or stand within one: what follows decides.
_EITHER = frozenset(
    re.findall(
        r"\S+",
        """
        a.m p.m am pm etc dll dsb dst inc ltd co tbk usw vb o.fl wib wita s.a s.l ltda cia jr hrs min max maks
        """,
    )
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk before it is stored: `text == source[start:end]`, whole sentences of one section."""

    headings: tuple[str, ...]
    start: int
    end: int
    text: str


def sentences(text: str) -> list[Span]:
    """The spans of the sentences of `text`, in order, not overlapping, together all of its visible characters.

    A line break ends a sentence (list items and table rows stand alone); a full stop within a number, an address
    or after an abbreviation does not.
    """
    spans: list[Span] = []
    at = 0
    for line in text.split("\n"):
        spans.extend(_in_line(text, at, at + len(line)))
        at += len(line) + 1
    return spans


def pieces(text: str, sections: Sequence[Section]) -> list[Piece]:
    """Chunks of about 120 to 220 words, each within one section and made of whole sentences."""
    found: list[Piece] = []
    for section in sections:
        body = text[section.start : section.end]
        for first, last in _grouped(body):
            start, end = section.start + first, section.start + last
            found.append(Piece(section.headings, start, end, text[start:end]))
    return found


def word_count(text: str) -> int:
    """Words of `text`; in scripts that put no spaces between words, ten characters count as one."""
    return max(len(text.split()), len(text) // 10)


def _in_line(text: str, start: int, stop: int) -> list[Span]:
    spans: list[Span] = []
    begin = start
    for match in _END.finditer(text, start, stop):
        if match.end() > begin and _ends(text, begin, match, stop):
            spans.extend(_bounded(text, begin, match.end()))
            begin = match.end()
    spans.extend(_bounded(text, begin, stop))
    return spans


def _ends(text: str, begin: int, match: re.Match[str], stop: int) -> bool:
    """Whether the mark at `match` ends the sentence that began at `begin`."""
    mark = match.group()
    if mark[0] in _FULL_WIDTH or match.end() >= stop:
        return True
    if not text[match.end()].isspace():
        return False
    follows = text[match.end() : min(stop, match.end() + _NEAR)].lstrip(_OPENING)[:1]
    if mark[0] != ".":
        return not follows.islower()
    if mark.startswith(".."):
        return not follows.islower()
    near = max(begin, match.start() - _NEAR)
    before = text[near : match.start() + 1]
    if follows.islower() or (near == begin and _LIST_MARK.fullmatch(before.strip())):
        return False
    return mark != "." or not _leans(before[:-1], follows)


def _leans(before: str, follows: str) -> bool:
    """Whether the word that ends `before` is an abbreviation that belongs to what follows."""
    word = before.rsplit(maxsplit=1)[-1].lstrip("\"'“‘«([").casefold() if before and not before[-1].isspace() else ""
    if word in _EITHER:
        return follows.isdigit()
    return word in _LEANING or (len(word) == 1 and word.isalpha())


def _bounded(text: str, start: int, end: int) -> list[Span]:
    """The trimmed span, cut at white space where it is longer than a sentence may be."""
    spans: list[Span] = []
    while True:
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if end - start <= MOST_SENTENCE:
            return [*spans, (start, end)] if end > start else spans
        limit = start + MOST_SENTENCE
        cut = next((n for n in range(limit, start + MOST_SENTENCE // 2, -1) if text[n].isspace()), limit)
        stop = cut
        while text[stop - 1].isspace():
            stop -= 1
        spans.append((start, stop))
        start = cut


def _grouped(body: str) -> list[Span]:
    """Runs of sentences: closed at a paragraph's end once long enough, and before they would become too long."""
    groups: list[list[Span]] = []
    words = 0
    for start, end in sentences(body):
        size = word_count(body[start:end])
        last = groups[-1] if groups else None
        new_paragraph = last is not None and "\n\n" in body[last[-1][1] : start]
        if last is None or words + size > MOST_WORDS or (new_paragraph and words >= LEAST_WORDS):
            groups.append([(start, end)])
            words = size
        else:
            last.append((start, end))
            words += size
    if len(groups) > 1 and words < _REMAINDER_WORDS:
        groups[-2].extend(groups.pop())
    return [(group[0][0], group[-1][1]) for group in groups]
