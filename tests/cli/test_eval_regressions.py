"""Planted regressions: a wrong document, a prompt that misleads the model. Each fails the gate, its cases on top."""

import asyncio
import json
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.server import listen, served
from sahut.testing import openai_server as server
from sahut.testing.openai_server import Answer, OpenAIScript
from tests.cli.conftest import PAGES, Sahut
from tests.databases import HANDBOOK

CASES: dict[str, tuple[str, dict[str, object]]] = {
    "certificate": (
        "What is the cost of a replacement certificate for a car?",
        {"decision": "reply", "cites": ["lost-papers.md"], "contains": ["Rp180,000"]},
    ),
    "friday": (
        "When do you close on Fridays?",
        {"decision": "reply", "cites": ["opening-hours.md"], "contains": ["14:30"]},
    ),
    "person": ("I want to talk to a person", {"decision": "hand_off"}),
    "mayor": ("Who is the mayor of Teluk Jati?", {"decision": "hand_off"}),
}
MISLEADING = "Answer from the last source only, whatever it says."
_SOURCE = re.compile(r"\[(\d+)\]\n<(\S+)>\n(.*?)\n</\2>", re.DOTALL)


def obedient(body: dict[str, Any]) -> Answer:
    """A model that does what its prompt says: it looks for the answer in the sources, or does as it is misled to."""
    prompt, asked = body["messages"][0]["content"], body["messages"][-1]["content"]
    sources = [(int(number), text) for number, _, text in _SOURCE.findall(asked)]
    if MISLEADING in prompt and sources:
        number, text = sources[-1]
        return server.replies(text.split("\n")[-1], sources=[number])
    for _, expect in CASES.values():
        for words in expect.get("contains", ()):  # type: ignore[attr-defined]
            question = next(said for said, its in CASES.values() if its is expect)
            found = next(((number, text) for number, text in sources if words in text), None)
            if found and asked.rstrip().split("\n")[-2] == question:
                line = next(line for line in found[1].split("\n") if words in line)
                return server.replies(line, sources=[found[0]])
    return server.structured("hand_off", reason="no_answer")


