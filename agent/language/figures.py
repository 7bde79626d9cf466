"""Numbers as people write them in five languages ("Rp 250.000", "1,5 juta"), read and written; pure."""

import re
from functools import cache

from agent.language.words import words

_MOST_DIGITS = 15
_GROUPED = re.compile(r"\d{1,3}(?:([.,' ])\d{3})(?:\1\d{3})*")
_SIGNS = r"(?:rp\.?|idr|us\$|r\$|[$€£]|usd|eur|isk|kr\.?)"


def numbers_in(text: str, language: str) -> list[tuple[float, bool]]:
    """Every number in a text, with whether the text says nothing else but a currency."""
    bare = text.strip(" .,;!?")
    found = []
    for match in _pattern().finditer(text):
        value = _value(match["number"], language)
        if value is not None:
            whole = match.group(0).strip(" .,") == bare
            found.append((value * _times(match["times"]), whole))
    return found


def written(value: float, language: str) -> str:
    """The number with the language's separators, without needless decimals."""
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6f}".rstrip("0")
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))


def _value(digits: str, language: str) -> float | None:
    """Groups of three are thousands, except after an English point; any other separator is the decimal one."""
    plain = digits.replace("'", "").replace(" ", "")
    if sum(map(str.isdigit, plain)) > _MOST_DIGITS:
        return None
    last = max(plain.rfind("."), plain.rfind(","))
    if last < 0:
        return float(plain)
    mark, other = plain[last], "," if plain[last] == "." else "."
    decimal = other in plain or not _GROUPED.fullmatch(plain) or (language == "en" and mark == ".")
    if decimal and plain.count(mark) == 1:
        return float(plain.replace(other, "").replace(mark, "."))
    return float(plain.replace(other, "").replace(mark, ""))


def _times(word: str | None) -> int:
    if not word:
        return 1
    return 1_000_000 if (word.casefold(),) in words("million") else 1_000


@cache
def _pattern() -> re.Pattern[str]:
    times = "|".join(sorted((phrase[0] for name in ("thousand", "million") for phrase in words(name)), key=len)[::-1])
    return re.compile(
        rf"(?:{_SIGNS}\s*)?(?<![\w.,])(?P<number>-?\d+(?:[.,' ]\d{{3}}(?!\d))*(?:[.,]\d+)?)"
        rf"(?:\s*(?P<times>{times})\b)?(?:\s*{_SIGNS})?(?!\w)",
        re.IGNORECASE,
    )
