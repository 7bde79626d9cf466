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


def test_what_is_not_there_is_told(sahut: Sahut):
    for words, why in (
        (("market",), "installed are shop"),
        (("shop", "--task", "nothing"), "shop has no task nothing"),
        (("shop", "--customers", "m"), "set OPENAI_API_KEY or OPENAI_BASE_URL"),
    ):
        ran = sahut("eval", "simulate", *words)
        assert (ran.code, why in ran.err) == (2, True), ran.err