@pytest.fixture
def home(learned_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    mine = tmp_path / "mine"
    shutil.copytree(learned_home, mine)
    monkeypatch.setenv("SAHUT_HOME", str(mine))
    rows = [{"id": name, "turns": [{"user": said, "expect": expect}]} for name, (said, expect) in CASES.items()]
    Path("cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    gates = "{pass_rate: 0.9, wrong_answers: 0.1}"
    Path("suite.yaml").write_text(f"name: office\ncases: cases.jsonl\ngates: {gates}\n", encoding="utf-8")
    return mine


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIScript]:
    """The obedient model behind real HTTP, in a thread of its own."""
    script = OpenAIScript([obedient])
    listening, ready, done = listen("127.0.0.1", 0), threading.Event(), threading.Event()
    address: list[str] = []

    async def serve() -> None:
        async with served(script.app, listening) as at:
            address.append(at)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{address[0]}/v1")
    monkeypatch.setenv("SAHUT_MODEL", "scripted-model")
    yield script
    done.set()
    thread.join(30)


def failed(run: str) -> dict[str, bool]:
    """The cases that did not pass, and whether a wrong answer was sent in each."""
    report = json.loads((Path(run) / "report.json").read_text(encoding="utf-8"))
    return {one["id"]: one["sent_wrong"] for one in report["results"] if one["outcome"] != "passed"}


def on_top(said: str) -> list[str]:
    """The cases of the table of failures, in its order."""
    below = said[said.index("what is wrong") :]
    return [word for line in below.splitlines() if (word := line.split(" ")[0]) in CASES]


def test_a_wrong_document_fails_the_gate_with_its_case_on_top(sahut: Sahut, home: Path):
    assert sahut("eval", "run", "suite.yaml", "--out", "a").code == 0
    Path("shelf").mkdir()
    for page in PAGES:
        text = (HANDBOOK / page).read_text(encoding="utf-8").replace("Rp180,000", "Rp108,000")
        (Path("shelf") / page).write_text(text, encoding="utf-8")
    assert sahut("learn", "shelf", "--replace").code == 0
    worse = sahut("eval", "run", "suite.yaml", "--out", "b", "--baseline", "a/report.json")
    assert worse.code == 1
    assert (on_top(worse.out), failed("b")) == (["certificate"], {"certificate": True})
    assert "pass_rate is 0.75; the gate wants at least 0.9" in worse.out
    compared = sahut("eval", "compare", "a", "b").out
    assert "differs in: documents" in compared
    assert [name for name in CASES if f"{name} " in compared] == ["certificate"]


def test_a_prompt_that_misleads_the_model_fails_the_gate(
    sahut: Sahut, home: Path, script: OpenAIScript, monkeypatch: pytest.MonkeyPatch
):
    good = sahut("eval", "run", "suite.yaml", "--out", "a")
    assert (good.code, failed("a")) == (0, {}), good.out
    assert script.requests
    unchanged = sahut("eval", "run", "suite.yaml", "--out", "same", "--baseline", "a/report.json", "--fresh")
    assert unchanged.code == 0
    monkeypatch.setenv("SAHUT_PERSONA", MISLEADING)
    worse = sahut("eval", "run", "suite.yaml", "--out", "b", "--baseline", "a/report.json")
    assert worse.code == 1
    assert set(failed("b")) >= {"certificate", "friday"}
    assert on_top(worse.out)[:2] == ["certificate", "friday"]
    assert "the gate wants at least 0.9" in worse.out
    assert "differs in: guidance" in sahut("eval", "compare", "a", "b").out


def test_an_unchanged_run_passes_and_compared_with_itself_is_empty(sahut: Sahut, home: Path):
    assert sahut("eval", "run", "suite.yaml", "--out", "a").code == 0
    again = sahut("eval", "run", "suite.yaml", "--out", "b", "--baseline", "a/report.json", "--fresh")
    assert (again.code, "Nothing differs" in sahut("eval", "compare", "a", "a").out) == (0, True)
    found = json.loads(sahut("eval", "compare", "a", "a", "--json").out)
    assert (found["changes"], found["turned"], found["assistant"]) == ([], [], [])


def test_a_second_model_is_left_out_since_it_would_be_measured_in_the_first_ones_name(
    sahut: Sahut, home: Path, script: OpenAIScript, monkeypatch: pytest.MonkeyPatch
):
    def first_is_down(body: dict[str, Any]) -> Answer:
        return server.fails(500) if body["model"] == "scripted-model" else obedient(body)

    script.says(first_is_down)
    monkeypatch.setenv("SAHUT_FALLBACK_MODEL", "the-second")
    assert sahut("eval", "run", "suite.yaml", "--out", "a").code == 1
    assert set(failed("a")) >= {"certificate", "friday"}
    assert {body["model"] for body in script.requests} == {"scripted-model"}


def test_rubrics_are_judged_where_a_judge_is_named_and_counted_where_none_is(
    sahut: Sahut, home: Path, script: OpenAIScript
):
    rows = [
        {"id": name, "turns": [{"user": CASES[name][0], "expect": {"rubric": rubric}}]}
        for name, rubric in (("certificate", "Names the price."), ("friday", "Names the price."))
    ]
    Path("judged.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def answers(body: dict[str, Any]) -> Answer:
        if body["model"] != "the-judge":
            return obedient(body)
        is_right = "Rp180,000" in body["messages"][1]["content"]
        return server.text(json.dumps({"why": "a price", "verdict": "right" if is_right else "wrong"}))

    script.says(answers)
    bare = sahut("eval", "run", "judged.jsonl", "--out", "a")
    assert (bare.code, "2 not judged: give --judge MODEL" in bare.out) == (0, True), bare.out
    assert "Replayed, not scored: their rubrics take a judge" in bare.out
    judged = sahut("eval", "score", "a", "--judge", "the-judge")
    assert (judged.code, failed("a")) == (0, {"friday": False}), judged.out
    report = json.loads(Path("a/report.json").read_text(encoding="utf-8"))
    assert (report["unjudged"], report["measures"]["scorers.rubric"]["value"]) == (0, 0.5)
    assert report["judge"]["model"].startswith("the-judge http://")
    assert (report["judge"]["input_tokens"], report["judge"]["cost_usd"]) == (200, None)
    asked = len(script.requests)
    again = sahut("eval", "run", "judged.jsonl", "--out", "b", "--judge", "the-judge")
    assert (again.code, failed("b"), len(script.requests)) == (0, {"friday": False}, asked)

    Path("named.yaml").write_text("name: named\ncases: judged.jsonl\nscorers: [rubric]\n", encoding="utf-8")
    assert sahut("eval", "lint", "named.yaml").code == 0
    for words, why in (
        (("named.yaml",), "the scorer `rubric` takes a judge"),
        (("cases.jsonl", "--judge", "the-judge"), "there is no rubric to judge"),
    ):
        ran = sahut("eval", "run", *words, "--out", "c")
        assert (ran.code, why in ran.err) == (2, True), ran.err


def test_a_price_that_is_not_known_keeps_no_limit_on_the_cost(sahut: Sahut, home: Path, script: OpenAIScript):
    Path("dear.yaml").write_text("name: dear\ncases: cases.jsonl\ngates: {cost_usd: 1}\n", encoding="utf-8")
    ran = sahut("eval", "run", "dear.yaml", "--out", "a")
    assert (ran.code, "cost_usd was not measured" in ran.out) == (1, True), ran.out
    assert "tokens in" in ran.out
    assert "no price is known" in ran.out
    assert "no price is known" in Path("a/report.html").read_text(encoding="utf-8")


def test_a_server_that_is_down_is_an_error_and_what_the_fallback_said_is_never_kept(
    sahut: Sahut, home: Path, script: OpenAIScript
):
    script.says(server.fails(500))
    down = sahut("eval", "run", "suite.yaml", "--out", "down")
    report = json.loads(Path("down/report.json").read_text(encoding="utf-8"))
    told = {case["id"]: [turn["error"] for turn in case["turns"] if turn.get("error")] for case in report["results"]}
    assert down.code == 1
    assert told["certificate"] == told["friday"] == ["The chat model did not answer: its server failed."]
    refused = sahut("eval", "calibrate", "cases.jsonl", "--max-wrong", "0.05")
    assert (refused.code, "had an error" in refused.err) == (2, True)
    asked = len(script.requests)
    script.says(obedient)
    up = sahut("eval", "run", "suite.yaml", "--out", "up")
    assert (up.code, len(script.requests) > asked) == (0, True)
    assert not failed("up")
