"""Reads a burst before anything is looked up: its kind, what it answers, what it asks. Pure; decides nothing."""

import re
from functools import cache
from typing import Literal

from agent.language.concepts import meaning, telling
from agent.language.phrases import (
    LANGUAGES,
    Key,
    is_goodbye,
    is_greeting,
    is_no,
    is_noted,
    is_objection,
    is_opt_out,
    is_thanks,
    is_yes,
    say,
)
from agent.language.sought import sought
from agent.language.words import consists_of, tokens, words
from sahut import rules
from sahut.forms import ROW_TITLE
from sahut.text import cut
from sahut.toolcall import NO, YES
from sahut.turn import Incoming, Line, Turn

# Nothing is asked by these, so nothing is answered.
SILENT_KINDS = rules.SILENT_KINDS | {"sticker"}
# All that these say is their text.
TEXT_KINDS = frozenset({"text", "button", "interactive"})
_OFFERED = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
# Our questions that no yes or no answers.
_OFFERS: tuple[Key, ...] = ("greeting", "cancelled", "done")
# A message of so few words may lean on the question before it, or be too little to look anything up.
FEW_WORDS = 3
# One that opens like a continuation ("and for ...") may be this long.
FOLLOW_UP_WORDS = 7
# From so many words on even a form's answer tells in which language it is written.
A_SENTENCE = 8


def language(detected: str, turn: Turn) -> str:
    """The language of the reply: the message's where we speak it, else the conversation's, else English."""
    spoken = turn.guidance.languages
    told = (
        (turn.language, detected)
        if turn.language and (_is_answer(turn) or is_aside(turn))
        else (detected, turn.language)
    )
    for code in (*told, "en", *spoken):
        if code in spoken:
            return code
    return "en"


def _is_answer(turn: Turn) -> bool:
    """Whether the burst is likely an answer to us: a name, an address or a title tells nothing of their language."""
    return picked(turn) != "" or (turn.filling is not None and len(tokens(turn.text)) < A_SENTENCE)


def confirmation_answer(turn: Turn) -> Literal["yes", "no"] | None:
    """The customer's last word on the question that waits; a burst may hold a change of mind.

    A pressed button counts for its own question alone.
    """
    for message in reversed(turn.burst):
        if _taps_another(message, turn):
            continue
        if is_yes(message.text, turn.language):
            return "yes"
        if is_no(message.text, turn.language):
            return "no"
    return None


def left_to_answer(turn: Turn) -> tuple[str, ...]:
    """The texts of the burst without a yes or no to the question that waits, or to one that waits no more."""
    texts = [one.text.strip() for one in turn.burst if one.text.strip() and not _taps_another(one, turn)]
    if turn.confirmation is None:
        return tuple(texts)
    return tuple(t for t in texts if not is_yes(t, turn.language) and not is_no(t, turn.language))


def taps_closed_question(turn: Turn) -> bool:
    """Whether a button was pressed that belongs to a question of ours that waits no more."""
    return any(_taps_another(message, turn) for message in turn.burst)


def _taps_another(message: Incoming, turn: Turn) -> bool:
    kind, mark, question = message.choice.partition(":")
    asked = turn.confirmation.id if turn.confirmation else ""
    return f"{kind}{mark}" in (YES, NO) and question != asked


def small_talk(text: str) -> Literal["greeting", "thanks_reply", "goodbye"] | None:
    """Which kind of small talk the whole message is, if it is."""
    if is_goodbye(text):
        return "goodbye"
    if is_thanks(text):
        return "thanks_reply"
    return "greeting" if is_greeting(text) else None


def has_media(turn: Turn) -> bool:
    """Whether something came that has to be looked at or listened to, with words beside it or without.

    What was heard in a voice note is words, and so is a file's text where the customer asks something beside it.
    """
    return any(not _is_read(message) for message in turn.burst if message.kind not in SILENT_KINDS | TEXT_KINDS)


def _is_read(message: Incoming) -> bool:
    return bool(message.text) and (message.kind == "audio" or message.attached != "")


def opts_out(turn: Turn) -> bool:
    """Whether every text of the burst is an opt-out word."""
    texts = [message.text for message in turn.burst if message.text.strip()]
    return bool(texts) and all(map(is_opt_out, texts))


