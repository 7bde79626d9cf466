"""What customers read about their tickets, in five languages. Knows no conversation and decides nothing."""

import tomllib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

FALLBACK = "en"
_FILE = Path(__file__).parent / "data" / "tickets.toml"


@cache
def _catalogue() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def say(key: str, language: str, **values: str) -> str:
    """The sentence `key` ("added", "page.history") in `language`, else in English; `KeyError` for a missing value."""
    found: Any = _catalogue()
    for part in key.split("."):
        found = found[part]
    sentence: str = found.get(language, found[FALLBACK])
    return sentence.format_map(values)


def speaks(language: str) -> bool:
    """Whether there are sentences in this language."""
    return language in _catalogue()["opened"]


def status(name: str, language: str) -> str:
    """A ticket's status in words."""
    return say(f"status.{name}", language)


def moment(at: datetime, language: str, zone: str) -> str:
    """A moment on the organisation's clock, as it is written in `language`."""
    return at.astimezone(ZoneInfo(zone)).strftime(say("time", language))
