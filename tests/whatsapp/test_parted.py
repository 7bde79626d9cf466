"""Cutting a long text: within Meta's limit, at a border that a reader would choose, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from api.whatsapp.outgoing import parted
from sahut.text import utf16_length

WORDS = st.text(alphabet=st.sampled_from("ab .!?\n\té👩\u200d👧🏽\u0301مر"), max_size=400)


@given(WORDS, st.integers(10, 60))
def test_every_part_fits_and_nothing_but_white_space_is_lost(words: str, most: int):
    parts = parted(words, most)
    assert all(part and part == part.strip() and utf16_length(part) <= most for part in parts)
    assert "".join("".join(parts).split()) == "".join(words.split())


def test_a_short_text_is_one_part():
    assert parted("  Halo. Apa kabar?\n", 100) == ["Halo. Apa kabar?"]
    assert parted(" \n", 100) == []


def test_paragraphs_come_before_lines_before_sentences_before_words():
    assert parted("One two. Three\nfour\n\nfive six", 24) == ["One two. Three\nfour", "five six"]
    assert parted("One two. Three\nfour five six", 22) == ["One two. Three", "four five six"]
    assert parted("One two three. Four five", 20) == ["One two three.", "Four five"]
    assert parted("One two three four five", 16) == ["One two three", "four five"]


def test_a_border_near_the_beginning_is_passed_over():
    assert parted("A.\n\n" + "word " * 6 + "end", 26) == ["A.\n\nword word word word", "word word end"]


def test_an_endless_word_is_cut_where_nothing_is_torn_apart():
    family, accented = "👩\u200d👩\u200d👧", "e\u0301"
    for piece, many in ((family, 9), (accented, 40), ("👍🏽", 30), ("😀", 30)):
        parts = parted(piece * many, 21)
        assert "".join(parts) == piece * many
        assert all(part.replace(piece, "") == "" for part in parts), piece
