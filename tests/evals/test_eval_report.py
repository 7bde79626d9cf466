"""From a run to measures, gates, report.json and the terminal."""

import asyncio
import json

import pytest
from eval_play import ScriptedAssistant, case, reply, suite
from rich.console import Console

from evals.gates import Gate
from evals.measures import answer_sent, answer_wrong
from evals.played import PlayedTurn
from evals.report import build_report, differences, read_baseline, write_report
from evals.run import Player
from evals.table import show
from sahut.errors import ConfigurationError, ModelFailed
from sahut.toolcall import ToolCall
from sahut.turn import Reply

SCRIPT = {
    "right": reply("The rate is 2%.", "fees.md", cost_usd=0.25, model="m1", exchanges=({"raw": 1},)),
    "wrong": reply("The rate is 5%.", "fees.md", cost_usd=0.25, model="m1"),
    "hello": reply("Hello!"),
    "down": ModelFailed("down"),
    "ask": Reply(decision="clarify", text="Which one?"),
}
FEES = {"decision": "reply", "contains": ["2%"], "cites": ["fees.md"]}
CASES = (
    case("right", ("right", FEES), language="en", topic="fees"),
    case("wrong", ("wrong", FEES), language="en", topic="fees"),
    case("needless", ("unknown", FEES), language="id", topic="fees"),
    case("invented", ("right", {"decision": "hand_off"}), language="id"),
    case("handed", ("unknown", {"decision": "hand_off"})),
    case("greeting", ("hello", {"decision": "reply"})),
    case("asked", ("ask", {"decision": "clarify"})),
    case("broken", ("down", {"decision": "hand_off"})),
    case("replayed", ("right", None)),
)


def run_of(*cases, script=SCRIPT, **fields):
    k = fields.pop("k", 1)
    return asyncio.run(Player(ScriptedAssistant(script)).play(suite(*cases, **fields), k=k))


def report_of(*cases, **fields):
    return build_report(run_of(*cases, **fields))


def test_the_counts_and_what_they_are_divided_by():
    report = report_of(*CASES)
    assert (report.suite, report.cases, report.k) == ("office", 9, 1)
    assert (report.failures, report.errors, report.unscored) == (3, 1, 1)
    assert (report.pass_rate.value, report.pass_rate.n) == (4 / 8, 8)
    assert (report.wrong_answers.value, report.wrong_answers.n) == (2 / 3, 3)  # right, wrong, invented
    assert (report.needless_handoffs.value, report.needless_handoffs.n) == (1 / 4, 4)
    hand_off = report.decisions["hand_off"]
    assert (hand_off.precision, hand_off.recall, hand_off.n) == (1 / 2, 1 / 3, 3)
    assert report.decisions["silent"].model_dump() == {"precision": None, "recall": None, "n": 0}
    assert report.confusion["hand_off"] == {"error": 1, "hand_off": 1, "reply": 1}
    assert report.by_language["en"].cases == 2
    assert report.by_language["en"].wrong_answers.value == 0.5
    assert report.by_topic["fees"].pass_rate.value == pytest.approx(1 / 3)
    assert report.measures["scorers.contains"].value == pytest.approx(1 / 3)
    assert report.cost_usd == pytest.approx(1.0)
    assert report.latency_ms.p50 is not None
    assert report.models == ("m1",)
    assert report.pass_hat == {"1": 0.5, "4": None}


SENT = [
    (FEES, reply("2%", "fees.md"), True, False),
    (FEES, reply("2%"), True, True),
    (FEES, reply("It is 5%."), True, True),
    (FEES, reply(" "), False, False),
    (FEES, Reply(decision="hand_off", text="2%"), False, False),
    ({"decision": "silent"}, reply("Hello!"), True, True),
    ({"decision": "clarify"}, reply("x", "fees.md"), True, True),
    ({"decision": "reply"}, reply("Hello!"), False, False),
    ({"decision": "reply"}, reply("x", "fees.md"), True, False),
    ({"decision": "reply"}, reply("Done", tool_calls=(ToolCall(name="t", state="done"),)), True, False),
    ({"decision": "reply"}, reply("Sure?", tool_calls=(ToolCall(name="t", state="proposed"),)), False, False),
    ({"not_contains": ["5%"]}, reply("5%"), True, True),
    ({"language": "id"}, reply("x", "fees.md"), False, False),
    ({"rubric": "kind"}, reply("x", "fees.md"), False, False),
    (None, reply("x", "fees.md"), False, False),
]


