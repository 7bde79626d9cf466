"""Customers' words as values of fields: what is understood in five languages, and which mistake is named."""

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.filling.values import Found, Problem, read, shown
from agent.language import days, figures
from agent.language.phrases import LANGUAGES
from sahut.forms import (
    ChoiceField,
    DateField,
    EmailField,
    NumberField,
    PatternField,
    PhoneField,
    TextField,
    YesNoField,
)

TODAY = date(2026, 11, 20)
ABOUT = {"name": "a", "label": "A", "ask": "Q?"}
PLATE = PatternField(**ABOUT, pattern=r"[A-Z]{1,2} ?\d{1,4} ?[A-Z]{1,3}", explain="Like B 1234 XY.")
AMOUNT = NumberField(**ABOUT, min=1, max=10_000_000)
DAY = DateField(**ABOUT, latest="today")
REASON = ChoiceField(
    **ABOUT,
    choices=(
        {"value": "twice", "label": {"id": "Bayar dua kali", "en": "Paid twice"}},
        {"value": "sold", "label": {"id": "Sudah dijual", "en": "Sold"}},
    ),
)
FIELDS = (PLATE, AMOUNT, DAY, REASON, TextField(**ABOUT), EmailField(**ABOUT), PhoneField(**ABOUT), YesNoField(**ABOUT))


def heard(field, text: str, language: str = "id", **more: bool):
    found = read(field, text, language=language, today=TODAY, **more)
    return found.value if isinstance(found, Found) else found.key


@pytest.mark.parametrize(
    ("field", "text", "language", "value"),
    [
        (PLATE, "b1234xy", "id", "B1234XY"),
        (PLATE, "plat saya B 1234 XY kak", "id", "B 1234 XY"),
        (PLATE, "B 1234 XY dan B 5678 ZZ", "id", "form_wants_shape"),
        (PLATE, "mobil saya merah", "id", "form_wants_shape"),
        (AMOUNT, "Rp 250.000", "id", 250_000),
        (AMOUNT, "1,5 juta", "id", 1_500_000),
        (AMOUNT, "250rb ya kak", "id", 250_000),
        (AMOUNT, "2 mil", "pt", 2_000),
        (AMOUNT, "1.250.000,50", "es", 1_250_000.5),
        (AMOUNT, "1,250.75", "en", 1_250.75),
        (AMOUNT, "1.5", "en", 1.5),
        (AMOUNT, "5 atau 6", "id", "form_wants_number"),
        (AMOUNT, "-3", "id", "form_least"),
        (AMOUNT, "99999999", "id", "form_most"),
        (AMOUNT, "9" * 30, "id", "form_wants_number"),
        (NumberField(**ABOUT, integer=True), "2,5", "id", "form_wants_whole"),
        (DAY, "3 Maret 2026", "id", "2026-03-03"),
        (DAY, "March 3rd, 2026", "en", "2026-03-03"),
        (DAY, "3 de março de 2026", "pt", "2026-03-03"),
        (DAY, "el 3 de marzo de 2026", "es", "2026-03-03"),
        (DAY, "3. mars 2026", "is", "2026-03-03"),
        (DAY, "03/03/26", "id", "2026-03-03"),
        (DAY, "2026-03-03", "en", "2026-03-03"),
        (DAY, "03/25/2026", "en", "2026-03-25"),
        (DAY, "kemarin", "id", "2026-11-19"),
        (DAY, "ontem", "pt", "2026-11-19"),
        (DAY, "í gær", "is", "2026-11-19"),
        (DAY, "24 Desember", "id", "2025-12-24"),
        (DAY, "besok", "id", "form_latest"),
        (DAY, "31/02/2026", "id", "form_wants_date"),
        (DAY, "kapan-kapan", "id", "form_wants_date"),
        (REASON, "bayar dua kali", "id", "twice"),
        (REASON, "yang dijual kak", "id", "sold"),
        (REASON, "paid twice", "id", "twice"),
        (REASON, "I sold the car last month", "en", "sold"),
        (REASON, "lainnya", "id", "form_wants_choice"),
        (EmailField(**ABOUT), "email: ani.l+1@example.co.id ya", "id", "ani.l+1@example.co.id"),
        (EmailField(**ABOUT), "ani@", "id", "form_wants_email"),
        (PhoneField(**ABOUT), "+62 812-3456-7890", "id", "+6281234567890"),
        (PhoneField(**ABOUT), "123", "id", "form_wants_phone"),
        (YesNoField(**ABOUT), "tidak, sudah pindah", "id", False),
        (YesNoField(**ABOUT), "Sim", "pt", True),
        (YesNoField(**ABOUT), "mungkin", "id", "form_wants_yes_no"),
        (TextField(**ABOUT, min_length=3), "ab", "id", "form_too_short"),
        (TextField(**ABOUT, max_length=3), "abcd", "id", "form_too_long"),
        (TextField(**ABOUT), "🤷", "id", "form_wants_text"),
        (TextField(**ABOUT), "a\u202eb\u2066c", "id", "abc"),
    ],
)
def test_what_is_heard(field, text, language, value):
    assert heard(field, text, language) == value


@pytest.mark.parametrize(
    ("field", "text"), [(PLATE, "plat B 1 A"), (AMOUNT, "harga 5"), (DAY, "tgl 3/3/2026"), (DAY, "5")]
)
def test_strictly_only_the_answer_itself_is_heard(field, text):
    assert str(heard(field, text, strict=True)).startswith("form_")


def test_a_slow_pattern_costs_a_moment():
    slow = PatternField(**ABOUT, pattern=r"(a|a?)+$b", explain="no")
    began = time.perf_counter()
    assert heard(slow, "a" * 90 + "!") == "form_wants_shape"
    assert time.perf_counter() - began < 5


@given(st.dates(date(1990, 1, 1), date(2060, 12, 31)), st.sampled_from(LANGUAGES))
def test_a_day_is_read_as_it_is_written(day: date, language: str):
    assert list(days.days_in(days.written(day, language), today=TODAY)) == [(day, True)]


@given(st.integers(0, 10**12) | st.integers(0, 10**9).map(lambda n: n / 4), st.sampled_from(LANGUAGES))
def test_a_number_is_read_as_it_is_written(number: float, language: str):
    text = figures.written(number, language)
    # "1.125" is one and an eighth where it came from, and a thousand where points part thousands: people write both.
    if len(text.rpartition("," if language != "en" else ".")[2]) != 3 or float(number).is_integer():
        assert figures.numbers_in(text, language) == [(float(number), True)]


@given(st.text(max_size=300), st.sampled_from(FIELDS), st.sampled_from(LANGUAGES), st.booleans())
def test_any_words_are_an_answer_that_can_be_shown_or_a_mistake_that_can_be_said(text, field, language, strict):
    found = read(field, text, language=language, today=TODAY, strict=strict)
    said = found.said(language) if isinstance(found, Problem) else shown(field, found.value, language)
    assert said.strip()
    assert "\n" not in said
