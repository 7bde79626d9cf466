"""How long a silence ends a burst, by the shape of the message that came last. Pure; knows no clock and no setting."""

from agent.language.phrases import is_greeting
from agent.language.words import consists_of, tokens, words

# A question is complete. What is left of the wait is for a bubble that it overtook on its way.
ENDS = 0.2
# A greeting, "one more thing", a sentence that breaks off: the matter is still to come.
GOES_ON = 2.0
PLAIN = 1.0

# A tap on a button or a list is an answer, and whole.
_TAPS = frozenset({"button", "interactive"})
_QUESTION_MARKS = ("?", "？", "؟")
_BROKEN_OFF = (":", ",", "...", "…", "،", "，", "：")


def patience(kind: str, text: str) -> float:
    """The share of the usual wait after which a burst that ends with this message is answered."""
    said = text.strip()
    if kind in _TAPS:
        return ENDS
    if kind != "text" or not said:
        return PLAIN
    if is_greeting(said) or _announces(said) or _breaks_off(said):
        return GOES_ON
    return ENDS if _without_emoji(said).endswith(_QUESTION_MARKS) else PLAIN


def _announces(text: str) -> bool:
    return consists_of(text, "announcement", beside=("greeting", "thanks"))


def _breaks_off(text: str) -> bool:
    """Whether the text ends in the middle of a sentence: on a comma or a colon, or on a word that joins."""
    last = tokens(text[-80:])[-1:]
    return text.endswith(_BROKEN_OFF) or tuple(last) in words("joint")


def _without_emoji(text: str) -> str:
    """The text up to its last letter, digit or mark of punctuation."""
    end = len(text)
    while end and not (text[end - 1].isalnum() or text[end - 1] in "?？؟.!:,"):
        end -= 1
    return text[:end]
