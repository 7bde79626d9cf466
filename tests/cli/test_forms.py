"""Forms at the command line: `ask` begins one and keeps nothing of it, and a mistake in a file is named."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Sahut
from tests.databases import HANDBOOK

FORMS = HANDBOOK.parent / "forms"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SAHUT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_ask_begins_a_form_and_keeps_nothing_of_it(sahut: Sahut, home: Path):
    shutil.copytree(FORMS, home / "forms")
    answer = json.loads(sahut("ask", "I want to request a refund for B 1234 XY", "--json").out)
    assert answer["decision"] == "clarify"
    assert answer["tool_calls"] == [{"name": "send_form", "arguments": {"form": "refund"}, "state": "proposed"}]
    assert answer["text"].endswith("Why do you ask for the refund?")
    with closing(sqlite3.connect(home / "sahut.db")) as database:
        assert database.execute("SELECT count(*) FROM filling").fetchone() == (0,)
        assert database.execute("SELECT name FROM form ORDER BY name").fetchall() == [("address-change",), ("refund",)]


def test_a_form_whose_file_is_gone_is_offered_no_more(sahut: Sahut, home: Path):
    shutil.copytree(FORMS, home / "forms")
    wish = "I want to request a refund for B 1234 XY"
    assert json.loads(sahut("ask", wish, "--json").out)["tool_calls"]
    (home / "forms" / "refund.yaml").unlink()
    assert json.loads(sahut("ask", wish, "--json").out)["tool_calls"] == []


@pytest.mark.parametrize(("verb", "code"), [(("ask", "Halo"), 2), (("doctor",), 1)])
def test_a_mistake_in_a_form_file_is_named(sahut: Sahut, home: Path, verb: tuple[str, ...], code: int):
    (home / "forms").mkdir(parents=True)
    (home / "forms" / "visit.yaml").write_text("{title: Visit, examples: [visit], fields: []}", "utf-8")
    ran = sahut(*verb)
    assert ran.code == code
    assert "visit.yaml: fields: holds too little: add an item" in ran.out + ran.err
