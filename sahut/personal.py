"""Finds personal data in a text: e-mail addresses, phone numbers, cards, identity numbers, plates. Pure.

Check digits and libphonenumber decide, so that prices, dates, hours and article numbers are left alone. Takes nothing
out itself, and knows neither models nor conversations.
"""

import re
from collections.abc import Callable, Collection, Iterator
from datetime import date
from itertools import cycle, islice
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from phonenumbers import PhoneNumberMatch

Kind = Literal["email", "card", "id", "phone", "plate"]
KINDS: tuple[Kind, ...] = get_args(Kind)

EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
PLATE = re.compile(r"\b[A-Z]{1,2}[ -]?\d{3,4}[ -]?[A-Z]{1,3}\b|\b[A-Z]{3}[ -]?\d[A-Z0-9]\d{2}\b")

# Whose national numbers are known in a conversation's languages. Numbers with a country code are known everywhere.
_REGIONS = {
    "id": ("ID",),
    "pt": ("BR", "PT"),
    "es": ("ES", "MX", "AR", "CO", "CL", "PE"),
    "en": ("US", "GB"),
    "is": ("IS",),
}
# 10 to 19 digits, as people group them; an alphanumeric CNPJ (from July 2026) beside them.
_LONG = re.compile(r"(?<![\w.,/+-])\d(?:[ .-]?\d){9,18}(?![\w%]|[.,/-]\d)")
_CNPJ = re.compile(r"(?<![\w.,/-])[A-Z0-9]{2}\.?[A-Z0-9]{3}\.?[A-Z0-9]{3}/?[A-Z0-9]{4}-?\d{2}(?![\w-])")
_MANY_DIGITS = re.compile(r"\d(?:\D{0,3}\d){6}")
_MONEY = re.compile(r"(?:rp|idr|usd|us\$|r\$|eur|isk|kr|[€$£])\.?\s*$", re.IGNORECASE)
_PRICED = re.compile(r"\s*(?:kr|isk|euros?|reais|rupiah|rb|ribu|juta|usd|idr|[%€])(?!\w)", re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}(?:[., ]\d{3})+(?:[.,]\d{1,2})?")
_DATED = re.compile(r"(?:19|20)\d\d[-. ]?\d\d[-. ]?\d\d|\d\d?[-. ]\d\d?[-. ](?:19|20)\d\d(?:[-. ]\d\d){0,2}")
_PHONE_WORD = re.compile(
    r"\b(?:phone|tel\w*|whatsapp|wa|hp|handphone|ponsel|sím\w*|fone|celular|móvil|mobile|nomor saya|my number)"
    r"\W{1,3}(?:\w+\W+){0,3}$",
    re.IGNORECASE,
)
# The two digits that the ministry of the interior gives a province.
_PROVINCE = re.compile(r"1[1-9]|21|3[1-6]|5[1-3]|6[1-5]|7[1-6]|8[12]|9[1-7]")
_ROW = re.compile(r"\+?\(?\d(?:[ ().-]{0,2}\d){15,}")
_PART_OF_CODE = re.compile(r"[\w#/-]$")
_SHORT = 7
_NUMBER = re.compile(r"\+?\(?\d(?:[ ().-]{0,2}\d){6,}")
_MOST_STRETCHES = 100
# libphonenumber takes half a millisecond a digit over all regions. So many digits of a text are looked at one by one;
# whoever sends more has every long number hidden that is no price or date.
_MOST_DIGITS = 600
_IN_NUMBERS = "0123456789 ().,+/-"
# Escapes of a JSON text stand before its words as letters would, and invisible characters inside a number.
_ESCAPED = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")
_INVISIBLE = str.maketrans(dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", "-"))


class Found(NamedTuple):
    """One value: `text[start:end]`, in code points."""

    kind: Kind
    start: int
    end: int


def find(text: str, *, kinds: Collection[str] = KINDS, languages: Collection[str] = tuple(_REGIONS)) -> list[Found]:
    """The personal data of these kinds in a text, in its order and never overlapping.

    `languages` say whose national phone numbers are known; those with a country code always are.
    """
    read = _ESCAPED.sub(lambda match: " " * len(match[0]), text).translate(_INVISIBLE)
    finders: dict[str, Callable[[], Iterator[Found]]] = {
        "email": lambda: _matches("email", EMAIL, read),
        "card": lambda: _numbers("card", read, _is_card),
        "id": lambda: _ids(read),
        "phone": lambda: _phones(read, languages),
        "plate": lambda: _matches("plate", PLATE, read),
    }
    kept, taken = [], bytearray(len(read))
    for kind in KINDS:
        for one in finders[kind]() if kind in kinds else ():
            if not any(taken[one.start : one.end]):
                taken[one.start : one.end] = b"1" * (one.end - one.start)
                kept.append(one)
    return sorted(kept, key=lambda one: one.start)


def essence(kind: str, value: str) -> str:
    """What two ways of writing the same value have in common."""
    if kind in ("email", "plate"):
        return "".join(value.split()).casefold()
    return "".join(sign.upper() for sign in value if sign.isalnum())


def _matches(kind: Kind, pattern: re.Pattern[str], text: str) -> Iterator[Found]:
    return (Found(kind, *match.span()) for match in pattern.finditer(text))


def _numbers(kind: Kind, text: str, is_one: Callable[[str], bool]) -> Iterator[Found]:
    """Long numbers that a rule accepts, also where another number stands right behind."""
    for match in _LONG.finditer(text):
        if _is_money(text, *match.span()) or _GROUPED.fullmatch(match[0]):
            continue
        ends = [match.end(), *(match.start() + at.start() for at in re.finditer(r" ", match[0]))]
        for end in ends:
            if is_one("".join(filter(str.isdigit, text[match.start() : end]))):
                yield Found(kind, match.start(), end)
                break


def _ids(text: str) -> Iterator[Found]:
    yield from _numbers("id", text, lambda digits: _is_nik(digits) or _is_cpf(digits) or _is_kennitala(digits))
    for match in _CNPJ.finditer(text):
        if _is_cnpj(essence("id", match[0])):
            yield Found("id", *match.span())


def _phones(text: str, languages: Collection[str]) -> Iterator[Found]:
    if not _MANY_DIGITS.search(text):
        return
    from phonenumbers import PhoneNumberMatcher

    regions: list[str | None] = [region for code in languages for region in _REGIONS.get(code, ())]
    until = _read_until(text)
    stretches = looked_at(text)
    for region in regions or [None]:
        for start, end in stretches:
            for match in PhoneNumberMatcher(text[start:end], region):
                at = start + match.start
                if _is_written_as_phone(text, at, match):
                    yield Found("phone", at, at + len(match.raw_string))
    for row in _NUMBER.finditer(text, until):
        if not (_GROUPED.fullmatch(row[0]) or _DATED.fullmatch(row[0]) or _is_money(text, *row.span())):
            yield Found("phone", *row.span())


def _read_until(text: str) -> int:
    """Where the numbers end that are looked at one by one: before the one that would be too much."""
    last = next(islice(re.finditer(r"\d", text), _MOST_DIGITS, None), None)
    return len(text) if last is None else len(text[: last.start()].rstrip(_IN_NUMBERS))


def looked_at(text: str) -> list[tuple[int, int]]:
    """The stretches that libphonenumber is given, as offsets: its work for one region is their length together."""
    return list(islice(_stretches(text[: _read_until(text)]), _MOST_STRETCHES))


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """The whole text, then what may begin a number inside a row of several, which a matcher takes for one."""
    yield 0, len(text)
    for row in _ROW.finditer(text):
        gaps = [0, *(gap.end() for gap in re.finditer(r" +", row[0])), len(row[0])]
        for at, start in enumerate(gaps[:-1]):
            for end in gaps[at + 1 : at + 6]:
                yield row.start() + start, row.start() + end


def _is_written_as_phone(text: str, start: int, match: "PhoneNumberMatch") -> bool:
    """Whether nobody would take it for a price, a date or an order's number.

    It is marked by +, 0 or groups, is surely a mobile, or words before it say what it is.
    """
    from phonenumbers import PhoneNumberType, number_type

    raw, before = match.raw_string, text[max(0, start - 60) : start]
    if "/" in raw or _DATED.fullmatch(raw) or _is_money(text, start, start + len(raw)):
        return False
    if raw[0] in "+0(" or _PHONE_WORD.search(before):
        return True
    if _GROUPED.fullmatch(raw) or _PART_OF_CODE.search(before):
        return False
    if len(essence("phone", raw)) <= _SHORT:
        return "-" in raw
    return not raw.isdigit() or number_type(match.number) == PhoneNumberType.MOBILE


def _is_money(text: str, start: int, end: int) -> bool:
    """Whether a currency or a percent sign stands beside it."""
    return bool(_MONEY.search(text[max(0, start - 8) : start]) or _PRICED.match(text, end))


def _is_card(digits: str) -> bool:
    """A payment card: the issuers' first digits and lengths (ISO/IEC 7812), and Luhn's check digit."""
    lengths: tuple[int, ...] = ()
    if digits[0] == "4":
        lengths = (13, 16, 19)
    elif "51" <= digits[:2] <= "55" or "2221" <= digits[:4] <= "2720":
        lengths = (16,)
    elif digits[:2] in ("34", "37"):
        lengths = (15,)
    elif digits[:2] in ("30", "36", "38", "39"):
        lengths = (14,)
    elif digits[0] == "6" or digits[:2] in ("35", "50"):
        lengths = (16, 19)
    return len(digits) in lengths and _luhn(digits)


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * factor for digit, factor in zip(reversed(digits), cycle((1, 2)), strict=False)]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_nik(digits: str) -> bool:
    """An Indonesian NIK: province, regency, district, birthday (a woman's day is 40 later), a serial number."""
    if len(digits) != 16 or not _PROVINCE.match(digits) or digits[12:] == "0000":
        return False
    day, month, year = int(digits[6:8]), int(digits[8:10]), int(digits[10:12])
    return "00" not in (digits[2:4], digits[4:6]) and _is_day(day - 40 if day > 40 else day, month, 2000 + year)


