"""Takes persons out of stored conversations: names, numbers, addresses and ids become placeholders, and are counted.

Pure. What the organisation publishes (amounts, dates, hours, percentages) stays, or the case would be worth nothing.
It errs towards taking out too much, and cannot know every name: somebody reads the result before it is shared.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sahut.personal import PLATE, find

_SHORTEST_NAME = 3

_LINK = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
# What check digits and phone books do not know is taken out by its shape, and too much rather than too little.
# In this order: what was taken out is not looked at again.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("handle", re.compile(r"(?<![\w@])@\w{3,}")),
    (
        "address",
        re.compile(
            r"\b(?i:jalan|jln?\.?|gang|gg\.?|rua|av(?:enida|\.)|calle|plaza|praça|perumahan|komplek)\s+"
            r"[A-ZÀ-Þ0-9][\w'’-]*(?:\s+(?:[A-ZÀ-Þ][\w'’-]*|d[aeo]s?|no\.?|nº|blok|rt|rw|\d[\w/-]*))*(?:,?\s*(?:no\.?|nº)?\s*\d+\w?)?"
            r"|\b\d{1,5}\s+(?:[A-ZÀ-Þ][\w'’-]*\s+){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Square)\b"
            r"|\b(?i:rt)\s*\.?\s*\d+\s*/?\s*(?i:rw)\s*\.?\s*\d+",
        ),
    ),
    ("plate", PLATE),
    (
        "number",
        re.compile(
            r"(?<![\w.,])(?!(?:Rp|IDR|USD|US\$|R\$|€|\$)\s?)\+?\(?\d(?:[\s().-]{0,2}\d){6,}(?![\w%]|[.,]\d)",
        ),
    ),
    ("id", re.compile(r"\b(?=\w*\d)(?=\w*[A-Z])[A-Z0-9]{6,}\b|\b[A-Z]{2,}-[A-Z0-9]{3,}(?:-[A-Z0-9]+)*\b")),
)
_MONEY = re.compile(r"(?:rp|idr|usd|us\$|r\$|€|\$)\.?\s*$", re.IGNORECASE)
_GROUPED = re.compile(r"^\d{1,3}(?:[.,]\d{3})+$")
_INTRODUCED = re.compile(
    r"\b(?:(?:nama\s+(?:saya|sy|aku|lengkap)(?:\s+(?:adalah|yaitu))?|atas\s+nama|a\.?/?n\.?|saya\s+(?:bapak|ibu|pak|bu)|my\s+name\s+is|this\s+is"
    r"|i\s+am|i'm|(?:o\s+)?meu\s+nome\s+é|me\s+chamo|chamo-me|mi\s+nombre\s+es|me\s+llamo|soy|sou\s+(?:o|a)|ég\s+heiti)"
    r"|(?:pak|bapak|bu|ibu|mr|mrs|ms|sr|sra|señora?|dona|seu)\.?)[:\s]+"
    r"(?P<name>[A-ZÀ-Þ][\w'’-]+(?:\s+(?:(?:da|de|do|dos|del|la|bin|binti|van)\s+)?[A-ZÀ-Þ][\w'’-]+){0,3})",
    re.IGNORECASE,
)
_CAPITAL = re.compile(r"^[A-ZÀ-Þ]")


@dataclass
class Redactor:
    """Takes persons out of the texts of one conversation. `names` are known ones: the contact's, the operators'.

    The same thing gets the same placeholder within the conversation, as `[name 1]`, so that it can still be followed.
    """

    names: tuple[str, ...] = ()
    found: Counter[str] = field(default_factory=Counter)
    _seen: dict[tuple[str, str], str] = field(default_factory=dict)

    def redact(self, text: str) -> str:
        """The text without what names a person."""
        text = self._without_links(text)
        text = self._without_known_shapes(text)
        for kind, pattern in _PATTERNS:
            text = pattern.sub(lambda match, kind=kind: self._replaced(kind, match), text)  # type: ignore[misc]
        text = _INTRODUCED.sub(self._introduced, text)
        for name in sorted(self._known(), key=len, reverse=True):
            text = re.sub(
                rf"(?<!\w){re.escape(name)}(?!\w)", lambda match: self._place("name", match[0]), text, flags=re.I
            )
        return text

    def _without_links(self, text: str) -> str:
        """Links go whole, before a number is found inside of them."""
        return _LINK.sub(lambda match: self._place("link", match[0]), text)

    def _without_known_shapes(self, text: str) -> str:
        """What the chat model does not see either (`sahut.personal`)."""
        parts, at = [], 0
        for one in find(text, kinds=("email", "card", "id", "phone")):
            kind = "email" if one.kind == "email" else "number"
            parts += [text[at : one.start], self._place(kind, text[one.start : one.end])]
            at = one.end
        return "".join((*parts, text[at:]))

    def _known(self) -> Iterable[str]:
        """Known names, whole and word by word; those introduced in the conversation too."""
        said = [value for (kind, value) in self._seen if kind == "name"]
        for name in (*self.names, *said):
            for part in (name, *name.split()):
                if len(part) >= _SHORTEST_NAME:
                    yield part

    def _replaced(self, kind: str, match: re.Match[str]) -> str:
        before = match.string[: match.start()]
        if kind == "number" and (_MONEY.search(before) or _GROUPED.match(match[0])):
            return match[0]
        return self._place(kind, match[0])

    def _introduced(self, match: re.Match[str]) -> str:
        name = match["name"]
        if not _CAPITAL.match(name):
            return match[0]
        return match[0][: match.start("name") - match.start()] + self._place("name", name)

    def _place(self, kind: str, value: str) -> str:
        key = (kind, value.casefold())
        if key not in self._seen:
            number = sum(known == kind for known, _ in self._seen) + 1
            self._seen[key] = f"[{kind} {number}]"
        self.found[kind] += 1
        return self._seen[key]
