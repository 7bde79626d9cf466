"""What the assistant itself says, in five languages, and the small talk it understands; decides nothing."""

import re
import tomllib
from functools import cache
from typing import Literal, get_args

from agent.language.words import DATA, Phrase, consists_of, tokens, words
from sahut.turn import Reason

Key = Literal[
    "greeting",
    "thanks_reply",
    "goodbye",
    "acknowledgement",
    "acknowledgement_asked_for_human",
    "acknowledgement_no_answer",
    "open_part",
    "left_open",
    "acknowledgement_media",
    "acknowledgement_sensitive",
    "acknowledgement_distress",
    "acknowledgement_failed",
    "acknowledgement_approval",
    "acknowledgement_identity",
    "notice",
    "clarify",
    "which",
    "out_of_scope",
    "quote_frame",
    "quote_frame_across",
    "confirm",
    "confirm_yes",
    "confirm_no",
    "cancelled",
    "closed_question",
    "done",
    "opted_out",
    "no_calls",
    "please_type",
    "unsupported_kind",
    "form_begin",
    "form_summary",
    "form_send",
    "form_change",
    "form_cancel",
    "form_skip",
    "form_yes",
    "form_no",
    "form_list",
    "form_which",
    "form_sent",
    "form_cancelled",
    "form_noted",
    "form_kept",
    "form_other",
    "form_unanswered",
    "form_first",
    "form_needed",
    "form_blank",
    "form_received",
    "form_press",
    "form_media",
    "form_wants_photo",
    "form_wants_text",
    "form_too_short",
    "form_too_long",
    "form_wants_number",
    "form_wants_whole",
    "form_least",
    "form_most",
    "form_wants_date",
    "form_earliest",
    "form_latest",
    "form_wants_choice",
    "form_wants_yes_no",
    "form_wants_phone",
    "form_wants_email",
    "form_wants_shape",
    "closing",
    "closing_tracking",
    "closing_question",
    "closing_good",
    "closing_fair",
    "closing_bad",
    "rating_thanks",
    "comment_thanks",
    "correction",
    "correction_gone",
]
KEYS: tuple[Key, ...] = get_args(Key)
LANGUAGES = ("id", "en", "pt", "es", "is")
FALLBACK = "en"
BUTTON_TITLE_LENGTH = 20

_LAUGHTER = re.compile(r"\b(?:a?(?:h[aei]){2,}h?|(?:wk){2,}w?|(?:j[aei]){2,}j?|k{3,}|(?:rs){2,}|lol)\b")

_ACKNOWLEDGEMENTS: dict[str, Key] = {
    "asked_for_human": "acknowledgement_asked_for_human",
    "no_answer": "acknowledgement_no_answer",
    "low_confidence": "acknowledgement_no_answer",
    "media": "acknowledgement_media",
    "sensitive": "acknowledgement_sensitive",
    "tool_failed": "acknowledgement_failed",
    "model_failed": "acknowledgement_failed",
}


@cache
def _catalogue() -> dict[str, dict[str, str]]:
    table = tomllib.loads((DATA / "phrases.toml").read_text(encoding="utf-8"))
    return {key: sentences for key, sentences in table.items() if key != "language_names"}


@cache
def _language_names() -> dict[str, dict[str, str]]:
    table = tomllib.loads((DATA / "phrases.toml").read_text(encoding="utf-8"))
    names: dict[str, dict[str, str]] = table["language_names"]
    return names


def say(key: Key, language: str, **values: str) -> str:
    """The sentence in `language`, else in English. Raises `KeyError` where a value of the sentence is missing."""
    sentences = _catalogue()[key]
    return sentences.get(language, sentences[FALLBACK]).format_map(values)


def acknowledge(reason: Reason | None, language: str) -> str:
    """What a customer is told when a human takes over; empty for spam, which is never answered."""
    if reason == "spam":
        return ""
    return say(_ACKNOWLEDGEMENTS.get(reason or "", "acknowledgement"), language)


def quote_frame(title: str, language: str, source: str) -> str:
    """The sentence before a quote: in the customer's language, naming the document's where it is another one."""
    spoken = language if language in LANGUAGES else FALLBACK
    name = _language_names()[spoken].get(source)
    if source == language or name is None:
        return say("quote_frame", language, title=title)
    return say("quote_frame_across", language, title=title, source=name)


def is_yes(text: str, language: str | None = None) -> bool:
    """Whether the whole message agrees. `language` rules out another language's look-alikes."""
    return consists_of(text, "yes", beside=("thanks",), without=_look_alikes(language))


def is_no(text: str, language: str | None = None) -> bool:
    """Whether the whole message declines."""
    return consists_of(text, "no", beside=("thanks",), without=_look_alikes(language))


def is_objection(text: str) -> bool:
    """Whether the whole message says that our answer is wrong, or doubts it."""
    return consists_of(text, "objection", beside=("no",))


def is_noted(text: str, language: str | None = None) -> bool:
    """Whether the whole message only takes note ("oke pak", "hahaha", an emoji), with a yes or no or without."""
    beside = ("noted", "yes", "no", "thanks", "greeting")
    without = _look_alikes(language)
    plain = " ".join(_LAUGHTER.sub(" ", text.casefold()).split())
    if plain != text.casefold().strip() and not any(map(str.isalnum, plain)):
        return True
    return any(
        consists_of(plain, meaning, beside=tuple(other for other in beside if other != meaning), without=without)
        for meaning in ("noted", "yes", "no")
    )


def is_greeting(text: str) -> bool:
    """Whether the message only greets."""
    return consists_of(text, "greeting")


def is_thanks(text: str) -> bool:
    """Whether the message only thanks."""
    return consists_of(text, "thanks", beside=("greeting",))


def is_goodbye(text: str) -> bool:
    """Whether the message only takes leave."""
    return consists_of(text, "goodbye", beside=("thanks",))


def is_opt_out(text: str) -> bool:
    """Whether the whole message is an opt-out word: nothing before it, nothing after it, not even filler."""
    return tuple(tokens(text)) in words("opt_out")


def _look_alikes(language: str | None) -> frozenset[Phrase]:
    return words("false_friends", language) if language else frozenset()
