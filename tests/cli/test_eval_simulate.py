"""`sahut eval simulate`: customers of the sample shop, served without a key; what is wrong is told."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Sahut


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAHUT_HOME", str(tmp_path / "home"))


def test_customers_are_played_and_reported_and_the_installation_is_left_alone(sahut: Sahut, tmp_path: Path):
    chosen = ("--task", "cancel", "--task", "until-when", "--task", "more-jars")
    ran = sahut("eval", "simulate", "shop", *chosen, "--k", "2", "--out", "a", "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert (report["cases"], report["k"], report["errors"], report["failures"]) == (3, 2, 0, 2)
    assert report["pass_hat"] == {"1": pytest.approx(2 / 3), "2": pytest.approx(2 / 3), "4": None}
    assert {result["id"] for result in report["results"] if result["outcome"] == "failed"} == {"more-jars"}
    assert {path.name for path in Path("a").iterdir()} >= {"report.json", "report.html", "junit.xml"}
    assert not (tmp_path / "home").exists()
    fallen = sahut(
        "eval", "simulate", "shop", "--task", "cancel", "--k", "1", "--out", "b", "--baseline", "a/report.json"
    )
    assert (fallen.code, "pass_hat.2" in fallen.out) == (0, True)
    again = sahut("eval", "simulate", "shop", *chosen, "--out", "a")
    assert (again.code, "give another --out" in again.err) == (2, True)


@pytest.fixture
def interrupted(sahut: Sahut) -> tuple[str, ...]:
    """A simulation of four trials of which one was played, and the words that began it."""
    words = ("eval", "simulate", "shop", "--task", "until-when", "--task", "where-is-it", "--out", "a")
    assert sahut(*words, "--k", "2").code == 0
    folder = Path("a")
    lines = (folder / "plays.jsonl").read_text("utf-8").splitlines(keepends=True)
    assert len(lines) == 4
    (folder / "plays.jsonl").write_text(lines[0] + lines[1][:40], "utf-8")
    manifest = json.loads((folder / "run.json").read_text("utf-8"))
    (folder / "run.json").write_text(json.dumps({**manifest, "finished_at": None}), "utf-8")
    (folder / "report.json").unlink()
    return words


def test_an_interrupted_simulation_goes_on_with_the_trials_that_are_left(sahut: Sahut, interrupted: tuple[str, ...]):
    before = Path("a/plays.jsonl").read_text("utf-8").splitlines()[0]
    ran = sahut(*interrupted, "--k", "2", "--at-once", "1", "--json")
    assert (ran.code, "unchanged 1" in ran.err) == (0, True), ran.err
    assert json.loads(ran.out)["pass_hat"]["2"] == 1
    after = Path("a/plays.jsonl").read_text("utf-8").splitlines()
    assert (after[0], len(after)) == (before, 4)
    for words in (interrupted, ("eval", "score", "a"), ("eval", "run", "nowhere.yaml", "--out", "a")):
        assert sahut(*words).code == 2


def test_another_simulation_never_goes_on_in_the_folder_of_one(
    sahut: Sahut, interrupted: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("SAHUT_MODEL", "extractive")
    for words, told in (
        (("--k", "3"), "k 2, that was interrupted: give another --out for k 3"),
        (("--k", "2", "--task", "refund"), "tasks where-is-it, until-when"),
        (("--k", "2", "--customers", "m"), "customers by script"),
    ):
        ran = sahut(*interrupted, *words)
        assert (ran.code, told in ran.err) == (2, True), ran.err
    monkeypatch.setenv("SAHUT_LANGUAGES", "en")
    changed = sahut(*interrupted, "--k", "2")
    assert (changed.code, "by another assistant (guidance" in changed.err) == (2, True), changed.err
    scored = sahut("eval", "score", "a")
    assert (scored.code, "is a simulation" in scored.err) == (2, True), scored.err


def test_an_environment_that_has_changed_is_another_one(sahut: Sahut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "market.py").write_text(
        "from evals.shop import Shop\n\n\nclass Market(Shop):\n    name = 'market'\n", "utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    words = ("eval", "simulate", "market:Market", "--task", "until-when", "--k", "1", "--out", "a")
    assert sahut(*words).code == 0
    manifest = json.loads(Path("a/run.json").read_text("utf-8"))
    Path("a/run.json").write_text(json.dumps({**manifest, "finished_at": None}), "utf-8")
    with (tmp_path / "market.py").open("a", encoding="utf-8") as code:
        code.write("\n# another rule\n")
    changed = sahut(*words)
    assert (changed.code, "by another assistant (environment)" in changed.err) == (2, True), changed.err


def test_what_is_not_there_is_told(sahut: Sahut):
    for words, why in (
        (("market",), "installed are shop"),
        (("shop", "--task", "nothing"), "shop has no task nothing"),
        (("shop", "--customers", "m"), "set OPENAI_API_KEY or OPENAI_BASE_URL"),
    ):
        ran = sahut("eval", "simulate", *words)
        assert (ran.code, why in ran.err) == (2, True), ran.err
