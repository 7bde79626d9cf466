"""Small words of the five languages by meaning, and texts read as rows of them; knows no conversation."""

import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"

_SKIN_AND_STYLE = re.compile("[\U0001f3fb-\U0001f3ff\ufe0f\u200d\u200b\u2060]")
# Letters with marks and apostrophes stay together; every emoji is a token of its own.
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[\u2600-\u27bf\U0001f300-\U0001faff]")
_RUN_OF_THREE = re.compile(r"(.)\1{2,}")
_RUN_OF_TWO = re.compile(r"(.)\1+")
_LONGEST_WORD = 40
_LONGEST_TEXT = 120

Phrase = tuple[str, ...]


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((DATA / "words.toml").read_text(encoding="utf-8"))


def tokens(text: str) -> list[str]:
    """Lower-case words and emoji of a text, without punctuation, skin tones and invisible marks."""
    plain = _SKIN_AND_STYLE.sub("", unicodedata.normalize("NFKC", text)).casefold().replace("’", "'")
    return _TOKEN.findall(plain)


@cache
def words(meaning: str, language: str | None = None) -> frozenset[Phrase]:
    """The phrases with one meaning, as rows of tokens, in one language or in all of them."""
    table = _table().get(meaning, {})
    chosen = table.values() if language is None else [table.get(language, [])]
    return frozenset(tuple(tokens(phrase)) for phrases in chosen for phrase in phrases)


def word_for(meaning: str, language: str) -> str:
    """The first word with this meaning in `language`, else in English."""
    table = _table()[meaning]
    return table.get(language, table["en"])[0]


@cache
def _vocabulary(meanings: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word for meaning in meanings for phrase in words(meaning) for word in phrase)


@cache
def _phrases(meanings: tuple[str, ...]) -> frozenset[Phrase]:
    return frozenset(phrase for meaning in meanings for phrase in words(meaning))


def squeeze(word: str, known: frozenset[str]) -> str:
    """`word` without drawn-out letters ("siiim", "yaaa") where that makes it a known word."""
    if word in known or len(word) > _LONGEST_WORD:
        return word
    shorter = (_RUN_OF_THREE.sub(r"\1", word), _RUN_OF_THREE.sub(r"\1\1", word), _RUN_OF_TWO.sub(r"\1", word))
    return next((candidate for candidate in shorter if candidate in known), word)


def consists_of(
    text: str, meaning: str, *, beside: tuple[str, ...] = (), without: frozenset[Phrase] = frozenset()
) -> bool:
    """Whether the whole text is made of phrases with this meaning, at least one, and of filler.

    `beside`: other meanings that may stand there too ("yes, thank you"). `without`: phrases that do not count.
    """
    if len(text) > _LONGEST_TEXT:
        return False
    allowed = ("filler", *beside)
    known = _vocabulary((meaning, *allowed))
    row: list[str] = []
    for word in tokens(text):
        row.append(squeeze(word, known))
        if row[-1] not in known:
            return False
    meant, around = words(meaning) - without, _phrases(allowed)
    found, at = False, 0
    while at < len(row):
        length = _longest(row, at, meant)
        found = found or length > 0
        length = max(length, _longest(row, at, around))
        if length == 0:
            return False
        at += length
    return found


def _longest(row: list[str], at: int, phrases: frozenset[Phrase]) -> int:
    return next((n for n in range(min(5, len(row) - at), 0, -1) if tuple(row[at : at + n]) in phrases), 0)
