"""Looks at a message before any model does: spam, wish for a human, prompt injection, language; answers nothing.

Words and shapes (`agent.signals`) and resemblance to example phrases (`agent.evidence`) add up in logits. Genuine
customers come first: without a readable reason resemblance alone never makes a message spam.
"""

import asyncio
import math
from dataclasses import dataclass

from agent.evidence import KINDS, Evidence, committed, examples, fit
from agent.language import PREFERRED, detect
from agent.signals import Kind, Signal, signals
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
# resemblance may speak for a customer (at half weight) and never against one.
_UNDERSTOOD = frozenset(
    ("ar", "de", "en", "es", "fr", "id", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh")
)
_NOT_UNDERSTOOD = 0.5


@dataclass(frozen=True)
class _Formula:
    """probability = sigmoid(steepness * (signals + min(cap, share * resemblance) - middle))."""

    share: float
    cap: float
    middle: float
    steepness: float
    reason: str

    def total(self, noticed: list[Signal], resemblance: float) -> float:
        return sum(signal.weight for signal in noticed) + min(self.cap, self.share * resemblance)

    def probability(self, total: float) -> float:
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, self.steepness * (total - self.middle)))))


FORMULAS: dict[Kind, _Formula] = {
    "spam": _Formula(share=0.7, cap=1.6, middle=1.05, steepness=2.4, reason="resembles known spam"),
    "wants_human": _Formula(share=0.7, cap=2.5, middle=1.1, steepness=1.5, reason="sounds like a wish for a human"),
    "injection": _Formula(share=0.7, cap=2.5, middle=0.15, steepness=1.5, reason="resembles known attacks"),
}
_TELLING_RESEMBLANCE = 0.7

# Fitting is a pure function of the vector space and the committed examples, so that one result serves the process.
_fitted: dict[str, Evidence] = {}


class Screen:
    """Screens messages with one embedder. In a vector space that nothing is committed for, the
    examples are embedded once, at the first message or `warm_up()`."""

    def __init__(
        self,
        embedder: Embedder,
        *,
        spam_threshold: float = SPAM_THRESHOLD,
        languages: tuple[str, ...] = PREFERRED,
    ) -> None:
        self._embedder = embedder
        self._spam_threshold = spam_threshold
        self._languages = languages
        self._lock = asyncio.Lock()

    async def warm_up(self) -> None:
        """Load everything now, so that the first customer does not wait."""
        await self.screen("warm up")

    async def screen(self, text: str, *, hint: str | None = None, spam_threshold: float | None = None) -> Screening:
        """What the screen thinks of `text`; `hint` is the conversation's language so far.

        `spam_threshold` overrides the constructor's, for replays. Without a working embedder words alone decide.
        """
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair is no text for a tokenizer
        if not text.strip():
            return Screening(language=detect(text, hint=hint, preferred=self._languages))
        resemblance = await self._resemblance(text)
        language = await asyncio.to_thread(detect, text, hint=hint, preferred=self._languages)
        threshold = self._spam_threshold if spam_threshold is None else spam_threshold
        return await asyncio.to_thread(assess, text, resemblance, language, threshold)

    async def _resemblance(self, text: str) -> dict[Kind, float]:
        try:
            evidence = await self._evidence()
            vectors = await self._embedder.embed([text[:_MOST_EMBEDDED]])
        except SahutError:
            return dict.fromkeys(KINDS, 0.0)
        return evidence.logits(vectors[0])

    async def _evidence(self) -> Evidence:
        async with self._lock:
            space = self._embedder.name
            if space not in _fitted:
                _fitted[space] = committed(space) or await self._fit()
            return _fitted[space]

    async def _fit(self) -> Evidence:
        known = examples()
        vectors = await self._embedder.embed([example.text for example in known])
        return await asyncio.to_thread(fit, vectors, [example.kind for example in known])


def assess(text: str, resemblance: dict[Kind, float], language: str, spam_threshold: float) -> Screening:
    """The screening of a text, given how much it resembles the examples of each kind (log-odds). Pure."""
    chances, reasons = {}, []
    for kind in KINDS:
        formula, noticed = FORMULAS[kind], signals(kind, text)
        likeness = resemblance[kind]
        if language not in _UNDERSTOOD:
            likeness = min(0.0, _NOT_UNDERSTOOD * likeness)
        chances[kind] = formula.probability(formula.total(noticed, likeness))
        if chances[kind] >= UNSURE_SHARE * spam_threshold:
            reasons.extend(_readable(formula, noticed, likeness))
    score = chances["spam"]
    verdict = Verdict(label=label(score, spam_threshold), score=score, reasons=tuple(reasons[:_MOST_REASONS]))
    return Screening(
        verdict=verdict, injection=chances["injection"], wants_human=chances["wants_human"], language=language
    )


def label(score: float, spam_threshold: float) -> Label:
    """The verdict's word for a probability of spam."""
    if score >= spam_threshold:
        return "spam"
    return "unsure" if score >= UNSURE_SHARE * spam_threshold else "fine"


def _readable(formula: _Formula, noticed: list[Signal], likeness: float) -> list[str]:
    reasons = [signal.reason for signal in noticed if signal.weight > 0]
    if formula.share * likeness >= _TELLING_RESEMBLANCE:
        reasons.append(formula.reason)
    return reasons
