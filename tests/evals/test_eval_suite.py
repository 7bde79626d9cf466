"""Suites, cases and transcripts: what is read, and how every flaw is told."""

import json
from pathlib import Path

import pytest
from eval_play import write_lines

from evals.gates import Gate
from evals.suite import load_cases, load_suite
from sahut.errors import ConfigurationError

OFFICE = Path(__file__).parents[2] / "examples/tax-office"
GOOD = {"id": "a", "turns": [{"user": "berapa?", "expect": {"decision": "reply", "contains": ["2%"]}}]}


def complaint(path: Path, **known) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_suite(path, **known)
    return str(caught.value)


def write_suite(folder: Path, text: str) -> Path:
    write_lines(folder / "cases.jsonl", {**GOOD, "language": "id", "topic": "v1.2"})
    path = folder / "suite.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_sample_suite_is_sound():
    documents = {path.name for path in (OFFICE / "handbook").iterdir()}
    suite = load_suite(OFFICE / "evals/office.yaml", corpus=documents)
    assert suite.name == "office"
    assert len(suite.cases) >= 30
    assert [gate.name for gate in suite.gates] == ["pass_rate", "wrong_answers"]
    assert suite.gates[0].min is not None
    assert suite.gates[1].max is not None


def test_a_case_file_is_a_suite_too(tmp_path):
    text = json.dumps(GOOD).replace("2%", "2\u2028%")
    path = write_lines(tmp_path / "fees.jsonl", "\ufeff" + text, "", json.dumps({**GOOD, "id": "b"}) + "\r")
    suite = load_suite(path)
    assert (suite.name, suite.k, suite.gates, suite.scorers) == ("fees", 1, (), None)
    assert [(case.id, case.line) for case in suite.cases] == [("a", 1), ("b", 3)]


def test_empty_lists_ask_nothing_but_an_empty_list_of_tools_does(tmp_path):
    expect = {"cites": [], "contains": [], "tools": []}
    path = write_lines(tmp_path / "c.jsonl", {"id": "a", "turns": [{"user": ["satu", "dua"], "expect": expect}]})
    turn = load_cases(path)[0].turns[0]
    assert turn.user == ("satu", "dua")
    assert turn.expect is not None
    assert [name for name in type(turn.expect).model_fields if turn.expect.asks(name)] == ["tools"]


def test_a_transcript_becomes_a_case(tmp_path):
    messages = [
        {"role": "system", "content": "be kind"},
        {"role": "assistant", "content": "Welcome!"},
        {"role": "user", "content": "hi"},
        {"role": "user", "content": [{"type": "text", "text": "how much?"}]},
        {"role": "assistant", "content": None, "tool_calls": [{}]},
        {"role": "tool", "content": "2"},
        {"role": "assistant", "content": "2%."},
        {"role": "assistant", "content": "A month."},
        {"role": "user", "content": "thanks"},
    ]
    path = write_lines(tmp_path / "t.jsonl", {"messages": messages, "company": "x", "language": "en"})
    case = load_cases(path)[0]
    assert (case.id, case.language, [line.content for line in case.opening]) == ("line-1", "en", ["Welcome!"])
    assert [(turn.user, turn.reference) for turn in case.turns] == [
        (("hi", "how much?"), "2%.\nA month."),
        (("thanks",), None),
    ]


