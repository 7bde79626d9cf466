"""The picture of risk and coverage: from a run's report to a file that stands alone, in light and dark."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

from defusedxml import ElementTree
from eval_play import ScriptedAssistant, case, reply, suite

from evals.report import Report, build_report
from evals.run import Player

FEES = {"decision": "reply", "contains": ["2%"]}


def report() -> Report:
    answers = {
        f"q{i}": reply("2%" if i else "5%", "fees.md", confidence=0.9 - i / 10, features={"words": 0.9 - i / 10})
        for i in range(4)
    }
    cases = [case(f"c{i}", (f"q{i}", FEES), language="en", topic="a") for i in range(4)]
    return build_report(asyncio.run(Player(ScriptedAssistant(answers)).play(suite(*cases))))


def drawn(run: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evals.picture", str(run), "--out", str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_one_command_draws_a_run(tmp_path: Path):
    (tmp_path / "report.json").write_text(report().model_dump_json(), "utf-8")
    out = tmp_path / "curve.svg"
    assert drawn(tmp_path, out).returncode == 0
    text = out.read_text("utf-8")
    root = ElementTree.fromstring(text)
    curve = next(one for one in root.iter() if one.get("class") == "curve")
    ups = [float(point.split(",")[1]) for point in curve.get("points", "").split()]
    assert len(ups) == 4
    assert ups == sorted(ups), "the surest answer is the wrong one, so the share of wrong ones falls"
    assert "prefers-color-scheme:dark" in text
    assert "budget 5%" in text
    assert "office: 4 plays" in text
    assert root.get("aria-label", "").endswith("at full coverage 25.0% are wrong")


def test_what_cannot_be_drawn_is_told_in_a_line(tmp_path: Path):
    empty = report().model_copy(update={"risks": ()})
    (tmp_path / "report.json").write_text(empty.model_dump_json(), "utf-8")
    for run, told in ((tmp_path, "fewer than two answers"), (tmp_path / "none", "No such file")):
        tried = drawn(run, tmp_path / "curve.svg")
        assert (tried.returncode, told in tried.stderr, len(tried.stderr.splitlines())) == (2, True, 1), tried.stderr
    assert not (tmp_path / "curve.svg").exists()


def test_the_documentation_shows_a_picture_of_the_same_making():
    kept = (Path(__file__).parents[2] / "docs" / "images" / "risk-coverage.svg").read_text("utf-8")
    assert ElementTree.fromstring(kept).find(".//*[@class='curve']") is not None
    assert re.search(r"support\.test: \d+ plays, extractive", kept)
