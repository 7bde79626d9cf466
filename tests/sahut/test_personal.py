"""What is personal data and what is a price, a date, an hour or an article's number."""

import itertools

import pytest

from sahut.personal import essence, find, looked_at

PERSONAL = {
    "phone": (
        "0812-3456-7890 | 081234567890 | +62 812 3456 7890 | (021) 555-1234 | (11) 91234-5678 | 11912345678"
        " | +55 11 91234-5678 | 612345678 | 555-1234 | +1 415 555 2671 | 07911 123456 | 0812\u200b3456\u200b7890"
    ),
    "email": "ani.l@example.co.id | a+b@example.com",
    "card": "4111 1111 1111 1111 | 5500-0000-0000-0004 | 378282246310005",
    "id": (
        "3174056508900001 | 3174 0565 0890 0001 | 111.444.777-35 | 11144477735 | 11.222.333/0001-81"
        " | 12.ABC.345/01DE-35 | 120174-3399 | 1201743399"
    ),
}
IMPERSONAL = """
Rp 1.200.000 | Rp1200000000 | R$ 1.234.567,89 | 1.234.567 kr | 2026-11-20 | 20.11.2026 10:30 | 20-11-2026 | 08.00-15.00
08:00–16:00 | order 12345678 | 20261120001 | INV-2026-000123 | CEP 01310-100 | 1 000 000 | 1200 x 1800 2400
4006381333931
24 bulan 12345678901234 | JP1234567890 | 15.000.000 rupiah | 500 1000 | 612 345 678 | 2.000.000.000 | SKU 1002003004
1Z999AA10123456784 | 1201743389 | 2026 1120 | 4111 1111 1111 1112 | 111.444.777-36 | 11.222.333/0001-82
3174051350900001
"""


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in PERSONAL.items() for value in values.split(" | ")]
)
def test_personal_data_is_found_whole(kind, value):
    text = f"Halo, ini {value} ya"
    (found,) = find(text, kinds=("email", "card", "id", "phone"))
    assert (found.kind, text[found.start : found.end]) == (kind, value)


@pytest.mark.parametrize("value", [one.strip() for line in IMPERSONAL.strip().split("\n") for one in line.split("|")])
def test_what_names_nobody_is_left_alone(value):
    assert not find(f"Total: {value}.", kinds=("email", "card", "id", "phone"))


def test_words_before_a_number_tell_what_it_is():
    assert find("síminn minn er 581 2345")
    assert find("celular 612 345 678")


def test_numbers_behind_each_other_and_escapes_hide_nothing():
    text = r'{"a": "x\n081234567890", "b": "0812 3456 7890 0813 1111 2222"}'
    assert [text[one.start : one.end] for one in find(text)] == ["081234567890", "0812 3456 7890", "0813 1111 2222"]


def test_national_numbers_are_known_by_language_and_international_ones_always():
    assert not find("0812-3456-7890", languages=("is",))
    assert find("+62 812-3456-7890", languages=("fo",))


def test_ways_of_writing_the_same():
    assert essence("phone", "0812-3456 7890") == essence("phone", "081234567890")
    assert essence("email", "Ani@Example.com") == essence("email", "ani@example.com")


HOSTILE = {
    "digits": "1",
    "spaced": "1 ",
    "dashed": "12-34 ",
    "phones": "0812 3456 7890 ",
    "codes": "+62 812 ",
    "brackets": "(12)",
    "dots": "1.2.",
    "sevens": "1234567x",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_libphonenumbers_work_is_bounded_however_many_digits_come(what):
    work = [sum(end - start for start, end in looked_at(HOSTILE[what] * times)) for times in (2_000, 8_000)]
    assert work[0] == work[1] < 12_000
    found = find(HOSTILE[what] * 8_000, languages=("is",))
    assert all(one.start < one.end for one in found)
    assert all(before.end <= after.start for before, after in itertools.pairwise(found))


def test_beyond_what_is_looked_at_every_long_number_is_hidden_but_prices_and_dates():
    many = "Nomor 0812 3456 7890. " * 100
    text = f"{many}Rp 1.200.000 pada 2026-11-20, hubungi 5550001112223 atau 1.250.000"
    found = [text[one.start : one.end] for one in find(text, kinds=("phone",))]
    assert found == [*["0812 3456 7890"] * 100, "5550001112223"]
