"""What kind of thing a question seeks (a place, a sum, a time) and which kinds a sentence holds. Pure.

"Where is the office?" is not answered by a sentence about the office that names no place. Must not know a document.
"""

import re
from functools import cache, lru_cache
from typing import Literal, get_args

from agent.language.concepts import told
from agent.language.facts import facts
from agent.language.words import tokens, words

Kind = Literal["place", "amount", "duration", "time", "phone", "email"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_LONGEST = 3  # tokens of a phrase that tells a kind
# Words like "office", "fee" or "phone" tell what is sought when they stand almost alone ("late fee?"); in a sentence
# that asks yes or no ("Can I pay the fee in cash?") they only tell what it is about.
_SPOKEN_OF: frozenset[Kind] = frozenset({"place", "amount", "phone", "email"})
_FEW = 4  # tokens that stand almost alone
_PERHAPS = 0.5
_REMEMBERED = 4096  # sentences: the same ones are looked at for one customer after the other
_DAYS = frozenset(
    {"=monday", "=tuesday", "=wednesday", "=thursday", "=friday", "=saturday", "=sunday"},
)
_CLOCK = re.compile(
    r"\b\d{1,2}[:.h][0-5]\d\b(?!%)|\b\d{1,2}\s?[ap]\.?m\b|\b(?:pukul|jam|klukkan|kl\.)\s\d", re.IGNORECASE
)
# "at Teluk Jati", "di Terminal Bukit Sela": a name behind a word of place.
_NAMED_PLACE = re.compile(r"\b(?:at|in|di|ke|em|no|na|en|á|í)\s(?:the\s|o\s|a\s|el\s|la\s)?[A-ZÀ-Þ][\w-]{2,}")


def sought(question: str) -> frozenset[Kind]:
    """The kinds of thing that would answer; empty where the words do not tell."""
    row = tokens(question)
    grams = {tuple(row[at : at + n]) for at in range(len(row)) for n in range(1, _LONGEST + 1)}
    found = {kind for kind in KINDS if grams & words(f"asks_{kind}")}
    if len(row) > _FEW and not grams & words("question"):
        found -= _SPOKEN_OF
    # An e-mail address is no place.
    return frozenset(found - {"place"} if "email" in found else found)


def held(sentence: str) -> frozenset[Kind]:
    """The kinds of thing that a sentence of a document names."""
    return _read(sentence)[0]


def named(kinds: frozenset[Kind], sentence: str) -> float:
    """How surely the sentence names a thing of one of these kinds, 0 to 1.

    A street says where something is; a name behind a word of place may only say where something is done.
    """
    there, has_street = _read(sentence)
    return _PERHAPS if kinds & there == {"place"} and not has_street else float(bool(kinds & there))


@lru_cache(_REMEMBERED)
def _read(sentence: str) -> tuple[frozenset[Kind], bool]:
    """The kinds that a sentence names, and whether a street is among its places."""
    stated = facts(sentence)
    kinds = {fact.kind for fact in stated}
    has_street = "street" in kinds
    found: set[Kind] = set()
    if has_street or _NAMED_PLACE.search(sentence):
        found.add("place")
    if kinds & {"money", "percent"}:
        found.add("amount")
    if _states_duration(sentence):
        found.add("duration")
    if "date" in kinds or _CLOCK.search(sentence) or told(sentence) & _DAYS:
        found.add("time")
    if "phone" in kinds:
        found.add("phone")
    if any(fact.kind == "link" and "@" in fact.value for fact in stated):
        found.add("email")
    return frozenset(found), has_street


def _states_duration(sentence: str) -> bool:
    """Whether a number stands before a unit of time, perhaps with one word between ("5 working days")."""
    row = tokens(sentence)
    units, numbers = _one_word("time_unit"), _one_word("number_word")
    counted = (at for at, word in enumerate(row) if word.isdigit() or word in numbers)
    return any(units & set(row[at + 1 : at + 3]) for at in counted)


@cache
def _one_word(meaning: str) -> frozenset[str]:
    return frozenset(phrase[0] for phrase in words(meaning) if len(phrase) == 1)
