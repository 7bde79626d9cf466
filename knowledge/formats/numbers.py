"""Numbers of a spreadsheet as their format shows them. Knows no workbook.

Only what changes what a number says is kept: percent, decimals, grouping and the currency beside it.
"""

import re

_QUOTED = re.compile(r'"([^"]*)"|\\(.)')
_CURRENCY = re.compile(r"\[\$([^\]-]*)(?:-([0-9A-Fa-f]+))?\]")
_BARE = re.compile(r"[$€£¥]")
_PLACES = re.compile(r"[0#?]\.([0#?]+)")
_CODES = re.compile(r"\[[^\]]*\]|_.|\*.")
# Locale ids (primary language in the low ten bits) that write 1.234,5: Indonesian, Portuguese, Spanish, Icelandic,
# German, Dutch, Italian, Turkish, Danish.
_COMMA_LANGUAGES = {0x21, 0x16, 0x0A, 0x0F, 0x07, 0x13, 0x10, 0x1F, 0x06}
_COMMA_CURRENCIES = {"Rp", "R$", "IDR", "BRL", "ISK", "kr", "€"}
_MOST_PLACES = 10


def number_text(value: float, form: str) -> str:
    """`0.02` with `0%` is `2%`; `60000` with `"Rp" #,##0` is `Rp 60.000`."""
    form = form.partition(";")[0]
    before, after, comma = _beside(form)
    bare = _QUOTED.sub("", _CODES.sub("", form))
    if "%" in bare:
        value *= 100
        after = f"%{after}"
    places = _PLACES.search(bare)
    if places:
        wanted = min(len(places.group(1)), _MOST_PLACES)
        text = f"{value:,.{wanted}f}"
    else:
        text = f"{value:,.0f}" if re.search(r"[0#]", bare) else f"{value:,.10g}"
    if "General" in form or not re.search(r"[0#]", bare):
        text = _general(value)
    elif "," not in bare:
        text = text.replace(",", "")
    if comma:
        text = text.translate(str.maketrans(",.", ".,"))
    return f"{before}{text}{after}"


def _general(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.10g}"


def _beside(form: str) -> tuple[str, str, bool]:
    """What stands before and after the number, and whether its language groups with full stops."""
    before, after = "", ""
    comma = False
    plain = _QUOTED.sub(_blank, _CURRENCY.sub(_blank, form))
    digits = re.search(r"[0#?]", plain)
    at = digits.start() if digits else len(form)
    for match in _CURRENCY.finditer(form):
        symbol, language = match.group(1).strip(), int(match.group(2) or "0", 16)
        comma = comma or (language & 0x3FF) in _COMMA_LANGUAGES or symbol in _COMMA_CURRENCIES
        before, after = (f"{symbol} ", after) if match.start() < at else (before, f" {symbol}")
    for match in _BARE.finditer(plain):
        before, after = (match.group(), after) if match.start() < at else (before, f" {match.group()}")
    for match in _QUOTED.finditer(form):
        word = (match.group(1) or match.group(2) or "").strip()
        comma = comma or word in _COMMA_CURRENCIES
        if word and any(c.isalnum() or c in "$€£¥" for c in word):
            before, after = (f"{word} ", after) if match.start() < at else (before, f"{after} {word}")
    return before, after, comma


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())
