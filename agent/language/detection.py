"""Names the language of a message; knows nothing of what is said in it.

Statistics over bytes (py3langid) are right for sentences and guess for greetings, so that telling letters,
frequent small words and the conversation's language so far weigh in, the more the shorter the text is.
"""

import math
import re
from functools import lru_cache

from agent.language.words import tokens, words
from knowledge.language import identifier

PREFERRED = ("id", "en", "pt", "es", "is")

# Other major languages that a text may clearly be in. Close relatives of the customers' languages (Malay,
# Galician, Catalan, Faroese) are left out unless they are preferred: they would only take texts away from them.
MAJOR = (
    *("ar", "bg", "bn", "cs", "da", "de", "el", "fa", "fi", "fr", "he", "hi", "hu", "it", "ja", "ko", "nl", "no"),
    *("pl", "ro", "ru", "sv", "ta", "th", "tl", "tr", "uk", "ur", "vi", "zh"),
)

# All in natural-logarithm units, added to py3langid's log-probability.
_PREFERRED_BONUS = 1.0
_HINT_BONUS = 2.5
_WORD_BONUS = 1.0
_OWN_WORD_BONUS = 3.0  # a word that only one of the lists has
_LETTER_BONUS = 2.5
_SHORT_WORDS = 3  # up to here the hint counts in full; beyond it fades
_MOST_WORD_HITS = 4
_MOST_CHARACTERS = 400

_NOT_LANGUAGE = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+|[@#]\w+|\b[A-Z]{1,3}-[A-Z0-9]{4,}\b|\b[a-z]{1,3}-(?=\w*\d)\w{4,}\b|\d+"
)
_LETTER = re.compile(r"[^\W\d_]")
_TELLING_LETTERS = {
    "is": re.compile(r"[ðþ]"),
    "pt": re.compile(r"[ãõ]"),
    "es": re.compile(r"[ñ¿¡]"),
}
_FLOOR = 1e-9


@lru_cache(maxsize=1)
def _common() -> dict[str, frozenset[str]]:
    meanings = ("common", "greeting", "thanks", "goodbye", "yes", "no")
    return {
        code: frozenset(word for meaning in meanings for phrase in words(meaning, code) for word in phrase)
        for code in PREFERRED
    }


def detect(text: str, *, hint: str | None = None, preferred: tuple[str, ...] = PREFERRED) -> str:
    """The ISO 639-1 code of the text's language.

    `hint` is the conversation's language so far and decides where the text does not (numbers, emoji, "ok");
    without one, the first of `preferred` does.
    """
    fallback = hint or (preferred[0] if preferred else "en")
    plain = _NOT_LANGUAGE.sub(" ", text[:_MOST_CHARACTERS]).strip()
    row = tokens(plain)
    if not row or not _LETTER.search(plain):
        return fallback
    scores = _statistics(plain, preferred)
    for code, bonus in _evidence(plain.casefold(), row).items():
        if code in scores:
            scores[code] += bonus
    if hint in scores:
        scores[hint] += _HINT_BONUS * min(1.0, _SHORT_WORDS / len(row))
    return max(scores, key=scores.__getitem__, default=fallback)


def _statistics(plain: str, preferred: tuple[str, ...]) -> dict[str, float]:
    ranked = identifier(frozenset(MAJOR) | frozenset(preferred)).rank(plain)
    return {
        code: math.log(max(probability, _FLOOR)) + (_PREFERRED_BONUS if code in preferred else 0.0)
        for code, probability in ranked
    }


def _evidence(plain: str, row: list[str]) -> dict[str, float]:
    """What letters and little words say, for the five languages that Sahut has lists for."""
    fade = min(1.0, 2 * _SHORT_WORDS / len(row))
    found = {}
    for code, common in _common().items():
        hits = sorted((_weight(word) for word in row if word in common), reverse=True)[:_MOST_WORD_HITS]
        telling = _TELLING_LETTERS.get(code)
        letters = _LETTER_BONUS if telling and telling.search(plain) else 0.0
        found[code] = (sum(hits) + letters) * fade
    return found


@lru_cache(maxsize=4096)
def _weight(word: str) -> float:
    return _OWN_WORD_BONUS if sum(word in common for common in _common().values()) == 1 else _WORD_BONUS
