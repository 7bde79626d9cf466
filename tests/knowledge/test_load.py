"""Loading: each format's text, headings and spans, and a defined answer to every bad file."""

import os

import pytest

from knowledge.chunk import pieces
from knowledge.load import MOST_BYTES, find, load, load_bytes
from sahut.errors import ConfigurationError, LoadError


def read(name, data):
    return load_bytes(name, data.encode() if isinstance(data, str) else data)


def bodies(document):
    return {section.headings: document.text[section.start : section.end] for section in document.sections}


def test_markdown_keeps_words_and_headings_and_loses_the_marks():
    document = read(
        "fees.md",
        "---\ntitle: 'Fees'\n---\n<!-- draft -->\n# Fees\n\nA **new** plate\ncosts `Rp 60.000`, see [the list](https://x.example/list).\n\n"
        "## By car_type\n\n- one *small* car,\n- two\n  lines\n\n> a note\n\n```\nkeep  # this\n```\n",
    )
    assert document.title == "Fees"
    assert bodies(document) == {
        (): "A new plate costs Rp 60.000, see the list (https://x.example/list).",
        ("By car_type",): "- one small car,\n- two lines\n\na note\n\nkeep # this",
    }


def test_a_table_row_can_be_quoted_alone():
    document = read("t.md", "# T\n\n| Vehicle | Fee |\n|---|:--:|\n| Car | Rp 5 |\n| Truck \\| van | Rp 9 |\n")
    assert bodies(document)[()] == "Vehicle: Car; Fee: Rp 5\nVehicle: Truck | van; Fee: Rp 9"


def test_a_page_is_its_content_without_the_furniture():
    document = read(
        "p.html",
        "<html><head><title>Plates | Office</title><style>p{}</style></head><body><nav>Home</nav>"
        "<header><a>Logo</a></header><main><h1>Number plates</h1>"
        "<p>Costs <b>Rp&nbsp;5</b>.<script>x()</script></p>"
        "<h2>Papers</h2><ul><li>the book<li>the card</ul>"
        "<details><summary>Is it free?</summary><p>Yes.</p></details><p>Come early.</p>"
        "<table><tr><th>Day</th><th>Hours</th></tr><tr><td>Monday</td><td>8–15</td></tr></table>"
        "</main><footer>Terms</footer></body></html>",
    )
    assert document.title == "Number plates"
    assert [(s.headings, document.text[s.start : s.end]) for s in document.sections] == [
        ((), "Costs Rp 5."),
        (("Papers",), "- the book\n- the card"),
        (("Papers", "Is it free?"), "Yes."),
        (("Papers",), "Come early.\n\nDay: Monday; Hours: 8–15"),
    ]


def test_a_page_says_its_charset_and_may_be_nested_very_deep():
    page = '<meta charset="iso-8859-9"><p>Açık: ğış</p>'.encode("iso-8859-9")
    assert "Açık: ğış" in read("tr.html", page).text
    assert "deep" in read("deep.html", "<div>" * 20_000 + "deep").text


def test_plain_text_joins_what_an_editor_broke():
    document = read(
        "r.txt",
        "REFUNDS\n\nTax that was paid twice can be refunded within ninety days after\nthe date of payment.\n\n"
        "HOW\n\n1. Write to us.\n2. Wait for an answer, which is sent by post and takes\n   five days.\n",
    )
    assert document.title == "REFUNDS"
    assert bodies(document) == {
        (): "Tax that was paid twice can be refunded within ninety days after the date of payment.",
        ("HOW",): "1. Write to us.\n2. Wait for an answer, which is sent by post and takes five days.",
    }


@pytest.mark.parametrize(
    "sheet",
    [
        '\ufeffquestion,answer\nIs it free?,"Yes, ""quite"" free."\n,\nMay I?,No.\n',
        'Pertanyaan;Jawaban\r\nIs it free?;"Yes, ""quite"" free."\r\nMay I?;No.\r\n',
        'id\tPREGUNTA\tRespuesta\n1\tIs it free?\tYes, "quite" free.\n2\tMay I?\tNo.\n',
        'sep=;\nq;a\nIs it free?;Yes, "quite" free.\nMay I?;No.\n',
    ],
)
def test_a_sheet_of_questions_becomes_headings_and_answers(sheet):
    document = read("faq.csv", sheet)
    assert bodies(document) == {("Is it free?",): 'Yes, "quite" free.', ("May I?",): "No."}
    assert [p.text for p in pieces(document.text, document.sections)] == ['Yes, "quite" free.', "No."]


