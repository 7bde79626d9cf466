"""Markdown of models in WhatsApp's marks: shown as meant, and nothing lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.whatsapp.marks import marked


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("**Denda** 2%", "*Denda* 2%"),
        ("__Denda__ 2%", "*Denda* 2%"),
        ("*penting* sekali", "_penting_ sekali"),
        ("_penting_ sekali", "_penting_ sekali"),
        ("***sangat penting***", "*_sangat penting_*"),
        ("**bold with *italics* inside**", "*bold with _italics_ inside*"),
        ("~~lama~~ baru", "~lama~ baru"),
        ("# Fees\ntext", "*Fees*\ntext"),
        ("### **Fees** ###\ntext", "*Fees*\ntext"),
        ("Fees\n====\ntext", "*Fees*\ntext"),
        ("* one\n* two\n  + deep", "- one\n- two\n  - deep"),
        ("1) one\n2) two", "1. one\n2. two"),
        ("- [ ] KTP\n- [x] STNK", "- ☐ KTP\n- ☑ STNK"),
        ("> quoted", "> quoted"),
        ("a\n\n---\n\nb", "a\n\n———\n\nb"),
        ("see [the form](https://example.com/a_b_c)", "see the form (https://example.com/a_b_c)"),
        ("[https://example.com](https://example.com)", "https://example.com"),
        ("<https://example.com/x_y>", "https://example.com/x_y"),
        ("[mail](mailto:a@example.com)", "mail (a@example.com)"),
        ("[docs][1] and [here][]\n\n[1]: https://example.com/d", "docs (https://example.com/d) and [here][]\n\n"),
        ("![map](https://example.com/m.png)", "map (https://example.com/m.png)"),
        ("[a](https://example.com/w_(x))", "a (https://example.com/w_(x))"),
        ("run `pip **x**` now", "run `pip **x**` now"),
        ("```python\na = b ** c ** d\n```", "```a = b ** c ** d```"),
        ("~~~\nraw\n~~~\nafter", "```raw```\nafter"),
        ("one<br>two", "one\ntwo"),
        ("| Item | Fee |\n|---|---:|\n| STNK | Rp200.000 |\n| BPKB | |", "- Item: STNK, Fee: Rp200.000\n- Item: BPKB"),
        ("| **Item** | Fee |\n|---|---|", "*Item*, Fee"),
        # What is no Markdown stays as it is.
        ("2 * 3 * 4 = 24", "2 * 3 * 4 = 24"),
        ("snake_case_name and __init__.py", "snake_case_name and __init__.py"),
        ("from 1*2 to 3*4", "from 1*2 to 3*4"),
        ("https://example.com/a*b*c_d_", "https://example.com/a*b*c_d_"),
        ("#1 in line, C# and #tag", "#1 in line, C# and #tag"),
        ("Rp1.000 - Rp2.000", "Rp1.000 - Rp2.000"),
        (r"\*not bold\*", "*not bold*"),
        ("a ** b", "a ** b"),
        ("5 > 3", "5 > 3"),
        ("(a) [b] {c}", "(a) [b] {c}"),
        ("“Sampai jumpa!” 😀", "“Sampai jumpa!” 😀"),
        ("", ""),
    ],
)
def test_each_mark(markdown: str, shown: str):
    assert marked(markdown) == shown


PIECES = [
    "**",
    "*",
    "_",
    "__",
    "~~",
    "`",
    "```",
    "\n",
    "# ",
    "- ",
    "1) ",
    "|",
    "|---|---|",
    "[",
    "](",
    ")",
    "<",
    ">",
    " ",
]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text("abcdé1😀", min_size=1, max_size=4)), max_size=40))
def test_no_word_is_ever_lost(parts: list[str]):
    words = re.findall(r"[abcdé1😀]+", "".join(parts))
    fence = re.findall(r"^[ \t]*(?:```|~~~)([^\n`]*)\n", "".join(parts), re.MULTILINE)
    said = marked("".join(parts))
    for word in words:
        assert word in said or any(word in language for language in fence)


def test_hostile_texts_take_no_long_time():
    for text in ("*" * 20_000, "[" * 20_000, "|" * 20_000, "_a" * 10_000, "[a](" * 5_000, "`" * 20_001, "> " * 9_000):
        marked(text)
    assert marked("\ue000" + "0\ue001 a") == "0 a"
