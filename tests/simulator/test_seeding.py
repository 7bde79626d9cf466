"""The demo's desk: the sample office's stories come about through the real doors, and bad files are named."""

from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from api.demo.seeding import Seeder, read_desk
from api.demo.stage import OFFICE
from api.mind import load_forms
from knowledge.embed import LocalEmbedder
from sahut.errors import ConfigurationError
from tests.databases import Templates
from tests.simulator.stage import open_phones


async def test_the_desk_is_filled_with_the_last_day(templates: Templates, embedder: LocalEmbedder, tmp_path: Path):
    desk = read_desk(OFFICE / "desk.yaml")
    url = templates.sqlite(tmp_path / "sahut.db", learned=True)
    async with open_phones(url, embedder, tmp_path, behind=desk.begins + timedelta(minutes=10)) as phones:
        await load_forms(phones.stage.house.store, OFFICE / "forms", phones.stage.clock)
        assert await Seeder(phones.stage, Console(quiet=True)).fill(desk) == []
        assert phones.stage.clock.ahead == timedelta(0)
        async with await phones.stage.rest("reader") as rest:
            conversations = (await rest.get("conversations?limit=200")).json()["items"]
            handoffs = (await rest.get("handoffs?state=queued")).json()["items"]
            tickets = (await rest.get("tickets")).json()["items"]
        assert len(conversations) == len(desk.stories) >= 12
        assert {item["status"] for item in conversations} == {"open", "waiting", "resolved", "spam"}
        assert {item["language"] for item in conversations} >= {"id", "en", "pt", "es", "is"}
        assert {item["lane"] for item in handoffs} == {"support", "spam"}
        assert len(tickets) == 1
        now = phones.stage.clock.now()
        left = [phone["window_closes_at"] for phone in (await phones.state())["phones"]]
        assert all(left)
        soon = (now + timedelta(minutes=40)).isoformat()
        assert sum(closes_at < soon for closes_at in left) == 1


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("stories: 7", "stories"),
        ("stories: [", "line 1"),
        ("[]", "valid dictionary"),
        ("stories: [{customer: {name: A}, beats: [{ago: 1h}], becomes: {}}]\npersonas: []", "one of says"),
        ("stories: [{customer: {name: A}, beats: [{ago: x, says: a}], becomes: {}}]\npersonas: []", "ago"),
        ("stories: [{customer: {name: A}, beats: [{ago: 1h, sends: b}], becomes: {}}]\npersonas: []", "picture"),
    ],
)
def test_a_bad_desk_is_named(tmp_path: Path, words: str, what: str):
    path = tmp_path / "desk.yaml"
    path.write_text(words, "utf-8")
    with pytest.raises(ConfigurationError, match=what) as refusal:
        read_desk(path)
    assert str(path) in str(refusal.value)
    with pytest.raises(ConfigurationError):
        read_desk(tmp_path / "missing.yaml")
