"""The written pages keep to what is there: links, settings, verbs, targets and folders that they name exist."""

import re
from pathlib import Path

import pytest
import typer

from api.cli import app
from sahut.settings import setting_names
from tests.docs.__main__ import ROOT, main, stale, write

WRITTEN = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/README.md")])
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
_FENCE = re.compile(r"^\s*```(\w*)\n(.*?)^\s*```$", re.M | re.S)
_SETTING = re.compile(r"\bSAHUT_[A-Z_]*[A-Z]\b")

pages = pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))


def test_generated_pages_say_what_the_code_says():
    assert stale() == []


def test_a_stale_page_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    write(tmp_path)
    assert stale(tmp_path) == []
    (tmp_path / "docs" / "cli.md").write_text("sahut dance\n", encoding="utf-8")
    monkeypatch.setattr("tests.docs.__main__.stale", lambda: stale(tmp_path))
    monkeypatch.setattr("sys.argv", ["tests.docs", "--check"])
    assert main() == 1
    assert "docs/cli.md" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "value"), [("COLUMNS", "30"), ("TERM", "dumb"), ("SAHUT_HOME", "/elsewhere")])
def test_generated_pages_do_not_depend_on_the_environment(name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, value)
    assert stale() == []


@pages
def test_links_lead_somewhere(page: Path):
    dead = [link for link in _LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert dead == []


@pages
def test_settings_that_are_named_exist(page: Path):
    assert set(_SETTING.findall(page.read_text("utf-8"))) <= set(setting_names())


@pages
def test_verbs_that_are_shown_exist(page: Path):
    verbs = typer.main.get_command(app).commands
    shown = re.findall(r"^\s*(?:\w+=\S+ )?(?:\$\()?(?:\.venv/bin/)?sahut ([a-z]+)", _shell(page), re.M)
    assert set(shown) <= set(verbs)


@pages
def test_make_targets_that_are_shown_exist(page: Path):
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert set(re.findall(r"^make ([a-z]+)", _shell(page), re.M)) <= set(targets)


def test_each_decision_is_listed_and_numbered():
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text("utf-8")
    found = sorted(page.name for page in folder.glob("0*.md"))
    assert re.findall(r"\((0\d{3}-[a-z-]+\.md)\)", index) == found
    for name in found:
        assert (folder / name).read_text("utf-8").startswith(f"# {name[:4]}: ")


def _shell(page: Path) -> str:
    return "\n".join(code for language, code in _FENCE.findall(page.read_text("utf-8")) if language == "sh")


def test_the_tools_that_are_shown_could_be_declared_so(tmp_path: Path):
    from tools.sources import read_sources

    (shown,) = [
        body for kind, body in _FENCE.findall((ROOT / "docs" / "tools.md").read_text("utf-8")) if kind == "toml"
    ]
    (tmp_path / "tools.toml").write_text(shown, encoding="utf-8")
    sources = read_sources(tmp_path / "tools.toml")
    assert set(sources.openapi["orders"].tools) == {"find_order", "refund"}
    assert sources.openapi["orders"].tools["refund"].authority.confirms == "operator"
    assert set(sources.mcp["stock"].tools) == {"stock_level"}
