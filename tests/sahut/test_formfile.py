"""Form files: what is read, and that every mistake is named with its place and what to do."""

from pathlib import Path

import pytest

from sahut.errors import ConfigurationError
from sahut.formfile import parse, read_folder
from sahut.forms import Filling, described

SAMPLES = Path(__file__).parents[2] / "examples" / "tax-office" / "forms"
GOOD = """
title: {en: Visit, id: Kunjungan}
examples: [I want to visit]
fields:
  - {name: day, type: date, label: Day, ask: 'When?'}
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as wrong:
        parse(text, where="visit.yaml", name="visit")
    return str(wrong.value).splitlines()


def with_field(field: str) -> list[str]:
    head = "{title: Visit, examples: [visit], fields: "
    return mistakes(f"{head}[{field}]}}")


def test_the_sample_forms_speak_every_language():
    forms = read_folder(SAMPLES) or []
    assert {form.name for form in forms} == {"address-change", "refund"}
    for form in forms:
        for field in form.fields:
            assert set(field.ask) == set(field.label) == {"id", "en", "pt", "es", "is"}, (form.name, field.name)


def test_the_name_is_the_files_and_a_plain_text_is_english():
    form = parse(GOOD, where="visit.yaml", name="visit")
    assert (form.name, form.fields[0].ask) == ("visit", {"en": "When?"})


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("{name: a, type: text, label: A}", "fields.a.ask: is missing: add it"),
        ("{name: a, type: txt, label: A, ask: q}", "fields.a: has an unknown type: use one of text, number"),
        ("{name: a, label: A, ask: q}", "fields.a: has no type: add one of text, number"),
        ("{name: A b, type: text, label: A, ask: q}", "fields.A b.name: must begin with a letter"),
        ("{name: a, type: text, label: A, ask: q, min: 3}", "fields.a.min: is no key that a form knows"),
        ("{name: a, type: text, label: A, ask: {EN: q}}", "fields.a.ask.EN: is no language: use a code such as en"),
        ("{name: a, type: text, label: A, ask: q, max_length: 9000}", "fields.a.max_length: "),
        ("{name: a, type: number, label: A, ask: q, min: 5, max: 1}", "fields.a: min is above max: swap them"),
        ("{name: a, type: date, label: A, ask: q, latest: soon}", "fields.a.latest"),
        ("{name: a, type: pattern, label: A, ask: q, pattern: x}", "fields.a.explain: is missing: add it"),
        ("{name: a, type: pattern, label: A, ask: q, explain: e, pattern: '('}", "fields.a.pattern: is no regular"),
        ("{name: a, type: choice, label: A, ask: q, choices: [{value: x, label: X}]}", "fields.a.choices: holds too"),
        (
            "{name: a, type: choice, label: A, ask: q, choices: [{value: x, label: X}, {value: y, label: X}]}",
            "two choices have the same label in 'en': give each its own",
        ),
        (
            "{name: a, type: choice, label: A, ask: q, choices: [{value: x, label: X}, {value: y, label: "
            f"{'y' * 21}}}]}}",
            "is too long for a button: at most 20 characters",
        ),
        ("7", "fields.1: must hold keys and values"),
        (
            "{name: a, type: text, label: A, ask: q}, {name: a, type: text, label: A, ask: q}",
            "two fields are named 'a'",
        ),
    ],
)
def test_every_mistake_is_named_with_its_place(field: str, said: str):
    lines = with_field(field)
    assert any(line.startswith("visit.yaml: ") and said in line for line in lines), lines
    assert len(lines) <= 2


def test_more_choices_than_a_list_holds():
    rows = ", ".join(f"{{value: v{n}, label: L{n}}}" for n in range(10))
    many = f"{{name: a, type: choice, label: A, ask: q, choices: [{rows}]}}"
    parse(f"{{title: V, examples: [v], fields: [{many}]}}", where="v.yaml", name="v")
    (line,) = with_field(many.replace("ask: q", "ask: q, required: false"))
    assert "has 10 choices, WhatsApp shows 9: join some, or ask for text" in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "line 1: is no YAML"),
        ("- a", "must hold keys and values"),
        ("", "must hold keys and values"),
        ("{title: V, examples: [], fields: []}", "examples: holds too little"),
        ("{title: V, examples: [v], fields: [], color: red}", "color: is no key that a form knows"),
        ("a: &a [*a]", ""),
        ("[" * 5000, ""),
        ("title: !!python/object:os.system {}", "is no YAML"),
    ],
)
def test_what_is_no_form_is_one_clear_error(text: str, said: str):
    assert any(said in line for line in mistakes(text))


def test_a_folder_tells_of_all_its_files_at_once(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("a: [", "utf-8")
    (tmp_path / "b.yml").write_bytes(b"\xff\xfe")
    (tmp_path / "c.yaml").write_text(GOOD, "utf-8")
    (tmp_path / "d.yaml").write_text(f"name: c\n{GOOD}", "utf-8")
    (tmp_path / "notes.txt").write_text("not a form", "utf-8")
    with pytest.raises(ConfigurationError) as wrong:
        read_folder(tmp_path)
    lines = str(wrong.value).splitlines()
    assert len(lines) == 3
    assert "a.yaml: line" in lines[0]
    assert "b.yml: is not UTF-8: save it as UTF-8" in lines[1]
    assert "d.yaml: name: another file has a form 'c' already: rename one" in lines[2]


def test_no_folder_no_forms(tmp_path: Path):
    assert read_folder(tmp_path / "nowhere") is None
    assert read_folder(tmp_path) == []


def test_a_ticket_reads_like_the_form():
    refund = next(form for form in read_folder(SAMPLES) or [] if form.name == "refund")
    answers = {"plate": "B 1", "reason": "paid_twice", "paid_on": "2026-03-03", "amount": 5000, "email": None}
    filling = Filling(id="1", reference="F-1", edition="e", form=refund, answers=answers)
    assert (
        described(filling, "en")
        == "Plate number: B 1\nReason: Paid twice\nPaid on: 2026-03-03\nAmount (Rp): 5000\nE-mail: -"
    )
