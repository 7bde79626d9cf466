"""Sentences and chunks: what is kept together, what is kept apart, and that every span is where it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.chunk import MOST_SENTENCE, MOST_WORDS, pieces, sentences, word_count
from knowledge.text import Section

ONE_SENTENCE = [
    "The rate is 2.5% of Rp 1.500.000 for every car.",
    "Kantor induk di Jl. Layar Kencana No. 17, Teluk Jati.",
    "We open at 8 a.m. and close at 3 p.m. on Fridays.",
    "Bring your papers, e.g. the certificate or the book.",
    "Write to layanan@office.example.com or see office.example.com/help.",
    "Bpk. A. Yani di loket 3 melayani pengaduan dsb. setiap hari.",
    "Acérquese a la Av. Central núm. 5 con el Sr. López.",
    "Loka er 24. desember og 1. janúar.",
    "Hari: Senin; Kantor induk: 08.00–15.00",
    "1. Bring the certificate.",
    "Yahoo! is no way to end a sentence",
]


@pytest.mark.parametrize("text", ONE_SENTENCE)
def test_a_full_stop_that_ends_nothing_cuts_nothing(text):
    assert cut(text) == [text]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("It costs 5. Then you pay.", ["It costs 5.", "Then you pay."]),
        ("Apa saja syaratnya? Bawa KTP! Datang pagi…", ["Apa saja syaratnya?", "Bawa KTP!", "Datang pagi…"]),
        ('He said "no." She left.', ['He said "no."', "She left."]),
        ("¿Cuánto es? ¡Nada! Es gratis.", ["¿Cuánto es?", "¡Nada!", "Es gratis."]),
        ("We open at 8 a.m. The counter closes later.", ["We open at 8 a.m.", "The counter closes later."]),
        ("- the book,\n- the card", ["- the book,", "- the card"]),
        ("営業時間は九時です。日曜は休みです。", ["営業時間は九時です。", "日曜は休みです。"]),
        ("  \n\n ", []),
    ],
)
def test_sentences_end_where_a_reader_would_stop(text, parts):
    assert cut(text) == parts


def test_a_run_without_any_end_is_cut_at_white_space():
    text = "word " * 1000
    spans = sentences(text)
    assert all(end - start <= MOST_SENTENCE for start, end in spans)
    assert [word for start, end in spans for word in text[start:end].split()] == text.split()


@given(st.text(alphabet=st.sampled_from("ab.!? \n\t1,。…\"')Jlé😀"), max_size=300) | st.text(max_size=300))
def test_spans_are_ordered_trimmed_and_hold_everything_visible(text):
    spans = sentences(text)
    ends = [0]
    for start, end in spans:
        assert ends[-1] <= start < end
        assert text[start:end] == text[start:end].strip()
        ends.append(end)
    outside = "".join(text[a:b] for a, b in zip(ends, [s for s, _ in spans] + [len(text)], strict=True))
    assert not outside.strip()


@given(st.lists(st.lists(st.integers(1, 60), max_size=12), min_size=1, max_size=5))
def test_chunks_are_whole_sentences_of_one_section(lengths):
    text, sections = "", []
    for number, section in enumerate(lengths):
        text += f"Heading {number}\n\n"
        start = len(text)
        text += "\n\n".join(" ".join(["word"] * count) + "." for count in section)
        sections.append(Section((f"Heading {number}",), start, len(text)))
        text += "\n\n"
    spans = sentences(text)
    for piece in pieces(text, sections):
        assert text[piece.start : piece.end] == piece.text
        assert piece.start in {start for start, _ in spans}
        assert piece.end in {end for _, end in spans}
        assert word_count(piece.text) <= MOST_WORDS + 40
        [home] = [s for s in sections if s.headings == piece.headings]
        assert home.start <= piece.start < piece.end <= home.end
    body = "".join(text[s.start : s.end] for s in sections)
    assert "".join(p.text for p in pieces(text, sections)).split() == body.split() or body.count("word") == sum(
        p.text.count("word") for p in pieces(text, sections)
    )


def cut(text):
    return [text[start:end] for start, end in sentences(text)]