@pytest.mark.parametrize(("expect", "answer", "sent", "wrong"), SENT)
def test_which_answers_were_sent_and_which_are_wrong(expect, answer, sent, wrong):
    turn = PlayedTurn.model_validate({"user": ("x",), "expect": expect, "reply": answer})
    assert answer_sent(turn) is sent
    assert (answer_sent(turn) and answer_wrong(turn)) is wrong


def test_the_dangerous_error_does_not_depend_on_the_chosen_scorers():
    report = report_of(case("wrong", ("wrong", FEES)), scorers=("decision",))
    assert (report.failures, report.wrong_answers.value) == (0, 1)


def test_repeats_give_pass_hat_and_no_narrower_interval():
    flaky = iter([True, True, True, False] * 10)

    async def answer(turn):
        return reply("2%", "fees.md") if turn.text == "sure" or next(flaky) else reply("5%", "fees.md")

    cases = (case("sure", ("sure", FEES)), case("flaky", ("flaky", FEES)))
    report = build_report(asyncio.run(Player(answer, concurrency=1).play(suite(*cases), k=4)))
    falling = {"1": 7 / 8, "2": 3 / 4, "3": 5 / 8, "4": 1 / 2}
    assert report.pass_hat == {k: pytest.approx(value) for k, value in falling.items()}
    assert (report.pass_rate.value, report.pass_rate.n) == (7 / 8, 8)
    assert report.pass_rate.high is not None
    assert report.pass_rate.low is not None
    assert report.pass_rate.high - report.pass_rate.low > 0.5  # as of two cases, not of eight
    assert [(result.id, result.run) for result in report.results][:5] == [
        *[("sure", i) for i in (1, 2, 3, 4)],
        ("flaky", 1),
    ]


GATES = [
    (Gate(name="pass_rate", min=0.5), None),
    (Gate(name="pass_rate", min=0.6), "pass_rate is 0.5; the gate wants at least 0.6"),
    (Gate(name="pass_rate", max=0.4), "at most 0.4"),
    (Gate(name="pass_rate", min=0.5, bound="low"), "pass_rate (low end of the interval) is 0.215"),
    (Gate(name="wrong_answers", max=0.7, bound="high"), "high end"),
    (Gate(name="wrong_answers", max=0.7), None),
    (Gate(name="decisions.hand_off.recall", min=0.3), None),
    (Gate(name="by_topic.fees.pass_rate", min=0.5), "by_topic.fees.pass_rate"),
    (Gate(name="pass_hat.4", min=0.1), "pass_hat.4 was not measured"),
    (Gate(name="decisions.silent.recall", min=0.1), "was not measured"),
    (Gate(name="cost_usd", max=0.5), "cost_usd is 1"),
    (Gate(name="latency_ms.p95", max=60_000), None),
]


@pytest.mark.parametrize(("gate", "told"), GATES)
def test_a_gate_is_kept_or_told(gate, told):
    report = report_of(*CASES, gates=(gate, Gate(name="errors", max=1)))
    assert report.passed is (told is None)
    assert len(report.breaches) == (told is not None)
    assert all(told in breach.sentence for breach in report.breaches)


def test_errors_are_never_green_unless_allowed():
    errors = report_of(*CASES)
    assert not errors.passed
    assert errors.breaches[0].sentence == "errors is 1; the gate wants at most 0"
    assert report_of(*CASES, gates=(Gate(name="errors", max=1),)).passed
    assert report_of(CASES[0]).passed


def test_an_assistant_that_hands_everything_off_sent_nothing_wrong():
    cases = (case("a", ("x", FEES)), case("b", ("y", {"decision": "hand_off"})))
    report = report_of(*cases, gates=(Gate(name="wrong_answers", max=0.05),))
    assert (report.wrong_answers.value, report.wrong_answers.n, report.passed) == (0.0, 0, True)
    assert not report_of(*cases, gates=(Gate(name="wrong_answers", max=0.05, bound="high"),)).passed


def test_a_run_in_which_nothing_is_expected_keeps_no_gate():
    report = report_of(CASES[-1], gates=(Gate(name="pass_rate", min=0.1), Gate(name="wrong_answers", max=0.1)))
    assert report.pass_rate.value is None
    assert len(report.breaches) == 2
    assert report_of(CASES[-1]).passed