CASE_FLAWS = [
    ('{"id": "a", "turns": [', "broken JSON"),
    ("[1]", "a case is a JSON object"),
    ({**GOOD, "tpoic": "x"}, "unknown key `tpoic`"),
    ({"id": "b", "turns": [{"user": "x", "expect": {"cite": ["a.md"]}}]}, "unknown key `cite` in turns[0].expect"),
    ({"id": "b", "turns": [{"user": "x", "expect": {"decision": "answer"}}]}, "`turns[0].expect.decision`"),
    ({"id": "b", "turns": [{"user": "x", "expect": {"contains": "2%"}}]}, "contains` must be a list"),
    ({"id": "b", "turns": [{"user": "x", "expect": {"contains": [2]}}]}, "turns[0].expect.contains[0]"),
    ({"id": "b", "turns": [{"user": "x", "expect": {"contains": [" "]}}]}, "contains[0]` is empty"),
    ({"id": "b", "turns": [{"user": "x", "expect": {"tools": [{"name": "t", "nam": "t"}]}}]}, "unknown key `nam`"),
    ({"id": "b", "turns": [{"user": " "}]}, "is empty"),
    ({"id": "b", "turns": [{"user": 7}]}, "must be a text"),
    ({"id": "b", "turns": [{"user": "x", "reference": "y"}]}, "unknown key `reference`"),
    ({"id": "b", "turns": []}, "`turns` is empty"),
    ({"id": "b"}, "`turns` is missing"),
    ({"turns": [{"user": "x"}]}, "`id` is missing"),
    ({"id": 7, "turns": [{"user": "x"}]}, "`id`"),
    ('{"id": "b", "id": "c", "turns": [{"user": "x"}]}', "the key `id` stands twice"),
    (
        '{"id": "b", "turns": [{"user": "x", "expect": {"tools": [{"name": "t", "arguments": {"n": NaN}}]}}]}',
        "NaN",
    ),
    (GOOD, "the id `a` is already used in line 1"),
    ({"messages": []}, "at least one message"),
    (
        {"messages": [{"role": "user", "content": "x"}], "turns": [{"user": "x"}], "id": "b"},
        "unknown key `messages`",
    ),
    ({"messages": [{"role": "user", "content": "x"}], "expect": {}}, "`expect` has no place in a transcript"),
    ({"messages": [{"role": "assistant", "content": "x"}]}, "no user message"),
    ({"messages": [{"role": "customer", "content": "x"}]}, "message 1 has the role 'customer'"),
    ({"messages": [{"role": "user", "content": 3}]}, "message 1: `content` must be a text"),
    ({"messages": [{"role": "user", "content": ""}]}, "message 1 has no text"),
    ({"messages": ["x"]}, "message 1 is not an object"),
]


@pytest.mark.parametrize(("row", "told"), CASE_FLAWS, ids=[told for _, told in CASE_FLAWS])
def test_a_bad_line_is_told_with_file_and_line(tmp_path, row, told):
    path = write_lines(tmp_path / "c.jsonl", GOOD, "", row)
    message = complaint(path)
    assert message.startswith(f"{path}:3: ")
    assert told in message
    assert len(message.splitlines()) == 1


def test_all_flaws_are_told_at_once_but_not_thousands(tmp_path):
    path = write_lines(tmp_path / "c.jsonl", *["{"] * 50)
    lines = complaint(path).splitlines()
    assert [line.split(":")[1] for line in lines[:3]] == ["1", "2", "3"]
    assert lines[-1] == "... and 30 more"


