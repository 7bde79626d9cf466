"""Numbers of a workbook, as its formats show them."""

import pytest

from knowledge.formats.numbers import number_text


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (0.02, "0%", "2%"),
        (0.015, "0.0%", "1.5%"),
        (60000, '"Rp" #,##0', "Rp 60.000"),
        (60000, "[$Rp-421]#,##0", "Rp 60.000"),
        (1234.5, "[$R$-416] #,##0.00", "R$ 1.234,50"),
        (1234.5, "#,##0.00 [$€-407]", "1.234,50 €"),
        (1234.5, "$#,##0.00", "$1,234.50"),
        (1234.5, "#,##0.00€", "1,234.50 €"),
        (5, '0 "days"', "5 days"),
        (60000, "General", "60000"),
        (1.5, "General", "1.5"),
        (-3, "#,##0;[Red](#,##0)", "-3"),
        (7, "0000", "7"),
        (7, "", "7"),
        (1e300, "#,##0", None),
        (float("inf"), "0%", None),
        (float("nan"), "General", None),
        (3, "[$-", None),
        (3, '"', None),
    ],
)
def test_a_number_is_what_its_reader_sees(value, form, text):
    shown = number_text(value, form)
    assert text is None or shown == text
