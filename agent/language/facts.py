"""The checkable facts in a text, normalised: links, telephones, dates, money, percentages, numbers, codes, streets.

Pure: it must not know where a text comes from. "Rp1.500.000", "IDR 1,500,000" and "Rp1,5 juta" are one fact; so
are "08.00", "8:00" and "8 am". A lone group of three digits is read as thousands, as in "1.500".
"""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple


class Fact(NamedTuple):
    """One fact; two texts agree on it where they have equal facts.

    `kind` is one of link, phone, date, money, percent, number, code, street.
    """

    kind: str
    value: str


def _by_word(table: dict[str, str]) -> dict[str, str]:
    return {word: meaning for meaning, words in table.items() for word in words.split()}


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_MONTHS = _by_word(
    {
        "1": "januari january janeiro enero janúar jan",
        "2": "februari february fevereiro febrero febrúar feb fev",
        "3": "maret march março marzo mars",
        "4": "april abril apríl apr abr",
        "5": "mei may maio mayo maí",
        "6": "juni june junho junio júní jun",
        "7": "juli july julho julio júlí jul",
        "8": "agustus august agosto ágúst aug ago",
        "9": "september setembro septiembre sept sep",
        "10": "oktober october outubro octubre október okt oct",
        "11": "november novembro noviembre nóvember nov",
        "12": "desember december dezembro diciembre des dec dez dic",
    }
)
_SCALES = _by_word(
    {
        "3": "ribu rb thousand mil þúsund k",
        "6": "juta jt million millions milhão milhões millón millones milljón milljónir",
        "9": "miliar milyar billion bilhão bilhões milljarður milljarðar",
    }
)
_CURRENCIES = _by_word(
    {
        "IDR": "rp idr rupiah",
        "BRL": "r$ brl reais",
        "USD": "us$ $ usd dollar dollars dólares",
        "EUR": "€ eur euro euros evrur",
        "GBP": "£ gbp pounds",
        "ISK": "isk kr króna krónur",
    }
)
# Possessive and from the beginning of a word on: what is no address must not be read again from each of its letters.
_LINK = re.compile(
    r"""https?://[^\s<>"'“”»)\]]+ | www\.[^\s<>"'“”»)\]]+ | (?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+
    | (?<![\w.-])(?:[\w-]++\.)+(?:com|org|net|info|io|app|dev|gov|edu|id|br|pt|es|is|mx|ar|co|me|ly|eu|uk)
      (?![\w-])(?:/[^\s<>"'“”»)\]]*)?""",
    re.IGNORECASE | re.VERBOSE,
)
_PHONE = re.compile(r"(?<![\w.,])(?:\+\d[\d\s()-]{6,}\d|0\d{1,4}[\s-]\d[\d\s-]{4,}\d|0\d{8,})(?!\w)")
_NAMED_MONTH = rf"(?P<name>{_any_of(_MONTHS)})\b\.?"
_DATES = (
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})\b"),
    re.compile(r"\b(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})\b"),
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.|º)?\s(?:de\s|of\s)?{_NAMED_MONTH}(?:,?\s(?:de\s)?(?P<y>\d{{4}})\b)?",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b{_NAMED_MONTH}\s(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?![.,:]\d)(?:,?\s(?P<y>\d{{4}})\b)?",
        re.IGNORECASE,
    ),
)
_NUMBER = re.compile(
    rf"""(?:(?<![^\W\d_])(?P<before>{_any_of(_CURRENCIES)})\.?\s?|(?<!\w))
    (?P<digits>\d+(?:[.,:]\d+)*)
    (?:\s?(?P<scale>{_any_of(_SCALES)})\b)?
    (?:\s?(?P<percent>%|(?:percent|persen|por\s?cento|por\sciento|prósent\w*)\b)
      |\s?(?P<half>[ap])\.?m\b
      |\s?(?P<after>{_any_of(_CURRENCIES)})(?!\w))?
    (?![^\W_])""",
    re.IGNORECASE | re.VERBOSE,
)
_CODE = re.compile(r"(?<![\w-])(?=[\w-]*(?:\d[^\W\d_]|[^\W\d_]\d))[\w-]+")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|ª|º|o|a)", re.IGNORECASE)
_HOUR_H = re.compile(r"\b(\d{1,2})h(\d{2})\b", re.IGNORECASE)
_STREET = re.compile(
    r"\b(?i:jalan|jl\.?|rua|avenida|av\.|calle|plaza|praça)\s(?P<after>[A-ZÀ-Þ]\w+(?:\s[A-ZÀ-Þ]\w+){0,5})"
    r"|\b(?P<before>[A-ZÀ-Þ]\w+(?:\s[A-ZÀ-Þ]\w+){0,5})\s(?:Street|Road|Avenue|Square)\b"
)
_DIGIT = re.compile(r"\d")