def is_aside(turn: Turn) -> bool:
    """Whether the burst only takes note of what we said, and we had asked nothing that it could answer."""
    if turn.confirmation is not None or (asked(turn) and not asked_back(turn)):
        return False
    texts = [message.text.strip() for message in turn.burst if message.text.strip()]
    notes = [text for text in texts if not small_talk(text)]
    return bool(notes) and all(is_noted(text, turn.language) for text in notes)


def objects(turn: Turn, texts: tuple[str, ...]) -> bool:
    """Whether the burst doubts what we said last."""
    matter = [text for text in texts if not small_talk(text)]
    return bool(matter) and last_said(turn) != "" and all(map(is_objection, matter))


def says_something(message: str) -> bool:
    """Whether there is a word or number in it: a lone "?" or a row of emoji asks nothing that can be looked up."""
    return any(character.isalnum() for character in message)


def is_brief(message: str) -> bool:
    """Whether so few words were written that asking back is better than giving up."""
    return len(tokens(message)) <= FEW_WORDS


def asked_back(turn: Turn) -> bool:
    """Whether our last line was the plea for more words, or the question which of several: it is made once."""
    return any(plea in last_said(turn) for plea in _pleas())


def declined(turn: Turn) -> bool:
    """Whether our last line declined what is not ours to answer: that is said once, since we may be mistaken."""
    said = {say("out_of_scope", code, organisation=turn.guidance.organisation) for code in LANGUAGES}
    return last_said(turn) in said


def picked(turn: Turn) -> str:
    """What the burst picks of the choices that our last line offered, by number or title; empty where it picks none."""
    said = " ".join(turn.text.split()).casefold()
    offered = _OFFERED.findall(last_said(turn)) if asked_back(turn) else []
    for number, title in offered:
        if said in (title.casefold(), cut(title, ROW_TITLE).casefold()) or said.rstrip(".)") == number:
            return str(title)
    return ""


def asked(turn: Turn) -> bool:
    """Whether our last line ended with a question, other than the one whether anything else can be done."""
    said = last_said(turn).rstrip()
    return said.endswith("?") and not said.endswith(_offers())


def last_said(turn: Turn) -> str:
    """Our last line to the customer; empty where there is none."""
    return next((line.content for line in reversed(turn.history) if line.role == "assistant"), "")


def question(message: str, turn: Turn) -> str:
    """What is searched for: the message, with the customer's last question before it where it leans on that."""
    before = previous_question(turn)
    if before and (asked_back(turn) or leans(message)):
        return f"{before}\n{message}"
    return message


def leans(message: str) -> bool:
    """Whether the message only makes sense after the one before it ("and for motorcycles?", "kalau motor?")."""
    return is_brief(message) or continues(message)


def continues(message: str) -> bool:
    """Whether the message opens as a continuation ("and ...") and is short enough to be one, or names no subject."""
    row = tokens(message)
    openings = words("follow_up")
    opens = len(row) <= FOLLOW_UP_WORDS and any(tuple(row[:n]) in openings for n in (1, 2))
    return opens or names_no_subject(message)


def names_no_subject(message: str) -> bool:
    """Whether a detail is asked for and nothing says of what ("How much is the fee?", "Syaratnya apa saja?")."""
    said = set(telling(message).values())
    # "How can I pay?" is about paying, "How much do I pay?" is not.
    besides = _details() | {meaning("pay")} if "amount" in sought(message) else _details()
    return bool(said) and said <= besides


def previous_question(turn: Turn) -> str:
    """The customer's last line that was more than small talk or an answer to us; empty where there is none."""
    return next((line.content for line in reversed(turn.history) if _is_question(line)), "")


def _is_question(line: Line) -> bool:
    if line.author != "contact" or line.role != "user":
        return False
    aside = small_talk(line.content) or is_yes(line.content) or is_no(line.content)
    return not aside and says_something(line.content) and not consists_of(line.content, "filler")


@cache
def _offers() -> tuple[str, ...]:
    """The last sentence of each of our offers."""
    said = (say(key, code, organisation="-") for key in _OFFERS for code in LANGUAGES)
    return tuple(re.split(r"[.!] ", text)[-1] for text in said)


@cache
def _pleas() -> tuple[str, ...]:
    keys: tuple[Key, ...] = ("clarify", "which")
    return tuple(say(key, code) for key in keys for code in LANGUAGES)


@cache
def _details() -> frozenset[str]:
    return frozenset(meaning(word) for phrase in words("detail") for word in phrase)
