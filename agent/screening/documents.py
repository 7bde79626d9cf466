"""Whether a passage of a document speaks to an assistant instead of to a reader; knows no document and no store.

Documents are data: whatever they say, nothing in them can call a tool or change a rule. This only tells a human
where somebody has tried. Only the plainest signs count, since a handbook is full of orders ("show your card").
"""

import re

from agent.screening.signals import normal, signals, windows

_OVERRIDE = "override"
_ASSISTANT = r"(?:an? |the |any |all )?(?:(?:ai|virtual) (?:assistants?|agents?)|ai|llms?|chat ?bots?|language models?)"
_ROMANCE = r"(?:o |a |el |la )?(?:ass?istente (?:de ia|virtual)|ia|chatbot|modelo de (?:linguagem|lenguaje))"
_ADDRESSED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:notes?|messages?|instructions?|attention|important|hints?) (?:to|for):? {_ASSISTANT}\b",
        rf"\bif you are {_ASSISTANT}\b",
        r"\b(?:call|invoke|execute|trigger) (?:the |your )?(?:\w+ )?(?:tool|function)\b",
        r"\b(?:do not|don’t|never) (?:tell|mention)\b.{0,40}\b(?:user|customer)s?\b.{0,60}\b(?:instruction|prompt)",
        r"\b(?:untuk|kepada|perhatian|instruksi (?:untuk|bagi)):? (?:asisten (?:ai|virtual)|chatbot|model bahasa|ai)\b",
        rf"\b(?:para|nota para|aten[cç][aã]o|atenci[oó]n),?:? {_ROMANCE}\b",
        r"\b(?:til|fyrirmæli til) (?:gervigreindar\w*|spjallmenni\w*|mállíkan\w*)\b",
    )
)


def speaks_to_assistant(text: str) -> bool:
    """Whether the passage tries to instruct whoever reads it for somebody else. Pure and bounded in time."""
    if any(signal.name == _OVERRIDE for signal in signals("injection", text)):
        return True
    parts = windows(normal(text))
    return any(pattern.search(part) for pattern in _ADDRESSED for part in parts)