def _is_cpf(digits: str) -> bool:
    """A Brazilian CPF: eleven digits of which the last two are check digits modulo 11."""
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    values = [int(digit) for digit in digits]
    return all(_modulo_11(values[:n], range(n + 1, 1, -1)) == values[n] for n in (9, 10))


def _is_cnpj(signs: str) -> bool:
    """A Brazilian CNPJ: twelve digits or letters (each worth its code less 48) and two check digits."""
    if len(signs) != 14 or len(set(signs)) == 1:
        return False
    values, weights = [ord(sign) - 48 for sign in signs], (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return all(_modulo_11(values[:n], weights[13 - n :]) == values[n] for n in (12, 13))


def _modulo_11(values: list[int], weights: "Collection[int]") -> int:
    left = sum(value * weight for value, weight in zip(values, weights, strict=True)) % 11
    return 0 if left < 2 else 11 - left


def _is_kennitala(digits: str) -> bool:
    """A person's Icelandic kennitala: birthday, two digits, a check digit modulo 11, the century."""
    if len(digits) != 10 or digits[9] not in "890":
        return False
    weights = (3, 2, 7, 6, 5, 4, 3, 2, 1)
    century = {"8": 1800, "9": 1900, "0": 2000}[digits[9]]
    whole = sum(int(digit) * weight for digit, weight in zip(digits[:9], weights, strict=True)) % 11 == 0
    return whole and _is_day(int(digits[:2]), int(digits[2:4]), century + int(digits[4:6]))


def _is_day(day: int, month: int, year: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
