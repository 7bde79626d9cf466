"""The language of a text, as a two-letter code, from the text alone. Knows nothing of who wrote it.

A customer's message is short and needs more than this (history, country); here it only weighs evidence.
"""

import math
import threading
from typing import Any

from sahut.memory import trim

LANGUAGES = (
    *("id", "en", "pt", "es", "is", "de", "fr", "nl", "it", "tr", "pl", "ru", "ar", "zh", "ja", "ko", "th"),
    *("vi", "hi", "bn", "ta", "ur", "fa", "he", "el", "uk", "ro", "cs", "hu", "fi", "sv", "da", "no", "sw", "tl"),
)
_LOOK_AT = 4000


# What the model is narrowed to when it is loaded; "bg" is asked for where the language of a message is named.
_USUAL = frozenset((*LANGUAGES, "bg"))


class _Statistics:
    """The one model of py3langid in the process: 75 MB as it comes, 55 MB with the languages that are asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: frozenset[str] = frozenset()
        self._narrowed: dict[frozenset[str], Any] = {}

    def among(self, codes: frozenset[str]) -> Any:
        """An identifier that chooses among these languages, as far as the model knows them."""
        with self._lock:
            if not codes <= self._known:
                self._known = codes.union(_USUAL, self._known)
                # The others are made again from the new model when they are asked for, so that one stays in memory.
                self._narrowed = {self._known: self._loaded()}
            if codes not in self._narrowed:
                self._narrowed[codes] = _narrow(self._narrowed[self._known], codes)
            return self._narrowed[codes]

    def _loaded(self) -> Any:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        model = _narrow(LanguageIdentifier.from_model_file(MODEL_FILE), self._known)
        trim()
        return model


def _narrow(model: Any, codes: frozenset[str]) -> Any:
    """The model for fewer languages: its tables are shared, what was only for the others is let go."""
    model.set_languages(sorted(codes & set(model.labels)))
    kept = (model.nb_ptc, model.nb_pc, model.nb_classes, model.tk_nextmove, model.tk_output)
    model.set_languages()
    return type(model)(*kept, norm_probs=True, tk_row=model.tk_row)


_STATISTICS = _Statistics()


def identifier(codes: frozenset[str]) -> Any:
    """Ranks these languages (two-letter codes) for a text by its bytes; those that it does not know are left out."""
    return _STATISTICS.among(codes)


def _identifier() -> Any:
    return identifier(frozenset(LANGUAGES))


def language_of(text: str) -> str:
    """The likeliest of `LANGUAGES` for a passage of some length; about 0.1 ms a kilobyte."""
    return str(_identifier().classify(text[:_LOOK_AT])[0])


def language_chances(text: str) -> dict[str, float]:
    """Each of `LANGUAGES` with its probability; empty where the text has no letters to tell by."""
    if not any(character.isalpha() for character in text):
        return {}
    chances = {str(code): float(chance) for code, chance in _identifier().rank(text[:_LOOK_AT])}
    return chances if all(math.isfinite(chance) for chance in chances.values()) else {}


# Languages that the Universal Sentence Encoder was made for, and Indonesian, which it was measured to understand.
_READ_BY_SENTENCE = frozenset(
    ("ar", "de", "en", "es", "fr", "id", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh")
)
# Measured on 40 Icelandic questions over English passages: recall at 1 of .42, where Indonesian, Portuguese and
# Spanish have .82 to .88 (docs/retrieval.md). Languages that nobody measured are not listed.
_STRAINED = frozenset(("is",))


def understood(chances: dict[str, float]) -> float:
    """The probability that the sentence reader understands a text of these `language_chances`."""
    return sum(chance for code, chance in chances.items() if code in _READ_BY_SENTENCE) if chances else 1.0


def strained(chances: dict[str, float]) -> float:
    """The probability that the text is in a language whose questions are not found across languages."""
    return sum(chance for code, chance in chances.items() if code in _STRAINED)