def test_report_json_has_what_the_contract_says(tmp_path):
    report = report_of(*CASES)
    path = write_report(report, tmp_path / "out" / "deep")
    assert path == tmp_path / "out" / "deep" / "report.json"
    assert [file.name for file in path.parent.iterdir()] == ["report.json"]
    data = json.loads(path.read_text(encoding="utf-8"))
    assert (data["suite"], data["cases"]) == ("office", 9)
    for name in ("pass_rate", "wrong_answers"):
        assert {"value", "low", "high"} <= data[name].keys()
    assert {"1", "4"} <= data["pass_hat"].keys()
    assert data["decisions"]["hand_off"] == {"precision": 0.5, "recall": pytest.approx(1 / 3), "n": 3}
    assert {"by_language", "by_topic", "cost_usd"} <= data.keys()
    assert data["latency_ms"].keys() == {"p50", "p95"}
    assert [result["id"] for result in data["results"]] == [case.id for case in CASES]
    turn = data["results"][0]["turns"][0]
    assert turn["reply"]["text"] == "The rate is 2%."
    assert "exchanges" not in turn["reply"]
    assert turn["scores"]["contains"] == {"value": 1.0, "explanation": "as expected"}
    assert data["results"][7]["outcome"] == "error"
    assert [result["id"] for result in data["results"] if result["sent_wrong"]] == ["wrong", "invented"]


def test_nan_never_reaches_the_file(tmp_path):
    script = {"right": reply("2%", "fees.md", confidence=float("nan"), features={"z": float("inf")})}
    path = write_report(report_of(CASES[0], script=script), tmp_path)
    data = json.loads(path.read_text(), parse_constant=pytest.fail)
    turn = data["results"][0]["turns"][0]
    assert (turn["reply"], turn["error"]) == (None, "the reply's confidence is nan, which is no number")
    assert not data["passed"]


def test_a_report_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_report(report_of(CASES[0]), tmp_path / "file")


def test_a_baseline_shows_what_changed(tmp_path):
    path = write_report(report_of(*CASES), tmp_path)
    baseline = read_baseline(path, suite(*CASES))
    same = differences(baseline, report_of(*CASES))
    assert {difference.name for difference in same} <= {"latency_ms.p50", "latency_ms.p95"}
    worse = report_of(*CASES, script={**SCRIPT, "right": SCRIPT["wrong"]})
    changed = {difference.name: difference for difference in differences(baseline, worse)}
    assert changed["pass_rate"].change == pytest.approx(-1 / 8)
    assert changed["wrong_answers"].after == 1
    assert changed["by_language.en.pass_rate"].before == 0.5
    assert changed["by_language.en.pass_rate"].after == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read"),
        ("{", "is no report"),
        ("{}", "is no report.*`suite` is missing"),
        ('{"suite": "other", "measures": {}, "results": []}', "of the suite `other`, not of `office`"),
        ('{"suite": "office", "measures": {}, "results": []}', "no case in common"),
    ],
)
def test_a_baseline_of_another_suite_is_an_error(tmp_path, text, told):
    path = tmp_path / "report.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=told):
        read_baseline(path, suite(*CASES))


def shown(report, **more) -> str:
    console = Console(width=150, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    with console.file:
        console.print(show(report, **more))
    return console.export_text()


def test_the_table_tells_numbers_failures_and_verdict(tmp_path):
    report = report_of(*CASES, gates=(Gate(name="pass_rate", min=0.9),))
    text = shown(report)
    for words in ("9 cases; failed 3, errors 1, unscored 1", "50.0% (21.5-78.5)", "66.7%", "hand_off precision"):
        assert words in text
    assert 'contains: not in the text: "2%"' in text
    assert "ModelFailed: down" in text
    assert text.index("invented") < text.index("broken") < text.rindex("needless")
    assert "Not passed:" in text
    assert "the gate wants at least 0.9" in text
    baseline = read_baseline(write_report(report_of(*CASES), tmp_path), suite(*CASES))
    worse = report_of(*CASES, script={**SCRIPT, "right": SCRIPT["wrong"]})
    assert "differs from the baseline" in shown(worse, changed=differences(baseline, worse))
    assert "Nothing differs" in shown(report, changed=())


def test_the_table_of_many_failures_and_odd_markup_holds():
    cases = [case(f"[bold]c{i}", ("[/red] wrong", FEES)) for i in range(30)]
    text = shown(report_of(*cases, script={"[/red] wrong": SCRIPT["wrong"]}, k=2))
    assert "[bold]c0 (1)" in text
    assert "[/red] wrong" in text
    assert "... and 40 more" in text
    assert "each 2 times" in text
    assert "Passed: the suite has no gates." in text
