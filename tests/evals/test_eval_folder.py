"""A run as a folder: interrupted, resumed, scored again, cached, compared; and its reports."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from eval_play import ScriptedAssistant, case, reply, suite

from api.cli.common import run as command
from evals.compare import compare
from evals.fingerprint import Fingerprint
from evals.folder import Manifest, cache_of, finish, open_run, read_manifest, read_run
from evals.gates import Gate, parse_gate
from evals.html import html
from evals.junit import junit
from evals.played import Run
from evals.plays import Plays
from evals.report import build_report, compared, read_baseline, read_report, write_report
from evals.run import Player
from evals.scorers import builtin_scorers
from evals.scoring import score_case
from evals.table import percent
from sahut.errors import ConfigurationError, ModelFailed
from sahut.turn import Reply, Screening, Turn, Verdict

FEES = {"decision": "reply", "contains": ["2%"], "cites": ["fees.md"]}
CASES = tuple(case(f"c{i}", (f"q{i}", FEES), language="en", topic="fees") for i in range(10))
RIGHT = reply("The rate is 2%.", "fees.md", confidence=0.9, features={"words": 0.9})
WRONG = reply("It is <b>5%</b>.", "other.md", confidence=0.6, features={"words": 0.5})
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def made(**parts: str) -> Fingerprint:
    return Fingerprint(**{name: parts.get(name, "x") for name in Fingerprint.model_fields})


def manifest(name: str = "office", k: int = 1, **parts: str) -> Manifest:
    return Manifest(suite=name, path=Path("office.yaml"), k=k, started_at=NOW, assistant=made(**parts))


def play(assistant, *memories, cases=CASES, **fields) -> Run:
    return asyncio.run(Player(assistant, memories=memories).play(suite(*cases, **fields)))


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    stuck = asyncio.Event()

    class Interrupted(ScriptedAssistant):
        async def __call__(self, turn: Turn) -> Reply:
            if turn.text == "q6":
                stuck.set()
                await asyncio.Event().wait()
            return await super().__call__(turn)

    first = Interrupted({}, default=RIGHT)

    async def stopped_at_the_seventh(plays):
        playing = asyncio.create_task(Player(first, memories=(plays,), concurrency=1).play(suite(*CASES)))
        await stuck.wait()
        playing.cancel()
        await playing

    with open_run(tmp_path, manifest()) as plays, pytest.raises(asyncio.CancelledError):
        asyncio.run(stopped_at_the_seventh(plays))
    again = ScriptedAssistant({}, default=RIGHT)
    with open_run(tmp_path, manifest()) as plays:
        run = play(again, plays)
    assert len(first.turns) == 6
    assert [turn.text for turn in again.turns] == ["q6", "q7", "q8", "q9"]
    assert [played.outcome for played in run.results] == ["passed"] * 10


def test_half_a_line_is_what_an_interrupt_left(tmp_path):
    with Plays(tmp_path / "p.jsonl") as plays:
        play(ScriptedAssistant({}, default=RIGHT), plays)
    whole = (tmp_path / "p.jsonl").read_bytes()
    (tmp_path / "p.jsonl").write_bytes(whole[:-30])
    again = ScriptedAssistant({}, default=RIGHT)
    with Plays(tmp_path / "p.jsonl") as plays:
        play(again, plays)
    assert len(again.turns) == 1
    (tmp_path / "p.jsonl").write_bytes(b"nonsense\n")
    with pytest.raises(ConfigurationError, match=r"p\.jsonl:1: is no play"), Plays(tmp_path / "p.jsonl"):
        pass


def test_a_play_that_cannot_be_written_down_ends_the_run_in_one_sentence(tmp_path):
    with Plays(tmp_path / "p.jsonl") as plays:
        pass
    playing = Player(ScriptedAssistant({}, default=RIGHT), memories=(plays,)).play(suite(*CASES))
    with pytest.raises(ConfigurationError, match=r"p\.jsonl cannot be written"):
        command(playing)


def test_two_runs_never_share_a_folder(tmp_path):
    with open_run(tmp_path, manifest()):
        with pytest.raises(ConfigurationError, match="a run is under way"), open_run(tmp_path, manifest()):
            pass
        finish(tmp_path, NOW)
    for wanted, told in (
        (manifest(), "holds a run of `office`.*sahut eval score"),
        (manifest("other"), "holds a run of `office`"),
    ):
        with pytest.raises(ConfigurationError, match=told), open_run(tmp_path, wanted):
            pass
    other = tmp_path / "other"
    with open_run(other, manifest()):
        pass
    for wanted, told in ((manifest(k=2), "interrupted"), (manifest(documents="y"), r"another assistant \(documents\)")):
        with pytest.raises(ConfigurationError, match=told), open_run(other, wanted):
            pass
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "report.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="holds another run"), open_run(tmp_path / "old", manifest()):
        pass


def test_a_run_is_scored_again_without_the_assistant(tmp_path):
    with open_run(tmp_path, manifest()) as plays:
        play(ScriptedAssistant({"q1": ModelFailed("down")}, default=RIGHT), plays)
    stricter = suite(*(one.model_copy(update={"critical": True}) for one in CASES))
    run = read_run(tmp_path, read_manifest(tmp_path), stricter)
    scored = [asyncio.run(score_case(played, builtin_scorers())) for played in run.results]
    assert [played.outcome for played in scored].count("passed") == 9
    assert scored[1].turns[0].error == "ModelFailed: down"
    assert all(played.critical for played in scored)
    with pytest.raises(ConfigurationError, match=r"not played as the suite says it now: new \(1\)"):
        read_run(tmp_path, read_manifest(tmp_path), suite(case("new", ("another question", FEES))))
    with pytest.raises(ConfigurationError, match="is no run"):
        read_manifest(tmp_path / "nowhere")


def test_what_was_asked_before_costs_nothing_and_errors_are_asked_again(tmp_path):
    script = {"q3": ModelFailed("down")}
    with cache_of(tmp_path, made()) as cache:
        play(ScriptedAssistant(script, default=RIGHT), cache)
    again = ScriptedAssistant({}, default=RIGHT)
    changed = (*CASES[:-1], case("c9", ("asked otherwise", FEES)))
    with cache_of(tmp_path, made()) as cache:
        run = play(again, cache, cases=changed)
    assert sorted(turn.text for turn in again.turns) == ["asked otherwise", "q3"]
    assert all(played.outcome == "passed" for played in run.results)
    other = ScriptedAssistant({}, default=RIGHT)
    with cache_of(tmp_path, made(code="changed")) as cache:
        play(other, cache)
    assert len(other.turns) == len(CASES)


def report_of(script, **fields):
    baseline = fields.pop("baseline", None)
    return build_report(play(ScriptedAssistant(script, default=RIGHT), **fields), baseline=baseline)


def test_a_run_compared_with_itself_is_empty_and_a_regression_is_clear(tmp_path):
    good = report_of({})
    assert compare(compared(good.results), compared(good.results)).is_empty
    bad = report_of({f"q{i}": WRONG for i in range(6)})
    found = compare(compared(good.results), compared(bad.results), assistant=("documents",))
    changes = {change.name: change for change in found.changes}
    assert changes["pass_rate"].change.value == pytest.approx(-0.6)
    assert changes["pass_rate"].is_clear
    assert changes["wrong_answers"].after == pytest.approx(0.6)
    assert [(turned.id, turned.kind) for turned in found.turned] == [(f"c{i}", "worse") for i in range(6)]
    assert found.turned[0].after.endswith("It is <b>5%</b>.")
    assert found.assistant == ("documents",)


def test_a_baseline_is_a_gate_of_its_own(tmp_path):
    baseline = read_baseline(write_report(report_of({}), tmp_path), suite(*CASES))
    assert read_report(tmp_path).suite == "office"
    assert report_of({}, baseline=baseline).passed
    one = report_of({"q1": WRONG}, baseline=baseline)
    assert one.passed  # one of ten may be chance
    worse = report_of({f"q{i}": WRONG for i in range(6)}, baseline=baseline)
    assert [breach.gate for breach in worse.breaches] == ["baseline.pass_rate", "baseline.wrong_answers"]
    strict = (parse_gate("baseline.pass_rate", 0), parse_gate("baseline.wrong_answers", 0))
    assert not report_of({"q1": WRONG}, baseline=baseline, gates=strict).passed
    told = report_of({}, gates=(Gate(name="baseline.pass_rate", min=0),)).breaches[0].sentence
    assert "give --baseline FILE" in told


def test_a_critical_case_fails_a_run_whatever_the_rate():
    cases = (*CASES[:9], CASES[9].model_copy(update={"critical": True}))
    report = report_of({"q9": WRONG}, cases=cases, gates=(parse_gate("pass_rate", 0.8),))
    assert [breach.sentence for breach in report.breaches] == ["critical is 1; the gate wants at most 0"]
    assert report_of({"q8": WRONG}, cases=cases).passed


def test_what_the_turn_did_on_the_way_is_scored():
    found = {"found": ("a.md", "fees.md"), "screening": Screening(verdict=Verdict(label="spam", score=0.9))}
    asked = (
        case("found", ("x", {"retrieves": ["fees"], "spam": True})),
        case("missed", ("y", {"retrieves": ["other.md"], "spam": False})),
        case("unasked", ("z", {"retrieves": ["fees.md"], "wants_human": True})),
    )
    run = play(ScriptedAssistant({}, default=RIGHT), cases=asked)
    turns = [played.turns[0].model_copy(update=found if i < 2 else {}) for i, played in enumerate(run.results)]
    results = tuple(
        asyncio.run(score_case(played.model_copy(update={"turns": (turn,)}), builtin_scorers()))
        for played, turn in zip(run.results, turns, strict=True)
    )
    assert [played.outcome for played in results] == ["passed", "failed", "failed"]
    measures = build_report(Run(suite(*asked), 1, NOW, results)).measures
    assert measures["retrieval.recall_at_1"].value == 0
    assert measures["retrieval.recall_at_3"].value == pytest.approx(1 / 3)
    assert measures["retrieval.mrr"].value == pytest.approx(1 / 6)
    assert (measures["screening.spam.recall"].value, measures["screening.spam.precision"].value) == (1, 0.5)
    assert measures["screening.wants_human.recall"].value == 0


def test_an_unsupported_number_and_a_long_answer_are_told():
    said = reply("It costs Rp5.000 a day.", "fees.md")
    asked = (
        case("loose", ("x", {"supported": True})),
        case("long", ("x", {"max_characters": 5})),
        case("form", ("x", {"matches": ["^It .* day"]})),
    )
    run = play(ScriptedAssistant({"x": said}), cases=asked)
    scores = [next(iter(played.turns[0].scores.values())) for played in run.results]
    assert [score.passed for score in scores] == [False, False, True]
    assert "nothing supports" in scores[0].explanation


def test_junit_is_xml_whatever_customers_write():
    cases = (*CASES[:2], case("bad\x00<id>", ("q1 \x07 & <x>", FEES)), case("free", ("hi", None)))
    report = report_of({"q1": ModelFailed("down"), "q1 \x07 & <x>": WRONG}, cases=cases)
    (found,) = ElementTree.fromstring(junit(report))  # noqa: S314  # our own text
    assert (found.get("failures"), found.get("errors"), found.get("skipped")) == ("2", "1", "1")
    assert [node.tag for one in found for node in one] == ["error", "failure", "skipped", "failure"]


@pytest.mark.parametrize(
    ("value", "digits", "told"),
    [
        (1, 0, "100%"),
        (0.996, 0, ">99%"),
        (0.9999, 1, ">99.9%"),
        (0.0004, 1, "<0.1%"),
        (0, 1, "0.0%"),
        (0.625, 1, "62.5%"),
    ],
)
def test_nearly_all_is_never_told_as_all(value, digits, told):
    assert percent(value, digits) == told


def test_the_page_needs_nothing_else_and_shows_failures_first():
    hostile = case("hostile", ("<script>alert(1)</script>", FEES), topic="</svg><script>x</script>")
    page = html(report_of({"<script>alert(1)</script>": WRONG}, cases=(*CASES, hostile)))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt;5%&lt;/b&gt;" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert page.index("What went wrong") < page.index("In pictures") < page.index("What went as expected")
    for drawn in ("Pass rate by language", "Wrong answers against answers sent", "Confidence against being right"):
        assert drawn in page
    assert "Nothing." in html(report_of({}))
    assert json.dumps(page)
