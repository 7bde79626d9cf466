"""Takes out of a draft what must not leave the house, whatever it claims to stand on. Pure: knows no model.

Our own rules, word for word, and pleas for the customer's secrets. What is said in other words is not found here: no
secret stands in a prompt, and no plea leads to an act.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from agent.checking.check import results_of
from agent.language.words import tokens
from agent.prompts import SYSTEM
from sahut.brief import Sentence
from sahut.found import Passage
from sahut.toolcall import ToolCall

# So many words of ours in a row are no accident.
RUN = 8
_SECRET = re.compile(
    r"\b(?:pin|otp|cvv|cvc|password|passcode|one[- ]time (?:code|password)|kata sandi|sandi|kode (?:otp|verifikasi)"
    r"|senha|palavra-passe|contraseña|clave|lykilorð\w*|pin-(?:númer|code|kode)\w*)\b",
    re.IGNORECASE,
)

Runs = frozenset[tuple[str, ...]]


def without_leaks(
    sentences: Sequence[Sentence], passages: Sequence[Passage], calls: Sequence[ToolCall], persona: str
) -> tuple[Sentence, ...]:
    """The sentences that neither repeat our rules (a long run may span several) nor ask for a secret.

    A secret may be named where a source names it ("never tell anybody your PIN"), in what is no question.
    """
    sources = [*(passage.text for passage in passages), *results_of(calls).values()]
    told = _told(sentences, _runs(persona), sources)
    known = {word.casefold() for source in sources for word in _SECRET.findall(source)}
    return tuple(
        sentence
        for at, sentence in enumerate(sentences)
        if at not in told and not _asks_for_secret(sentence.text, known)
    )


def tells_rules(text: str, persona: str) -> bool:
    """Whether a text repeats a run of our own rules."""
    return not _runs(persona).isdisjoint(_windows(tokens(text)))


def _asks_for_secret(text: str, known: set[str]) -> bool:
    named = {word.casefold() for word in _SECRET.findall(text)}
    return bool(named) and ("?" in text or not named <= known)


def _told(sentences: Sequence[Sentence], ours: Runs, sources: Sequence[str]) -> set[int]:
    """Which sentences hold a part of a run of our own words that stands in no source."""
    stream = [(word, at) for at, sentence in enumerate(sentences) for word in tokens(sentence.text)]
    quoted = {run for source in sources for run in _windows(tokens(source))}
    found: set[int] = set()
    for start in range(len(stream) - RUN + 1):
        window = stream[start : start + RUN]
        run = tuple(word for word, _ in window)
        if run in ours and run not in quoted:
            found |= {at for _, at in window}
    return found


@lru_cache(maxsize=16)
def _runs(persona: str) -> Runs:
    return frozenset((*_windows(tokens(SYSTEM)), *_windows(tokens(persona))))


def _windows(row: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(row[at : at + RUN]) for at in range(len(row) - RUN + 1)]
