"""The prompt's snapshot and its version."""

from pathlib import Path

import pytest

from agent import prompts
from tests.docs.pages import prompts as page

ROOT = Path(__file__).parents[2]


def test_the_prompt_is_as_it_was_snapshotted():
    kept = (ROOT / "docs" / "prompts.md").read_text("utf-8")
    assert kept == page(), "a prompt changed: look at the difference, then run `make docs`"
    assert f"Version `{prompts.PROMPT_VERSION}`" in kept
    assert "0812" not in kept, "the specimen's customer is hidden as any other"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SYSTEM", prompts.SYSTEM + "Be funny."),
        ("SEVERAL", "Answer all."),
        ("SUM_UP", "Sum up {language} {fence}."),
        ("KNOWN", "Known"),
        ("STAND_INS", "Words such as {example}."),
        ("REPAIR", "No: "),
        ("RANK", prompts.RANK + "Prefer short ones."),
        ("PASSAGE_TOKENS", 601),
        ("RANKED_TOKENS", 301),
        ("RANK_FORMAT", {"type": "json_object"}),
        ("fenced", lambda text, fence: text),
    ],
)
def test_whatever_changes_has_another_version(name: str, value: object, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prompts, name, value)
    assert prompts._version() != prompts.PROMPT_VERSION
