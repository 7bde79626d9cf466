"""`sahut eval`: a suite is run, runs again for nothing, is compared, scored and calibrated; what is wrong is told."""

import json
import shutil
from pathlib import Path

import pytest

from agent.confidence import CALIBRATION_VERSION
from tests.cli.conftest import Sahut

FINE = "What is the cost of a replacement certificate for a car?"
ASKED: list[tuple[str, dict[str, object]]] = [
    (FINE, {"decision": "reply", "cites": ["lost-papers.md"], "contains": ["Rp180,000"]}),
    ("When do you close on Fridays?", {"decision": "reply", "cites": ["opening-hours.md"], "contains": ["14:30"]}),
    ("I want to talk to a person", {"decision": "hand_off", "wants_human": True}),
]


@pytest.fixture
def home(learned_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, since runs leave their answers and calibrations there."""
    mine = tmp_path / "mine"
    shutil.copytree(learned_home, mine)
    monkeypatch.setenv("SAHUT_HOME", str(mine))
    return mine


def cases(*more: dict[str, object], times: int = 1) -> str:
    rows = [
        {"id": f"c{n}-{i}", "turns": [{"user": q, "expect": e}]} for n in range(times) for i, (q, e) in enumerate(ASKED)
    ]
    Path("cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (*rows, *more)), encoding="utf-8")
    return "cases.jsonl"


def test_a_suite_is_run_run_again_compared_and_scored(sahut: Sahut, home: Path):
    Path("suite.yaml").write_text(f"name: mine\ncases: {cases()}\ngates: {{pass_rate: 0.9}}\n", encoding="utf-8")
    first = sahut("eval", "run", "suite.yaml", "--out", "a")
    assert (first.code, "Passed" in first.out) == (0, True)
    assert {path.name for path in Path("a").iterdir()} >= {"report.json", "report.html", "junit.xml", "plays.jsonl"}
    again = sahut("eval", "run", "suite.yaml", "--out", "b", "--baseline", "a/report.json")
    assert (again.code, "unchanged 3" in again.err) == (0, True)
    assert "Nothing differs" in sahut("eval", "compare", "a", "b").out
    assert json.loads(sahut("eval", "compare", "a", "b", "--json").out)["changes"] == []
    taken = sahut("eval", "run", "suite.yaml", "--out", "a")
    assert (taken.code, "give another --out" in taken.err) == (2, True)
    ASKED_NOW = Path("cases.jsonl").read_text(encoding="utf-8").replace("Rp180,000", "Rp999,000")  # noqa: N806
    Path("cases.jsonl").write_text(ASKED_NOW, encoding="utf-8")
    scored = sahut("eval", "score", "a")
    assert (scored.code, "Rp999,000" in scored.out) == (1, True)


def test_a_lower_threshold_is_a_regression_that_a_gate_sees(sahut: Sahut, home: Path, monkeypatch: pytest.MonkeyPatch):
    unknown = (
        "Can I renew my driving licence here?",
        "Does the office have wifi for visitors?",
        "Who is the mayor of Teluk Jati?",
    )
    more = [{"id": f"u{i}", "turns": [{"user": q, "expect": {"decision": "hand_off"}}]} for i, q in enumerate(unknown)]
    Path("suite.yaml").write_text(
        f"name: mine\ncases: {cases(*more)}\ngates: {{wrong_answers: 0.1, decisions.hand_off.recall: 0.9}}\n",
        encoding="utf-8",
    )
    assert sahut("eval", "run", "suite.yaml", "--out", "a").code == 0
    monkeypatch.setenv("SAHUT_MAX_WRONG", "0.6")
    worse = sahut("eval", "run", "suite.yaml", "--out", "b", "--baseline", "a/report.json")
    assert worse.code == 1
    assert "decisions.hand_off.recall" in worse.out
    assert "sent wrong" in worse.out
    assert "differs in: guidance" in sahut("eval", "compare", "a", "b").out


def test_calibrating_refuses_what_it_cannot_promise_and_the_service_keeps_what_it_can(sahut: Sahut, home: Path):
    found = {item["what"]: item for item in json.loads(sahut("doctor", "--json").out)}
    assert (found["calibration"]["state"], "shipped defaults" in found["calibration"]["says"]) == ("warn", True)
    refused = sahut("eval", "calibrate", cases(), "--max-wrong", "0.05", "--confidence", "0.9")
    assert (refused.code, "too few" in refused.err) == (2, True)
    assert not (home / "calibration.json").exists()
    fitted = sahut("eval", "calibrate", cases(times=40), "--max-wrong", "0.05", "--next", "1000", "--json")
    assert fitted.code == 0, fitted.err
    written = json.loads((home / "calibration.json").read_text(encoding="utf-8"))
    assert written["send"]["fitted_on"]["answers"] == 80
    found = {item["what"]: item for item in json.loads(sahut("doctor", "--json").out)}
    told = "5.0% of 1000 sent answers wrong"
    assert (found["calibration"]["state"], told in found["calibration"]["says"]) == ("ok", True)
    assert json.loads(sahut("ask", FINE, "--json").out)["decision"] == "reply"
    never = written | {"send": written["send"] | {"thresholds": {"*": 1.01}}}
    (home / "calibration.json").write_text(json.dumps(never), encoding="utf-8")
    assert json.loads(sahut("ask", FINE, "--json").out)["reason"] == "low_confidence"


def test_a_promise_that_is_looser_than_the_budget_is_never_put_in_the_services_way(sahut: Sahut, home: Path):
    refused = sahut("eval", "calibrate", cases(times=40), "--max-wrong", "0.15")
    assert (refused.code, "set SAHUT_MAX_WRONG=0.15 first" in refused.err) == (2, True)
    assert "120" not in refused.err  # nothing was played
    elsewhere = sahut("eval", "calibrate", "cases.jsonl", "--max-wrong", "0.15", "--out", "elsewhere.json")
    assert (elsewhere.code, Path("elsewhere.json").exists()) == (0, True)
    assert not (home / "calibration.json").exists()
    assert sahut("ask", FINE).code == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"slope": "NaN"}, "slope"),
        ({"formula": "another"}, "fitted over the formula another"),
        ({"send": {"max_wrong": 0.2, "confidence": 0.9, "thresholds": {"*": 0.5}}}, "SAHUT_MAX_WRONG is 0.05"),
        ({"thresholds": 1}, "thresholds"),
    ],
)
def test_a_calibration_that_cannot_be_used_stops_with_one_line(sahut: Sahut, home: Path, change, told):
    (home / "calibration.json").write_text(json.dumps({"formula": CALIBRATION_VERSION, **change}), encoding="utf-8")
    ran = sahut("ask", FINE)
    assert (ran.code, told in ran.err, len(ran.err.strip().splitlines())) == (2, True, 1)


def test_the_spam_threshold_has_its_price(sahut: Sahut, home: Path, monkeypatch: pytest.MonkeyPatch):
    rows = [{"id": f"g{i}", "text": f"{FINE} {i}", "label": "ham"} for i in range(40)]
    Path("ham.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    refused = sahut("eval", "calibrate", "ham.jsonl", "--max-false-positives", "0.01")
    assert (refused.code, "genuine messages are too few" in refused.err) == (2, True)
    assert sahut("eval", "calibrate", "ham.jsonl", "--max-false-positives", "0.1").code == 0
    threshold = json.loads((home / "calibration.json").read_text(encoding="utf-8"))["spam"]["threshold"]
    assert 0 < threshold < 0.3
    dubious = "Congratulations, you have won a prize! Claim it at http://prize.example.com"
    assert json.loads(sahut("screen", dubious, "--json").out)["label"] == "spam"
    monkeypatch.setenv("SAHUT_SPAM_THRESHOLD", "1")
    assert json.loads(sahut("screen", dubious, "--json").out)["label"] != "spam"


def test_files_are_checked_converted_and_described(sahut: Sahut, home: Path):
    sound = sahut("eval", "lint", cases())
    assert (sound.code, "3 cases" in sound.out) == (0, True)
    assert sahut("eval", "convert", "cases.jsonl", "--to", "inspect", "--out", "samples.jsonl").code == 0
    told = sahut("eval", "convert", "cases.jsonl", "--to", "inspect", "--out", "again.jsonl", "--json")
    assert json.loads(told.out) == {"cases": 3, "to": "inspect", "file": "again.jsonl"}
    sample = json.loads(Path("samples.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert sample["input"] == [{"role": "user", "content": FINE}]
    assert "turns" in json.loads(sahut("eval", "schema").out)["properties"]
    cases({"id": "bad", "turns": [{"user": "x", "expects": {}}]})
    broken = sahut("eval", "lint", "cases.jsonl")
    assert (broken.code, "cases.jsonl:4: unknown key `expects`" in broken.err) == (2, True)
    assert sahut("eval", "convert", "cases.jsonl", "--to", "yaml", "--out", "x").code == 2
    nothing = sahut("eval", "export", "--out", "x.jsonl")
    assert (nothing.code, Path("x.jsonl").exists()) == (1, False)


def test_a_suite_without_anything_learned_says_what_to_do(sahut: Sahut):
    ran = sahut("eval", "run", cases())
    assert (ran.code, "nothing is learned yet: run `sahut learn FOLDER`" in ran.err) == (2, True)