def test_files_that_hold_no_case(tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n\n")
    assert complaint(empty) == f"{empty}:1: there is no case in this file"
    assert "cannot be read" in complaint(tmp_path / "absent.jsonl")
    assert "cannot be read" in complaint(tmp_path / "absent.yaml")
    assert "cannot be read" in complaint(tmp_path)
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes(json.dumps(GOOD).encode() + b'\n{"id": "\xe9"}\n')
    assert f"{latin}:2: not UTF-8" in complaint(latin)


def test_a_document_that_nobody_knows(tmp_path):
    row = {"id": "a", "turns": [{"user": "x", "expect": {"cites": ["fee.md", "hours.md"]}}]}
    path = write_lines(tmp_path / "c.jsonl", row)
    told = complaint(path, corpus={"fees.md", "hours.md"})
    assert told == f"{path}:1: `cites` names an unknown document `fee.md`; perhaps `fees.md`?"
    assert load_suite(path).cases


SUITE_FLAWS = [
    ("", 1, "a suite is a mapping"),
    ("- a", 1, "a suite is a mapping"),
    ("name: x\ncases: [", 2, "broken YAML"),
    ("name: x\n\tcases: y", 2, "broken YAML"),
    ("name: \x00", 1, "broken YAML"),
    ("cases: cases.jsonl", 1, "`name` is missing"),
    ("name: x", 1, "`cases` is missing"),
    ("name: 7\ncases: cases.jsonl", 1, "`name`"),
    ("name: x\ncases: nowhere.jsonl", 2, "there is no file"),
    ("name: x\ncases: cases.jsonl\ngate: {}", 3, "unknown key `gate`"),
    ("name: x\ncases: cases.jsonl\nk: 0", 3, "`k`"),
    ("name: x\ncases: cases.jsonl\nk: true", 3, "`k`"),
    ("name: x\ncases: cases.jsonl\nscorers: []", 3, "`scorers` is empty"),
    ("name: x\ncases: cases.jsonl\nscorers:\n  - cites\n  - judge", 5, "unknown scorer `judge`"),
    ("name: x\ncases: cases.jsonl\nscorers: [spam, rubric]", 3, "no case expects any of these"),
    ("name: x\ncases: cases.jsonl\ngates:\n  pass_rate: 0.5\n  pass_rate: 0.9", 5, "`pass_rate` stands twice"),
    (
        "name: x\ncases: cases.jsonl\ngates:\n  pass_rte: 0.5",
        4,
        "`pass_rte`: unknown gate; known are pass_rate, ",
    ),
    ("name: x\ncases: cases.jsonl\ngates:\n  pass_hat.0: 0.5", 4, "unknown gate"),
    ("name: x\ncases: cases.jsonl\ngates:\n  pass_rate: 70", 4, "a rate lies between 0 and 1"),
    ("name: x\ncases: cases.jsonl\ngates:\n  pass_rate: .nan", 4, "finite"),
    ("name: x\ncases: cases.jsonl\ngates:\n  pass_rate: '0.5'", 4, "number"),
    ("name: x\ncases: cases.jsonl\ngates:\n  pass_rate: true", 4, "number"),
    ("name: x\ncases: cases.jsonl\ngates:\n  cost_usd: -1", 4, "not below 0"),
    ("name: x\ncases: cases.jsonl\ngates:\n  pass_rate: {}", 4, "give `min` or `max`"),
    ("name: x\ncases: cases.jsonl\ngates:\n  pass_rate: {min: 0.9, max: 0.1}", 4, "`min` is above `max`"),
    ("name: x\ncases: cases.jsonl\ngates:\n  pass_rate: {min: 0.9, bond: low}", 4, "unknown key `bond`"),
    ("name: x\ncases: cases.jsonl\ngates:\n  pass_rate: {min: 0.9, bound: middle}", 4, "`bound`"),
    ("name: x\ncases: cases.jsonl\ngates:\n  pass_rate: {name: cost_usd, min: 0.9}", 4, "unknown key `name`"),
    ("name: x\ncases: cases.jsonl\ngates:\n  by_topic.fees.pass_rate: 0.5", 4, "no case belongs to it"),
    ("name: x\ncases: cases.jsonl\ngates:\n  by_language.fr.wrong_answers: 0.5", 4, "no case belongs to it"),
]


@pytest.mark.parametrize(("text", "line", "told"), SUITE_FLAWS)
def test_a_bad_suite_is_told_with_file_and_line(tmp_path, text, line, told):
    path = write_suite(tmp_path, text)
    message = complaint(path)
    assert told in message
    assert message.startswith(f"{path}:{line}: ")


def test_gates_are_minima_but_for_what_should_be_small(tmp_path):
    text = """name: x
cases: cases.jsonl
scorers: [cites, contains]
k: 4
gates:
  pass_rate: 0.7
  pass_hat.4: 0.5
  decisions.hand_off.recall: {min: 0.8, bound: low}
  wrong_answers: {max: 0.05, bound: high}
  by_topic.v1.2.pass_rate: 0.1
  by_language.id.wrong_answers: 0.2
  latency_ms.p95: 900
  cost_usd: 2
  errors: 3
"""
    suite = load_suite(write_suite(tmp_path, text))
    assert (suite.k, suite.scorers) == (4, ("cites", "contains"))
    assert suite.gates == (
        Gate(name="pass_rate", min=0.7),
        Gate(name="pass_hat.4", min=0.5),
        Gate(name="decisions.hand_off.recall", min=0.8, bound="low"),
        Gate(name="wrong_answers", max=0.05, bound="high"),
        Gate(name="by_topic.v1.2.pass_rate", min=0.1),
        Gate(name="by_language.id.wrong_answers", max=0.2),
        Gate(name="latency_ms.p95", max=900),
        Gate(name="cost_usd", max=2),
        Gate(name="errors", max=3),
    )