def facts(text: str) -> frozenset[Fact]:
    """Every fact the text states."""
    text = _HOUR_H.sub(r"\1:\2", " ".join(text.split()))
    found = {_street(match) for match in _STREET.finditer(text)}
    text = _take(_LINK, _link, text, found)
    if _DIGIT.search(text):  # all others have one, and most sentences none
        dates = ((date, _date) for date in _DATES)
        for pattern, read in ((_PHONE, _phone), *dates, (_NUMBER, _number), (_CODE, _code)):
            text = _take(pattern, read, text, found)
    return frozenset(found)


def implied(known: Iterable[Fact]) -> frozenset[Fact]:
    """What is said along with the known facts: 2% also states 2, a full date its day and month."""
    found = set(known)
    for fact in tuple(found):
        if fact.kind in ("money", "percent"):
            found.add(Fact("number", fact.value.rpartition(" ")[2]))
        if fact.kind == "date":
            year, month, day = fact.value.split("-")
            found.update((Fact("date", f"-{month}-{day}"), Fact("number", day), Fact("number", year)))
    return frozenset(found)


def number(digits: str) -> str:
    """The one spelling of a number: `1.500.000`, `1,500,000` and `1500000` are "1500000"; `08:30` is "8.3"."""
    digits = digits.replace(":", ".")
    groups = re.split(r"[.,]", digits)
    marks = re.findall(r"[.,]", digits)
    if len(groups) == 1:
        return _plain(digits)
    if len(set(marks)) == 1 and _thousands(groups):
        return _plain("".join(groups))
    if len(groups) == 2 or (marks[-1] not in marks[:-1] and _thousands(groups[:-1])):
        return _plain("".join(groups[:-1]) + "." + groups[-1])
    return digits


def _thousands(groups: list[str]) -> bool:
    first, *rest = groups
    return len(first) <= 3 and not first.startswith("0") and all(len(group) == 3 for group in rest)


def _plain(digits: str) -> str:
    return format(Decimal(digits).normalize(), "f")


def _take(pattern: re.Pattern[str], read: Callable[[re.Match[str]], Fact | None], text: str, found: set[Fact]) -> str:
    """Collect the facts of one pattern and blank them out, so that no part of them is read twice."""

    def blank(match: re.Match[str]) -> str:
        fact = read(match)
        if fact is None:
            return match[0]
        found.add(fact)
        return " "

    return pattern.sub(blank, text)


def _link(match: re.Match[str]) -> Fact:
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", match[0].casefold())
    return Fact("link", bare.rstrip(".,;:!?/*_"))


def _street(match: re.Match[str]) -> Fact:
    name: str = match["after"] or match["before"]
    return Fact("street", name.casefold().removesuffix(" no"))


def _phone(match: re.Match[str]) -> Fact:
    return Fact("phone", re.sub(r"\D", "", match[0]))


def _date(match: re.Match[str]) -> Fact | None:
    named = match.groupdict().get("name")
    month = int(_MONTHS[named.casefold()]) if named else int(match["m"])
    day = int(match["d"])
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return None
    return Fact("date", f"{match['y'] or ''}-{month}-{day}")


def _number(match: re.Match[str]) -> Fact:
    value = number(match["digits"])
    if match["scale"] and _is_plain(value):
        value = _plain(str(Decimal(value).scaleb(int(_SCALES[match["scale"].casefold()]))))
    if match["percent"]:
        return Fact("percent", value)
    if match["half"]:
        return Fact("number", _on_24_hours(value, match["half"]))
    mark = match["before"] or match["after"]
    if mark:
        return Fact("money", f"{_CURRENCIES[mark.casefold()]} {value}")
    return Fact("number", value)


def _is_plain(value: str) -> bool:
    return value.count(".") <= 1 and "," not in value


def _on_24_hours(value: str, half: str) -> str:
    if not _is_plain(value):
        return value
    hour = Decimal(value)
    if half.casefold() == "p" and hour < 12:
        hour += 12
    if half.casefold() == "a" and hour >= 12:
        hour -= 12
    return _plain(str(hour))


def _code(match: re.Match[str]) -> Fact | None:
    if _ORDINAL.fullmatch(match[0]):
        return Fact("number", re.sub(r"\D", "", match[0]))
    return Fact("code", match[0].casefold())