def test_a_quote_that_is_never_closed_costs_its_own_row_only():
    document = read("faq.csv", 'question,answer\nOne?,First.\nTwo?,"Second\nThree?,"Third,\non two lines."\n')
    assert bodies(document)[("One?",)] == "First."
    assert "Three?" in document.text


def test_another_sheet_is_read_row_by_row():
    document = read("tariff.csv", "Vehicle,Fee\nCar,5\nTruck,9\n")
    assert document.text == "Vehicle: Car; Fee: 5\nVehicle: Truck; Fee: 9"
    assert read("plain.csv", "a,1\nb,2\n").text == "a; 1\nb; 2"


def test_text_is_normalised_and_holds_nothing_invisible():
    document = read("n.txt", "Cafe\u0301 \u202eabc\u202c\x00\r\nso\u00adft\u200b\ttab")
    assert document.text == "Café abc\nsoft tab"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"", "empty"),
        ("a.md", b" \n\t ", "empty"),
        ("a.md", b"# Only\n\n## Headings\n", "no text"),
        ("a.html", b"<script>alert(1)</script>", "no text"),
        ("a.txt", bytes(range(256)) * 20, "not text"),
        ("a.csv", b"question,answer\n,\nx,\n", "question"),
        ("a.csv", b",,\n,,\n", "no rows"),
        ("a.odt", b"x", "kind of file"),
        ("a.pdf", b"%PDF-1.7 nothing", "damaged"),
        ("a.txt", b"x" * (MOST_BYTES + 1), "larger than"),
        ("a.csv", b'q,a\nx,"' + b"y" * 200_000 + b'"\n', "cannot be read"),
    ],
)
def test_a_bad_file_has_a_reason(name, data, reason):
    with pytest.raises(LoadError, match=reason):
        load_bytes(name, data)


def test_a_text_in_capitals_is_no_list_of_headings():
    document = read("old.txt", "NOTICE\n\nWE ARE CLOSED ON FRIDAY\n\nCOME ON MONDAY\n")
    assert "CLOSED ON FRIDAY" in document.text[document.sections[0].start : document.sections[-1].end]


def test_old_windows_text_is_understood():
    assert read("w.txt", "naïve café".encode("cp1252")).text == "naïve café"
    assert read("w.txt", "naïve café".encode("utf-16")).text == "naïve café"


def test_a_folder_gives_its_documents_and_names_what_it_leaves_out(shelf, tmp_path):
    (tmp_path / "secret.md").write_text("secret")
    (shelf / "link.md").symlink_to(tmp_path / "secret.md")
    (shelf / "broken.md").symlink_to(shelf / "nowhere.md")
    (shelf / "inside.md").symlink_to(shelf / "hours.md")
    os.mkfifo(shelf / "pipe.txt")
    (shelf / ".hidden.md").write_text("hidden")
    (shelf / "photo.jpg").write_bytes(b"\xff\xd8")
    found = find([shelf])
    assert [source.path for source in found.sources] == ["faq.csv", "hours.md", "id/denda.md", "inside.md"]
    assert {path for path, _ in found.refused} == {"link.md", "broken.md", "pipe.txt"}
    assert found.skipped == ("photo.jpg",)
    assert load(found.sources[1]).title == "Opening hours"


def test_a_path_that_is_not_there_stops_the_learning(tmp_path):
    with pytest.raises(ConfigurationError, match="no such file"):
        find([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    "mark", ["![", "[a](", "`", "**a ", "_a ", "__a ", "*a ", "~~a ", "[a\n", "a. A ", "# \t", "[a](<b", "a\n=\n"]
)
def test_a_page_of_open_marks_is_read_in_time(mark):
    """Each of these once cost the square of its length, or worse: an upload could hold a process for minutes."""
    document = read("marks.md", "Words.\n\nx " + mark * (200_000 // len(mark)))
    assert document.text.startswith("Words.")
    assert pieces(document.text, document.sections)


def test_marks_within_and_around_others_are_still_lost():
    document = read("m.md", '# One #\n\nSee [the *list*](a/b.md "Title"), ``a `b` c``, **_both_**.\n')
    assert document.title == "One"
    assert read("b.md", f"A **{'very ' * 200}long** one, ***both***.").text == f"A {'very ' * 200}long one, both."
    assert document.text.endswith("See the list, a `b` c, both.")


def test_of_two_files_with_one_path_the_second_is_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "hours.md").write_text(f"# {folder}\n\nOpen.")
    found = find([tmp_path / "a", tmp_path / "b", tmp_path / "a"])
    assert [source.file for source in found.sources] == [tmp_path / "a" / "hours.md"]
    ((path, reason),) = found.refused
    assert path == "hours.md"
    assert str(tmp_path / "a" / "hours.md") in reason
