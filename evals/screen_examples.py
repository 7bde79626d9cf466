"""Reads the messages that the screen is trained on: those written for Sahut, and a file of SMS by path.

Knows no embedder and fits nothing.
"""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agent.screening.signals import Kind
from sahut.errors import ConfigurationError

FOLDER = Path(__file__).with_name("data") / "screen"
SPAM: Kind = "spam"
GENUINE = "genuine"
SEVERAL = "other"  # the file whose messages are in several languages
SMS = "sms"


@dataclass(frozen=True)
class Example:
    """A message and what it is: one of `agent.screening.evidence.KINDS`, `genuine`, or a near miss `not_...`.

    `language` is a file's name (`SEVERAL`: several languages); that of an SMS is `SMS`.
    """

    kind: str
    language: str
    text: str


@cache
def written() -> tuple[Example, ...]:
    """All examples written for Sahut, in the order of files and lines."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        found += [Example(kind, path.stem, text) for kind, texts in table.items() for text in texts]
    return tuple(found)


def digest() -> str:
    """Names the state of the examples, independent of how the files' lines end."""
    lines = "\n".join(f"{one.kind}\t{one.language}\t{one.text}" for one in written())
    return hashlib.sha256(lines.encode()).hexdigest()


def read_sms(path: Path) -> tuple[Example, ...]:
    """The messages of the UCI SMS Spam Collection, as JSON Lines (`text`, `label`) or as its own tab-separated file.

    Raises `ConfigurationError` naming the line that is neither.
    """
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        label, text = _sms(line)
        if label not in ("ham", "spam"):
            raise ConfigurationError(f"{path}, line {number}: neither JSON with `text` and `label` nor `ham<TAB>text`.")
        found.append(Example(SPAM if label == "spam" else GENUINE, SMS, text))
    return tuple(found)


def _sms(line: str) -> tuple[str, str]:
    if line.startswith("{"):
        try:
            row = json.loads(line)
            return str(row["label"]), str(row["text"])
        except (ValueError, KeyError):
            return "", ""
    label, _, text = line.partition("\t")
    return label, text
