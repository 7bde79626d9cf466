"""Looks at a message before any model does: spam, wish for a human, injection, distress, abuse; answers nothing.

What a message means (the bundled embedder's vector) and what is noticed in it (`agent.screening.signals`) add up in
log-odds (`agent.screening.evidence`). Genuine customers come first: thresholds go by what a false positive costs.
"""

import asyncio

import numpy as np
from numpy.typing import NDArray

from agent.language.detection import PREFERRED, detect
from agent.screening.evidence import KINDS, chance, shipped
from agent.screening.marks import Marks
from agent.screening.signals import Kind, Signal, signals
from knowledge.embed import LocalEmbedder
from sahut.errors import SahutError
from sahut.ports import Embedder
from sahut.turn import Label, Screening, Verdict

SPAM_THRESHOLD = 0.8
UNSURE_SHARE = 0.5  # unsure from this share of the spam threshold on
_MOST_REASONS = 5
# The embedder takes as much of a text: more would hold everybody else's questions up for seconds. Words and shapes
# are looked for in all of it.
_MOST_EMBEDDED = 2000

# Languages that the bundled embedder was measured to understand. Elsewhere its vectors are half noise, so that
# meaning counts less, and against a customer too little to matter alone.
_UNDERSTOOD = frozenset(
    ("ar", "de", "en", "es", "fr", "id", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh")
)
_NOT_UNDERSTOOD = 0.6
_MOST_NOT_UNDERSTOOD = 1.7
_TELLING = 0.7  # log-odds from which meaning is given as a reason
_ALIKE: dict[Kind, str] = {
    "spam": "resembles known spam",
    "wants_human": "sounds like a wish for a human",
    "injection": "resembles known attacks",
    "distress": "sounds like distress or danger",
    "abuse": "sounds abusive",
}


class Screen:
    """Screens messages with the bundled embedder, whose vector space the shipped weights are for.

    `marks` is the installation's own layer. Raises `ValueError` where it is given another.
    """

    def __init__(
        self,
        embedder: Embedder,
        *,
        spam_threshold: float = SPAM_THRESHOLD,
        languages: tuple[str, ...] = PREFERRED,
        marks: Marks | None = None,
    ) -> None:
        if embedder.name != shipped().space:
            raise ValueError(f"The screen was trained for {shipped().space}, not for {embedder.name}.")
        self._embedder = embedder
        self._spam_threshold = spam_threshold
        self._languages = languages
        self._marks = marks

    async def warm_up(self) -> None:
        """Load everything now, so that the first customer does not wait."""
        await self.screen("warm up")

    async def screen(
        self,
        text: str,
        *,
        hint: str | None = None,
        spam_threshold: float | None = None,
        around: tuple[Signal, ...] = (),
    ) -> Screening:
        """What the screen thinks of `text`; `hint` is the conversation's language so far.

        `spam_threshold` overrides the constructor's, for replays; `around` is what stands around the
        text. Without a working embedder words alone decide.
        """
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair is no text for a tokenizer
        if not text.strip():
            return Screening(language=detect(text, hint=hint, preferred=self._languages))
        vector = await self._vector(text)
        meaning = {kind: 0.0 if vector is None else shipped().meaning(kind, vector) for kind in KINDS}
        if self._marks is not None and vector is not None:
            leaning = (await self._marks.layer()).lean(vector)
            around = around if leaning is None else (*around, leaning)
        language = await asyncio.to_thread(detect, text, hint=hint, preferred=self._languages)
        threshold = self._spam_threshold if spam_threshold is None else spam_threshold
        return await asyncio.to_thread(assess, text, meaning, language, threshold, around=around)

    async def _vector(self, text: str) -> NDArray[np.float32] | None:
        try:
            row: NDArray[np.float32] = (await self._embedder.embed([text[:_MOST_EMBEDDED]]))[0]
        except SahutError:
            return None
        return row


def reader(embedder: Embedder) -> Embedder:
    """What the screen reads with: the bundled embedder, shared where it is the installation's own, never a server."""
    return embedder if isinstance(embedder, LocalEmbedder) else LocalEmbedder()


def assess(
    text: str,
    meaning: dict[Kind, float],
    language: str,
    spam_threshold: float,
    *,
    around: tuple[Signal, ...] = (),
) -> Screening:
    """The screening of a text, given what its meaning says for each kind (log-odds). Pure."""
    chances, reasons = {}, []
    for kind in KINDS:
        beside = around if kind == "spam" else ()
        noticed = signals(kind, text)
        likeness = trusted(meaning[kind], language)
        logit = likeness + shipped().noticed(kind, [signal.name for signal in noticed])
        chances[kind] = chance(logit + sum(signal.weight for signal in beside))
        if chances[kind] >= UNSURE_SHARE * spam_threshold:
            reasons.extend(_readable(kind, [*noticed, *beside], likeness))
    score = chances["spam"]
    verdict = Verdict(label=label(score, spam_threshold), score=score, reasons=tuple(reasons[:_MOST_REASONS]))
    rest = {kind: chances[kind] for kind in KINDS if kind != "spam"}
    return Screening(verdict=verdict, language=language, **rest)


def trusted(meaning: float, language: str) -> float:
    """How far meaning counts in a language, in log-odds."""
    return meaning if language in _UNDERSTOOD else min(_MOST_NOT_UNDERSTOOD, _NOT_UNDERSTOOD * meaning)


def label(score: float, spam_threshold: float) -> Label:
    """The verdict's word for a probability of spam."""
    if score >= spam_threshold:
        return "spam"
    return "unsure" if score >= UNSURE_SHARE * spam_threshold else "fine"


def _readable(kind: Kind, noticed: list[Signal], likeness: float) -> list[str]:
    reasons = [signal.reason for signal in noticed if signal.weight > 0]
    if likeness >= _TELLING:
        reasons.append(_ALIKE[kind])
    return reasons
